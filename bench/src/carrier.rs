//! A sandbox carrier, and gateways that reach it through a link, or nobody.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gladhand::telemetry::spool::{Folder, SpoolStorage};
use gladhand::telemetry::{Connection, Connector, Policies};
use gladhand::transport::BoxFuture;
use gladhand::{Code, Config, Error, Gateway, GatewayOptions, Result};
use gladhand_sandbox::{Options, Sandbox};
use tokio::runtime::Runtime;

use crate::link::Link;

/// A carrier in a process of its own, with a folder, so that what it acknowledges is on disk.
pub struct Carrier {
    child: Child,
    config: PathBuf,
    pub port: u16,
}

/// What that process does: says where it is, and ends with its standard input.
pub fn serve(folder: &Path) {
    let options = Options { dir: Some(folder.join("carrier")), ..Options::default() };
    let sandbox = Sandbox::start(options).expect("a carrier");
    println!("{} {}", sandbox.url(), sandbox.gateway_config_path().display());
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}

impl Carrier {
    pub fn start(folder: &Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .arg("carrier")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a carrier");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("where it is");
        let (url, config) = line.trim().split_once(' ').expect("where it is");
        let (_, port) = url.rsplit_once(':').expect("an address with a port");
        let (config, port) = (config.into(), port.trim_end_matches('/').parse().expect("a port"));
        Self { child, config, port }
    }

    /// Processor time that it took so far.
    pub fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        // A tick is a hundredth of a second wherever Linux runs today.
        Duration::from_millis(10 * ticks)
    }

    /// A gateway whose telemetry goes through the link, once it is connected.
    pub fn gateway(&self, runtime: &Runtime, link: &Link, spool: &Path) -> Gateway {
        let text = std::fs::read_to_string(&self.config).expect("a configuration");
        let through = format!("\ntelemetry_url = \"https://127.0.0.1:{}\"\nscac = ", link.port);
        let path = self.config.with_file_name("bench.toml");
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

impl Drop for Carrier {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A gateway whose carrier is away, with a spool there or in memory.
pub fn lonely(spool: Option<&Path>, policies: Policies) -> Gateway {
    let clock = Arc::new(gladhand::clock::SystemClock::new());
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
