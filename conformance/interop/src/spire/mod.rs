//! SPIRE as the source of our identity: a real Workload API, a carrier in Go that takes its own SVID from the same SPIRE,
//! rotation under load, withdrawal, and an agent that is gone.
//!
//! * [`stand`]: server, agent, registrations. * [`load`]: calls while both sides' SVIDs change.

mod load;
mod stand;

use std::path::Path;
use std::time::{Duration, Instant};

use gladhand::{Code, Error};
use serde_json::Value;

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::process::Peer;
use crate::stranger::control;
use crate::subject::{Settings, Subject};
use crate::{Outcome, Programs};
use stand::{DOMAIN, LIFETIME, Spire};

/// The path of our SPIFFE ID.
const OURS: &str = "/tms/acme";
/// The carrier's.
const THEIRS: &str = "/carrier/aurora";

/// The carrier in Go.
struct Carrier {
    peer: Peer,
    url: String,
    control: String,
}

struct World<'a> {
    folder: &'a Path,
    spire: Spire,
    carrier: Carrier,
}

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let spire = Spire::start(programs, folder.path()).await?;
    let program = programs.path("carrier")?;
    spire.register(THEIRS, Some(&program)).await?;
    let carrier = Carrier::start(&program, folder.path(), &spire).await?;
    let mut world = World { folder: folder.path(), spire, carrier };
    let outcome = suite(&mut world, checks).await;
    world.carrier.peer.stop().await;
    world.spire.stop().await;
    outcome
}

async fn suite(world: &mut World<'_>, checks: &mut Checks) -> Outcome {
    let call = world.connect(world.settings(THEIRS)).await;
    let codes = [Code::IdentityUnavailable];
    checks.refused("no identity is issued to a workload that is not registered", call.map(drop), &codes);

    let entry = world.spire.register(OURS, None).await?;
    let subject = world.patiently().await?;
    let first = subject.open("/echo").await;
    if let Some(seen) = checks.works("mutual TLS with an SVID of SPIRE on both sides", first) {
        checks.equal("go-spiffe sees our SPIFFE ID", text(&seen["uri"]), format!("spiffe://{DOMAIN}{OURS}"));
        checks.equal("over TLS 1.3", text(&seen["version"]), "TLS 1.3".to_owned());
        checks.equal("over HTTP/2", text(&seen["protocol"]), "HTTP/2.0".to_owned());
        checks.equal("with the hybrid key exchange", text(&seen["curve"]), "X25519MLKEM768".to_owned());
    }
    for (what, path) in [("a carrier of another path", "/carrier/other"), ("a carrier of another domain", "")] {
        let id = if path.is_empty() { "spiffe://other.example".to_owned() } else { format!("spiffe://{DOMAIN}{path}") };
        let other = world.connect(world.settings(THEIRS).peer("spiffe_id", id)).await.map_err(shown)?;
        checks.refused(what, other.open("/echo").await, &[Code::PeerNotAuthorized]);
    }
    load::run(world, checks).await?;
    several(world, checks).await?;
    withdrawal(world, &subject, &entry, checks).await?;
    agent_gone(world, checks).await
}

/// Two SVIDs are ours: the settings say which we are.
async fn several(world: &World<'_>, checks: &mut Checks) -> Outcome {
    let second = world.spire.register("/tms/second", None).await?;
    let wanted = format!("spiffe://{DOMAIN}/tms/second");
    let settings = world.settings(THEIRS).set("identity.spiffe_id", &wanted);
    let connected = within(Duration::from_secs(30), async || world.connect(settings.clone()).await).await;
    if let Some(subject) = checks.works("of two SVIDs the one that the settings name", connected)
        && let Some(seen) = checks.works("it is used", subject.open("/echo").await)
    {
        checks.equal("and seen", text(&seen["uri"]), wanted);
    }
    world.spire.unregister(&second).await
}

/// Our registration is deleted: the agent says so, and calls end.
async fn withdrawal(world: &World<'_>, subject: &Subject, entry: &str, checks: &mut Checks) -> Outcome {
    world.spire.unregister(entry).await?;
    let started = Instant::now();
    let mut outcome = subject.open("/echo").await;
    while outcome.is_ok() && started.elapsed() < Duration::from_secs(u64::from(LIFETIME) * 2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        outcome = subject.open("/echo").await;
    }
    let after = started.elapsed().as_secs();
    let what = format!("a withdrawn identity is used no more ({after} s after its entry was deleted)");
    checks.refused(&what, outcome, &[Code::IdentityRevoked, Code::IdentityUnavailable]);
    world.spire.register(OURS, None).await?;
    let again = within(Duration::from_secs(30), async || subject.open("/echo").await).await;
    checks.works("an identity that is issued again is used again", again);
    Ok(())
}

/// Without the agent, what we have serves until its end; a new client has nothing.
async fn agent_gone(world: &mut World<'_>, checks: &mut Checks) -> Outcome {
    let subject = world.patiently().await?;
    checks.works("before the agent stops", subject.open("/echo").await);
    world.spire.stop_agent().await;
    checks.works("without the agent, the SVID that we have serves", subject.open("/echo").await);
    let late = world.connect(world.settings(THEIRS)).await.map(drop);
    checks.refused("a client that starts without the agent", late, &[Code::IdentityUnavailable]);
    let mut outcome = subject.open("/echo").await;
    let started = Instant::now();
    while outcome.is_ok() && started.elapsed() < Duration::from_secs(u64::from(LIFETIME) * 2) {
        tokio::time::sleep(Duration::from_millis(250)).await;
        outcome = subject.open("/echo").await;
    }
    let codes = [Code::CertificateExpired, Code::IdentityUnavailable];
    checks.refused("and no longer than it lives", outcome, &codes);
    Ok(())
}

impl World<'_> {
    fn settings(&self, theirs: &str) -> Settings {
        Settings::default()
            .set("identity.source", "spiffe")
            .set("identity.spiffe_endpoint", self.spire.endpoint())
            .peer("base_url", &self.carrier.url)
            .peer("client_id", "spire")
            .peer("client_auth", "tls_client_auth")
            .peer("spiffe_id", format!("spiffe://{DOMAIN}{theirs}"))
    }

    async fn connect(&self, settings: Settings) -> Result<Subject, Error> {
        Subject::connect(self.folder, settings).await
    }

    /// A client of ours as soon as the agent knows our registration: it asks its server every five seconds.
    async fn patiently(&self) -> Outcome<Subject> {
        within(Duration::from_secs(30), async || self.connect(self.settings(THEIRS)).await).await.map_err(shown)
    }

    /// What the carrier counted.
    async fn counted(&self) -> Outcome<Value> {
        control("GET", &self.carrier.control).await
    }
}

impl Carrier {
    async fn start(program: &Path, folder: &Path, spire: &Spire) -> Outcome<Self> {
        let (own, endpoint) = (format!("spiffe://{DOMAIN}{THEIRS}"), spire.endpoint());
        let variables = [("SPIFFE_ENDPOINT_SOCKET", endpoint.as_str())];
        let mut peer = Peer::announcing("carrier", folder, program, &[&own, DOMAIN], &variables)?;
        let facts = peer.ready().await?;
        Ok(Self { peer, url: text(&facts["url"]), control: text(&facts["control"]) })
    }
}

/// Tries until it works or the time is up.
async fn within<T>(patience: Duration, mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let started = Instant::now();
    loop {
        match attempt().await {
            Err(_) if started.elapsed() < patience => tokio::time::sleep(Duration::from_millis(250)).await,
            outcome => return outcome,
        }
    }
}
