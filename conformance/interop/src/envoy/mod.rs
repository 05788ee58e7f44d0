//! Envoy (BoringSSL) as the peer of our TLS: whom it sees, what it refuses, what we refuse, and both sides' rotation.
//!
//! * [`config`]: its three listeners. * [`server`]: the process, its counters, its SDS files. * [`rotation`]: our own
//!   certificate exchanged under load.

mod config;
mod rotation;
mod server;

use std::time::Duration;

use gladhand::Code;
use serde_json::Value;

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::pki::{Authority, Pair};
use crate::subject::{PEER, Settings, Subject};
use crate::{Outcome, Programs};
use server::{Envoy, Proxy};

/// The trust domain of both sides.
const DOMAIN: &str = "spiffe://interop.gladhand.test";
/// Our name.
const OURS: &str = "spiffe://interop.gladhand.test/tms/acme";
/// Envoy's name.
const THEIRS: &str = "spiffe://interop.gladhand.test/carrier/aurora";

/// What a refused client sees. Envoy closes with its alert before it has read our request, so that the connection is reset:
/// where the reset overtakes the alert, the client cannot know why it lost the connection.
const REFUSED: &[Code] = &[Code::ClientCertificateRefused, Code::ConnectionLost];

/// Everyone's credentials, and the proxy.
struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    ours: Pair,
    revoked: Pair,
    proxy: Proxy,
    server: Pair,
}

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let world = World::start(programs).await?;
    let outcome = suite(&world, checks).await;
    world.proxy.stop().await;
    outcome
}

/// So many rotations under load, and nothing else.
pub(crate) async fn under_load(programs: &Programs, lasting: Duration, checks: &mut Checks) -> Outcome {
    let world = World::start(programs).await?;
    let rotations = (lasting.as_millis() / rotation::BETWEEN.as_millis()) as usize;
    let outcome = rotation::run(&world, rotations, checks).await;
    let reused = world.proxy.counter("session_reused").await?;
    checks.equal("Envoy resumed no session", reused, 0);
    checks.holds("our certificate rotated at least 8 times against Envoy", rotations >= 8, rotations);
    world.proxy.stop().await;
    outcome
}

impl World {
    async fn start(programs: &Programs) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let authority = Authority::new("interop root")?;
        let (ours, revoked) = (authority.client(OURS)?, authority.client(OURS)?);
        let server = authority.server(&[THEIRS])?;
        let crl = authority.crl(&[&revoked])?;
        let envoy = Envoy { trust: authority.pem(), crl, prefix: format!("{DOMAIN}/tms/") };
        let proxy = Proxy::start(&programs.path("envoy")?, folder.path(), &envoy, &server).await?;
        Ok(Self { folder, authority, ours, revoked, proxy, server })
    }
}

async fn suite(world: &World, checks: &mut Checks) -> Outcome {
    default_validator(world, checks).await?;
    spiffe_validator(world, checks).await?;
    our_side(world, checks).await?;
    their_rotation(world, checks).await?;
    rotation::run(world, rotation::FEW, checks).await?;
    let reused = world.proxy.counter("session_reused").await?;
    checks.equal("Envoy resumed no session of all of these", reused, 0);
    Ok(())
}

impl World {
    fn settings(&self, pair: &Pair, listener: &str) -> Settings {
        Settings::inline(pair, &self.authority.pem())
            .peer("base_url", self.proxy.url(listener))
            .peer("client_id", "envoy")
            .peer("client_auth", "tls_client_auth")
    }

    async fn connect(&self, settings: Settings) -> Outcome<Subject> {
        Subject::connect(self.folder.path(), settings).await.map_err(shown)
    }
}

async fn default_validator(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.settings(&world.ours, "webpki")).await?;
    if let Some(seen) = checks.works("default validator with CRL: our call", subject.open("/echo").await) {
        checks.equal("Envoy sees our certificate", text(&seen["fingerprint"]), world.ours.fingerprint());
        checks.equal("Envoy sees our URI", text(&seen["uri"]), OURS.to_owned());
        checks.equal("over TLS 1.3", text(&seen["version"]), "TLSv1.3".to_owned());
        checks.equal("over HTTP/2", text(&seen["protocol"]), "HTTP/2".to_owned());
    }
    let facts = subject.client.connection_facts(PEER).await;
    if let Some(facts) = checks.works("what our client says was negotiated", facts) {
        let said = |name: &str| facts.text(&format!("/{name}")).unwrap_or_default();
        checks.equal("the key exchange", said("keyExchange"), "X25519MLKEM768".to_owned());
        checks.equal("Envoy's certificate", said("peerFingerprint"), world.server.fingerprint());
        checks.equal("our certificate", said("ourFingerprint"), world.ours.fingerprint());
        checks.equal("the protocol", said("alpn"), "h2".to_owned());
    }
    let curves = world.proxy.counter("curves.X25519MLKEM768").await?;
    checks.holds("the key exchange is X25519MLKEM768, Envoy says", curves > 0, curves);
    let other = world.proxy.counters("curves.").await? - curves;
    checks.equal("and never another", other, 0);

    let subject = world.connect(world.settings(&world.revoked, "webpki")).await?;
    checks.refused("a revoked client", subject.open("/echo").await, REFUSED);
    let stranger = world.authority.client("spiffe://other.example/tms/acme")?;
    let subject = world.connect(world.settings(&stranger, "webpki")).await?;
    checks.refused("a client of another name", subject.open("/echo").await, REFUSED);
    let elsewhere = Authority::new("another root")?.client(OURS)?;
    let subject = world.connect(world.settings(&elsewhere, "webpki")).await?;
    checks.refused("a client of another authority", subject.open("/echo").await, REFUSED);
    let refused = world.proxy.counter("fail_verify_error").await? + world.proxy.counter("fail_verify_san").await?;
    checks.holds("Envoy counted the three", refused >= 3, refused);
    Ok(())
}

