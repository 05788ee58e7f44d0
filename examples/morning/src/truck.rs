//! The vehicle gateway: streams the real highway minute, ten times as fast as it was recorded.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use gladhand::config::Config;
use gladhand::telemetry::minute;
use gladhand::{Code, Error, Gateway, GatewayOptions, Result};
use tokio::task::JoinHandle;

use crate::steps::variable;

/// Ten records a second, as recorded, divided by ten.
const PACE: Duration = Duration::from_millis(10);

/// Starts the truck on a load; answers with how many records the collector acknowledged.
pub(crate) fn drive(load_id: String, dispatch_id: String) -> JoinHandle<Result<u64>> {
    tokio::spawn(async move {
        let config = Config::from_file(variable("GLADHAND_GATEWAY_CONFIG"))?;
        let gateway = Gateway::connect(&config, GatewayOptions::default()).await?;
        for mut record in minute::parse(&recording()?)? {
            let context = Arc::make_mut(&mut record.context);
            context.load_id.clone_from(&load_id);
            context.dispatch_id.clone_from(&dispatch_id);
            record.event_sequence = 0;
            // The road is the recording's, the day is today: a load is followed from its dispatch on.
            record.observed_unix_nanos =
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
            gateway.publish(record)?;
            tokio::time::sleep(PACE).await;
        }
        Ok(gateway.close(Duration::from_secs(20)).await?.acknowledged)
    })
}

fn recording() -> Result<String> {
    let path = variable("GLADHAND_HIGHWAY_MINUTE");
    let unreadable =
        |e: std::io::Error| Error::new(Code::InvalidArgument, format!("{path} is unreadable")).caused_by(&e);
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).map_err(unreadable)?).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}
