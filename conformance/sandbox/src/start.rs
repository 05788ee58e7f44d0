//! Starting and stopping a sandbox.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::ca::Wanted;
use crate::carrier::{Carrier, Parts};
use crate::clock::Clock;
use crate::credentials::Facts;
use crate::hop::TrustedHop;
use crate::oauth::OAuth;
use crate::pki::{Branch, Pki};
use crate::profile::{LAG, Profile};
use crate::security::Security;
use crate::serve::Serving;
use crate::shared::Shared;
use crate::spiffe::Agent;
use crate::tls::Door;
use crate::{api, control, credentials, files, profile, random, serve, spiffe, telemetry, tls};

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where credentials and configuration go; a temporary folder that is removed at the end if absent.
    pub dir: Option<PathBuf>,
    /// The carrier's name.
    pub carrier: String,
    /// The tenant whose credentials are written.
    pub tenant: String,
    /// The port of the API; 0 for any.
    pub port: u16,
    /// The port of the control interface; 0 for any.
    pub control_port: u16,
    /// The folder of another sandbox whose authority to use.
    pub ca_dir: Option<PathBuf>,
    /// Where to put a second `gladhand.toml`, with absolute paths.
    pub config_out: Option<PathBuf>,
    /// The origin that clients know, where a gateway stands in front.
    pub public_url: Option<String>,
    /// SHA-256 (hex) of the certificate of a gateway whose `Client-Cert` is believed (RFC 9440); `issue` makes one and
    /// writes `hop.pem` and `hop-key.pem`.
    pub trusted_hop: Option<String>,
    /// Names `crl.pem` in the configurations and checks client certificates against revocation lists from the start.
    pub crl: bool,
    /// How the carrier fails from the start.
    pub profile: Profile,
    /// The folder that the instances of one carrier share.
    pub shared_dir: Option<PathBuf>,
    /// Where to serve a SPIFFE Workload API; the configurations then take their identity from it.
    pub spiffe_socket: Option<PathBuf>,
    /// A file that gets a line for each telemetry record that followers are given.
    pub delivered: Option<PathBuf>,
    /// Lifetime of the SVIDs of that API, in seconds; a new one is issued at half of it.
    pub svid_lifetime_s: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            carrier: "aurora".to_owned(),
            tenant: "acme".to_owned(),
            port: 0,
            control_port: 0,
            ca_dir: None,
            config_out: None,
            public_url: None,
            trusted_hop: None,
            crl: false,
            profile: Profile::None,
            shared_dir: None,
            spiffe_socket: None,
            delivered: None,
            svid_lifetime_s: 3600,
        }
    }
}

/// A running sandbox. Dropping it stops it.
pub struct Sandbox {
    url: String,
    control_url: String,
    dir: PathBuf,
    config_path: PathBuf,
    temporary: bool,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

struct Started {
    url: String,
    control_url: String,
    config_path: PathBuf,
    stop: CancellationToken,
}

impl Sandbox {
    /// Starts a carrier on a runtime of its own and returns when it accepts connections.
    ///
    /// Errors: `sandbox_failed` if the folder cannot be written or a port is taken; `config_invalid` for a carrier or
    /// tenant name that is no lower-case identifier.
    pub fn start(mut options: Options) -> Result<Self> {
        for (what, name) in [("carrier", &options.carrier), ("tenant", &options.tenant)] {
            let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
            if name.is_empty() || name.len() > 40 || !name.bytes().all(allowed) {
                let message = format!("`{what}` must be 1 to 40 of a-z, 0-9, - and _, not {name:?}");
                return Err(Error::new(Code::ConfigInvalid, message));
            }
        }
        if let Some(socket) = &mut options.spiffe_socket {
            *socket = std::path::absolute(&*socket).map_err(|e| failed("the path of the Workload API", &e))?;
        }
        let temporary = options.dir.is_none();
        let dir = match &options.dir {
            Some(dir) => dir.clone(),
            None => std::env::temp_dir().join(random::id("gladhand-sandbox-")),
        };
        let dir = prepare(&dir)?;
        let (ready, started) = mpsc::channel();
        let thread = {
            let dir = dir.clone();
            std::thread::Builder::new()
                .name("sandbox".to_owned())
                .spawn(move || host(&dir, &options, &ready))
                .map_err(|e| failed("its thread does not start", &e))?
        };
        match started.recv() {
            Ok(Ok(Started { url, control_url, config_path, stop })) => {
                Ok(Self { url, control_url, dir, config_path, temporary, stop, thread: Some(thread) })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new(Code::SandboxFailed, "the sandbox ended before it was ready")),
        }
    }

    /// The one origin of authorization server, API and gRPC.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The control interface.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// Where credentials and configuration are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `gladhand.toml` of the TMS.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// `gateway.toml` of the vehicle gateway.
    pub fn gateway_config_path(&self) -> PathBuf {
        self.dir.join("gateway.toml")
    }

    /// A function that stops it, for another thread to call.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let stop = self.stop.clone();
        move || stop.cancel()
    }

    /// Waits until someone stops it through the control interface.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Makes the folder, for its owner only, and gives its absolute path.
fn prepare(dir: &Path) -> Result<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(dir)
        .and_then(|()| dir.canonicalize())
        .map_err(|e| failed(&format!("cannot make the folder `{}`", dir.display()), &e))
}