async fn spiffe_validator(world: &World, checks: &mut Checks) -> Outcome {
    let named = |id: &str| world.settings(&world.ours, "spiffe").peer("spiffe_id", id);
    for (what, id) in
        [("SPIFFE on both sides: the exact ID", THEIRS), ("SPIFFE on both sides: the trust domain", DOMAIN)]
    {
        let subject = world.connect(named(id)).await?;
        if let Some(seen) = checks.works(what, subject.open("/echo").await) {
            checks.equal("Envoy's SPIFFE validator saw our ID", text(&seen["uri"]), OURS.to_owned());
        }
    }
    for (what, id) in [
        ("a carrier of another path", "spiffe://interop.gladhand.test/carrier/other"),
        ("a carrier of another trust domain", "spiffe://other.example"),
    ] {
        let subject = world.connect(named(id)).await?;
        checks.refused(what, subject.open("/echo").await, &[Code::PeerNotAuthorized]);
    }
    let stranger = world.authority.client("spiffe://other.example/tms/acme")?;
    let subject = world.connect(world.settings(&stranger, "spiffe")).await?;
    checks.refused("we in another trust domain", subject.open("/echo").await, REFUSED);
    Ok(())
}

/// What we refuse.
async fn our_side(world: &World, checks: &mut Checks) -> Outcome {
    let of_server = world.authority.crl(&[&world.server])?;
    for (what, settings) in [
        ("the server's certificate on our CRL", world.settings(&world.ours, "webpki")),
        ("the same with its SPIFFE ID, which Envoy itself does not combine", {
            world.settings(&world.ours, "spiffe").peer("spiffe_id", THEIRS)
        }),
    ] {
        let subject = world.connect(settings.set("identity.crl", &of_server)).await?;
        checks.refused(what, subject.open("/echo").await, &[Code::ServerCertificateRevoked]);
    }
    let good = world.authority.crl(&[&world.revoked])?;
    let subject = world.connect(world.settings(&world.ours, "webpki").set("identity.crl", good)).await?;
    checks.works("a CRL that does not name the server", subject.open("/echo").await);
    let foreign = Authority::new("another root")?.crl(&[])?;
    let subject = world.connect(world.settings(&world.ours, "webpki").set("identity.crl", foreign)).await?;
    checks.refused("a CRL of another authority: unknown", subject.open("/echo").await, &[Code::RevocationUnknown]);

    let named = world.settings(&world.ours, "webpki").peer("server_name", "carrier.example");
    let subject = world.connect(named).await?;
    checks.refused("the server under another name", subject.open("/echo").await, &[Code::ServerNameMismatch]);
    let trust = Authority::new("another root")?.pem();
    let subject = world.connect(world.settings(&world.ours, "webpki").set("identity.trust", trust)).await?;
    let call = subject.open("/echo").await;
    checks.refused("the server of another authority", call, &[Code::ServerCertificateUntrusted]);
    Ok(())
}

/// Envoy's own certificate changes by file SDS, to one of another authority: new connections see it, no call fails.
async fn their_rotation(world: &World, checks: &mut Checks) -> Outcome {
    let next = Authority::new("next root")?;
    let both = format!("{}{}", world.authority.pem(), next.pem());
    let lasting = world.connect(world.settings(&world.ours, "sds").set("identity.trust", both)).await?;
    let only_next = world.settings(&world.ours, "sds").set("identity.trust", next.pem());
    checks.works("before Envoy's rotation", lasting.open("/echo").await);
    let early = world.connect(only_next.clone()).await?;
    checks.refused(
        "its next authority is not yet in use",
        early.open("/echo").await,
        &[Code::ServerCertificateUntrusted],
    );
    let before = world.proxy.counter("ssl_context_update_by_sds").await?;
    let renewed = next.server(&[THEIRS])?;
    world.proxy.write_sds(&renewed)?;
    let mut failures = Vec::new();
    for _ in 0..200 {
        if let Err(error) = lasting.open("/echo").await {
            failures.push(shown(error));
        }
        if world.proxy.counter("ssl_context_update_by_sds").await? > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = world.proxy.counter("ssl_context_update_by_sds").await?;
    checks.holds("Envoy took its new certificate from the file", after > before, after);
    let late = world.connect(only_next).await?;
    checks.works("new connections see the new certificate", late.open("/echo").await);
    lasting.client.rotate().await.map_err(shown)?;
    if let Err(error) = lasting.open("/echo").await {
        failures.push(shown(error));
    }
    checks.holds("no call failed meanwhile", failures.is_empty(), failures.first().cloned().unwrap_or_default());
    let facts = lasting.client.connection_facts(PEER).await.map_err(shown)?;
    let seen = facts.text("/peerFingerprint").unwrap_or_default();
    checks.equal("our client says that it is the new one", seen, renewed.fingerprint());
    let old = world.connect(world.settings(&world.ours, "sds")).await?;
    checks.refused(
        "who trusts only the old authority is told",
        old.open("/echo").await,
        &[Code::ServerCertificateUntrusted],
    );
    Ok(())
}

/// The fingerprint in an answer.
fn fingerprint(seen: &Value) -> String {
    text(&seen["fingerprint"])
}
