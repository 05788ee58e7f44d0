//! Two streams that stay open through every rotation: a gateway publishes, a dispatcher follows the same load.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use gladhand::telemetry::minute;
use gladhand::{Client, Config, CreateOptions, Gateway, GatewayOptions};
use tokio::task::JoinHandle;

use super::Stand;
use crate::Outcome;
use crate::checks::Checks;
use crate::oidc_provider::shown;

/// The pace of the highway minute.
const PACE: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(30);

/// The highway minute, over and over.
const RECORDING: &[u8] = include_bytes!("../../../vectors/telemetry/highway_minute.jsonl.gz");

/// Streams at work.
pub(super) struct Streams {
    stop: Arc<AtomicBool>,
    gateway: JoinHandle<Outcome<gladhand::Conservation>>,
    follower: JoinHandle<Outcome>,
    seen: Arc<AtomicU64>,
}

impl Streams {
    pub(super) async fn open(stand: &Stand, client: &Client) -> Outcome<Self> {
        let load = stand.sandbox.load("L-followed", None).map_err(shown)?;
        let options = CreateOptions::new("aurora").wait(Duration::from_secs(20));
        let tender = client.tender_create(load, options).await.map_err(shown)?;
        let id = tender.text("/tenderId").unwrap_or_default();
        stand.control("/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#)).await?;
        let mut dispatch = None;
        for _ in 0..200 {
            dispatch = client.tender_get(&id).await.map_err(shown)?.text("/dispatchId");
            if dispatch.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let dispatch = dispatch.ok_or("the load was not dispatched")?;
        stand.control("/progress", &format!(r#"{{"tenderId":"{id}","to":"enroute"}}"#)).await?;
        let details = client.dispatch_get(&dispatch).await.map_err(shown)?;
        let vehicle = details.text("/assignments/0/tractorId").unwrap_or_default();

        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let follow = client.telemetry_follow(&["L-followed".to_owned()]).await.map_err(shown)?;
        let (count, ended) = (seen.clone(), stop.clone());
        let follower = tokio::spawn(async move {
            while !ended.load(Ordering::Relaxed) {
                match tokio::time::timeout(Duration::from_secs(1), follow.next()).await {
                    Ok(Ok(Some(position))) => {
                        let shown = 1 + position.integer("/skipped").unwrap_or(0).unsigned_abs();
                        count.fetch_add(shown, Ordering::Relaxed);
                    }
                    Ok(Ok(None)) => return Err("the follower's stream ended".to_owned()),
                    Ok(Err(error)) => return Err(shown(error)),
                    Err(_) => {}
                }
            }
            follow.close();
            Ok(())
        });
        let config = Config::builder().file(stand.file("gatewayConfig")).build().map_err(shown)?;
        let gateway = Gateway::connect(&config, GatewayOptions::default()).await.map_err(shown)?;
        let ended = stop.clone();
        let gateway = tokio::spawn(async move {
            let mut recording = String::new();
            GzDecoder::new(RECORDING).read_to_string(&mut recording).map_err(|error| error.to_string())?;
            let records = minute::parse(&recording).map_err(shown)?;
            for record in records.iter().cycle() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let mut record = record.clone();
                let context = Arc::make_mut(&mut record.context);
                "L-followed".clone_into(&mut context.load_id);
                context.dispatch_id.clone_from(&dispatch);
                context.vehicle_id.clone_from(&vehicle);
                record.event_sequence = 0;
                record.observed_unix_nanos =
                    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
                gateway.publish(record).map_err(shown)?;
                tokio::time::sleep(PACE).await;
            }
            gateway.close(LIMIT).await.map_err(shown)
        });
        Ok(Self { stop, gateway, follower, seen })
    }

    pub(super) async fn close(self, checks: &mut Checks) {
        self.stop.store(true, Ordering::Relaxed);
        match self.gateway.await {
            Ok(Ok(counts)) => {
                let whole = counts.produced == counts.acknowledged && counts.dropped == 0 && counts.pending == 0;
                let what = format!("the open gateway stream: all of {} records were acknowledged", counts.produced);
                checks.holds(&what, whole && counts.produced > 50, format!("{counts:?}"));
            }
            Ok(Err(why)) => checks.fail("the open gateway stream", why),
            Err(error) => checks.fail("the open gateway stream", error),
        }
        match self.follower.await {
            Ok(Ok(())) => {
                let seen = self.seen.load(Ordering::Relaxed);
                checks.holds("the open follower stream went on through every rotation", seen > 50, seen);
            }
            Ok(Err(why)) => checks.fail("the open follower stream", why),
            Err(error) => checks.fail("the open follower stream", error),
        }
    }
}
