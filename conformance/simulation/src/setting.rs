//! What all runs of a process share, since it is costly and says nothing about a seed: authorities, certificates, and the
//! identity of the TMS.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gladhand::clock::{SharedClock, SystemClock};
use gladhand::identity::{self, Material};
use gladhand::{Config, Error};
use gladhand_documents::error::Code;
use gladhand_sandbox::Options;
use gladhand_sandbox::inside::Blueprint;
use jiff::Timestamp;
use tempfile::TempDir;

/// The two carriers.
pub const CARRIERS: [&str; 2] = ["aurora", "borealis"];

/// The stage of every run.
pub struct Setting {
    /// The carriers, still to be brought to life.
    pub blueprints: Vec<Blueprint>,
    /// Certificate and key of the TMS.
    pub material: Arc<Material>,
    /// What the wall shows when a run begins. The certificates hold from the day before.
    pub wall: Timestamp,
    root: PathBuf,
    dir: TempDir,
}

impl Setting {
    /// Makes the credentials, in memory where the system has such a file system: a run syncs the journal often.
    pub async fn new() -> Result<Self, Error> {
        let shm = Path::new("/dev/shm");
        let root = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let failed = |e: std::io::Error| Error::new(Code::SandboxFailed, "no folder for the simulation").caused_by(&e);
        let dir = tempfile::Builder::new().prefix("gladhand-simulation-").tempdir_in(&root).map_err(failed)?;
        let mut blueprints = Vec::new();
        for name in CARRIERS {
            let own = dir.path().join(name);
            std::fs::create_dir(&own).map_err(failed)?;
            let ca_dir = (name != CARRIERS[0]).then(|| dir.path().join(CARRIERS[0]));
            let options = Options { carrier: name.to_owned(), ca_dir, ..Options::default() };
            blueprints.push(Blueprint::new(&own, &options, &url(name))?);
        }
        let clock: SharedClock = Arc::new(SystemClock::new());
        let wall = clock.now();
        let config = configuration(dir.path(), &dir.path().join("none.db"))?;
        let material = identity::source(&config.identity, &clock)?.load().await?;
        Ok(Self { blueprints, material, wall, root: root.clone(), dir })
    }

    /// A folder for the journal of one run.
    pub fn journal(&self) -> std::io::Result<TempDir> {
        tempfile::Builder::new().prefix("gladhand-run-").tempdir_in(&self.root)
    }

    /// The configuration of the TMS with this journal.
    pub fn config(&self, journal: &Path) -> Result<Config, Error> {
        configuration(self.dir.path(), journal)
    }
}

/// Where a carrier is taken to be.
fn url(name: &str) -> String {
    format!("https://{name}.sim")
}

fn configuration(dir: &Path, journal: &Path) -> Result<Config, Error> {
    let mut text = format!(
        "environment = \"sandbox\"\ntenant = \"acme\"\njournal.path = {:?}\n[identity]\ncertificate = \"aurora/client.pem\"\n\
         private_key = \"aurora/client-key.pem\"\ntrust = \"aurora/ca.pem\"\n",
        journal.display().to_string()
    );
    for name in CARRIERS {
        // By certificate: an assertion per token would prove nothing here, and costs a signature.
        let _ = write!(
            text,
            "[carriers.{name}]\nbase_url = \"{}\"\nclient_id = \"tms-acme\"\nclient_auth = \"tls_client_auth\"\n",
            url(name)
        );
    }
    Config::from_toml(&text, dir)
}
