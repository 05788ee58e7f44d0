//! A sandbox carrier, and gateways that reach it through a link, or nobody.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gladhand::telemetry::spool::{Folder, SpoolStorage};
use gladhand::telemetry::{Connection, Connector, Policies};
use gladhand::transport::BoxFuture;
use gladhand::{Code, Config, Error, Gateway, GatewayOptions, Result};
use gladhand_sandbox::{Options, Sandbox};
use tokio::runtime::Runtime;

use crate::link::Link;

pub struct Carrier {
    sandbox: Sandbox,
    pub port: u16,
}

impl Carrier {
    /// With a folder of its own, so that what it acknowledges is on disk.
    pub fn start(folder: &Path) -> Self {
        let options = Options { dir: Some(folder.join("carrier")), ..Options::default() };
        let sandbox = Sandbox::start(options).expect("a carrier");
        let (_, port) = sandbox.url().rsplit_once(':').expect("an address with a port");
        let port = port.trim_end_matches('/').parse().expect("a port");
        Self { sandbox, port }
    }

    /// A gateway whose telemetry goes through the link, once it is connected.
    pub fn gateway(&self, runtime: &Runtime, link: &Link, spool: &Path) -> Gateway {
        let path = self.sandbox.gateway_config_path();
        let text = std::fs::read_to_string(&path).expect("a configuration");
        let through = format!("\ntelemetry_url = \"https://127.0.0.1:{}\"\nscac = ", link.port);
        let path = path.with_file_name("bench.toml");
        std::fs::write(&path, text.replacen("\nscac = ", &through, 1)).expect("a configuration");
        let config = Config::from_file(&path).expect("a configuration");
        let options = GatewayOptions { spool: Some(spool.to_owned()), ..GatewayOptions::default() };
        let gateway = runtime.block_on(Gateway::connect(&config, options)).expect("a gateway");
        let start = Instant::now();
        while !gateway.status().connected {
            assert!(start.elapsed() < Duration::from_secs(30), "no connection: {:?}", gateway.status());
            std::thread::sleep(Duration::from_millis(10));
        }
        gateway
    }
}

/// A gateway whose carrier is away, with a spool there or in memory.
pub fn lonely(spool: Option<&Path>) -> Gateway {
    let clock = Arc::new(gladhand::clock::SystemClock::new());
    let policies = Policies::default();
    match spool {
        None => Gateway::with_connector(Arc::new(Away), clock, "edge", policies),
        Some(folder) => {
            let storage: Arc<dyn SpoolStorage> = Arc::new(Folder::open(folder).expect("a folder"));
            Gateway::with_storage(Arc::new(Away), clock, "edge", policies, storage)
        }
    }
    .expect("a gateway")
}

#[derive(Debug)]
struct Away;

impl Connector for Away {
    fn peer(&self) -> String {
        "https://away".into()
    }

    fn connect(&self, _scope: &'static str) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(async { Err(Error::new(Code::Connect, "nobody is there")) })
    }

    fn forget(&self, _scope: &'static str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