/// The sandbox's thread: a runtime with two workers, until stopped.
fn host(dir: &Path, options: &Options, ready: &mpsc::Sender<Result<Started>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("sandbox-worker")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(failed("its runtime does not start", &error)));
            return;
        }
    };
    match runtime.block_on(start(dir, options)) {
        Ok((carrier, started)) => {
            let _ = ready.send(Ok(started));
            runtime.block_on(carrier.stop.cancelled());
        }
        Err(error) => {
            let _ = ready.send(Err(error));
        }
    }
    runtime.shutdown_timeout(Duration::from_millis(200));
}

async fn start(dir: &Path, options: &Options) -> Result<(Arc<Carrier>, Started)> {
    let made = credentials::make(dir, options)?;
    let (listener, address) = listen(options.port).await?;
    let (control_listener, control_address) = listen(options.control_port).await?;
    let url = format!("https://{address}");
    let shared = options.shared_dir.as_deref().map(Shared::open).transpose()?.map(Arc::new);
    let reached = options.public_url.as_deref().unwrap_or(&url).trim_end_matches('/').to_owned();
    let origin = origin(shared.as_deref(), &reached)?;
    let hop = trusted_hop(dir, options, &made.pki)?;
    let (pki, security) = (Arc::new(made.pki), Arc::<Security>::default());
    let agent = match &options.spiffe_socket {
        Some(_) => Some(Agent::new(pki.clone(), &made.roles, options.svid_lifetime_s)?),
        None => None,
    };
    let door = Arc::new(Door::new(pki.clone(), security.clone(), made.carrier.clone(), options.crl)?);
    let carrier = Arc::new(Carrier::new(Parts {
        name: options.carrier.clone(),
        origin,
        reached,
        dir: dir.to_owned(),
        oauth: OAuth::new(made.clients, shared, options.dir.as_ref().map(|_| dir))?,
        webhook_tls: tls::client_config(&made.carrier, &pki)?,
        pki,
        door: door.clone(),
        good: made.carrier,
        spiffe_id: made.spiffe_id,
        roles: made.roles,
        agent: agent.clone(),
        security: security.clone(),
        clock: Clock::default(),
    })?);
    profile::set(&carrier, options.profile, LAG, 0);
    let facts =
        Facts { url: &carrier.reached, origin: &carrier.origin, scac: &carrier.scac, spiffe_id: &carrier.spiffe_id };
    let config_path = credentials::write_configurations(dir, options, &carrier.roles, &facts)?;
    let stop = carrier.stop.clone();
    if let (Some(agent), Some(path)) = (agent, &options.spiffe_socket) {
        for role in ["client", "gateway"] {
            spiffe::api::serve(agent.clone(), role, &credentials::socket(path, role), stop.clone())?;
        }
        tokio::spawn(agent.keep_fresh(stop.clone()));
    }
    let telemetry = telemetry::routes(&carrier, options.delivered.as_deref())?;
    let router = api::router(carrier.clone()).merge(telemetry);
    let serving = Serving { door, fingerprints: carrier.fingerprints.clone(), security, hop, router };
    tokio::spawn(serve::run(listener, serving, stop.clone()));
    tokio::spawn(keep_time(carrier.clone()));
    let control = control::router(carrier.clone());
    let control_stop = stop.clone();
    tokio::spawn(async move {
        let served = axum::serve(control_listener, control).with_graceful_shutdown(control_stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::warn!(%error, "the control interface ended");
        }
    });
    let started = Started { url, control_url: format!("http://{control_address}"), config_path, stop };
    Ok((carrier, started))
}

/// The origin that proofs and tokens name: where clients reach us, or where they reach the first instance.
fn origin(shared: Option<&Shared>, reached: &str) -> Result<String> {
    let Some(shared) = shared else { return Ok(reached.to_owned()) };
    let agreed = shared.agree("origin", reached.as_bytes())?;
    String::from_utf8(agreed).map_err(|e| failed("the origin in the folder of --shared-dir is no text", &e))
}

/// The gateway in front, with a certificate made for it if asked.
fn trusted_hop(dir: &Path, options: &Options, pki: &Pki) -> Result<TrustedHop> {
    if options.trusted_hop.as_deref() != Some("issue") {
        return Ok(TrustedHop::new(options.trusted_hop.as_deref()));
    }
    let uri = format!("{}/hop/gateway", credentials::TRUST_DOMAIN);
    let pair = pki.issue(Branch::Clients, &Wanted::client("hop", &uri))?;
    files::write(dir, "hop.pem", &pair.certificate_pem)?;
    files::write(dir, "hop-key.pem", &pair.key_pem)?;
    Ok(TrustedHop::new(Some(&pair.fingerprint)))
}

/// Lets deadlines take effect when they fall, not only when someone looks.
pub(crate) async fn keep_time(carrier: Arc<Carrier>) {
    let mut changes = carrier.changes();
    loop {
        changes.borrow_and_update();
        let deadline = carrier.store().next_deadline();
        let due = async {
            match deadline {
                // At least a millisecond: a deadline is over only once it lies in the past.
                Some(at) => tokio::time::sleep(carrier.clock.until(at).max(Duration::from_millis(1))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = carrier.stop.cancelled() => return,
            _ = changes.changed() => {}
            () = due => {}
        }
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr)> {
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    bound.await.map_err(|e| failed(&format!("cannot listen on port {port} of 127.0.0.1"), &e))
}

fn failed(message: &str, error: &dyn std::error::Error) -> Error {
    Error::new(Code::SandboxFailed, message).caused_by(error)
}
