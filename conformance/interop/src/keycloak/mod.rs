//! Keycloak as a second authorization server; oauth4webapi and jose judge its tokens at the resource server.
//!
//! * [`server`]: the process. * [`realm`]: who is registered.

mod realm;
mod server;

use gladhand::Code;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::oidc_provider::{shown, text};
use crate::pki::{AssertionKey, Authority, Pair};
use crate::process::Peer;
use crate::stranger::Stranger;
use crate::subject::{Settings, Subject};
use crate::world::{Node, OUR_URI};
use crate::{Outcome, Programs};
use realm::{AUDIENCE, realm};
use server::Keycloak;

struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    ours: Pair,
    assertion: AssertionKey,
    keycloak: Keycloak,
    resource: String,
    resource_server: Peer,
}

pub(crate) async fn run(programs: &Programs, checks: &mut Checks) -> Outcome {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let authority = Authority::new("interop root")?;
    let ours = authority.client(OUR_URI)?;
    let (at_issuer, at_resource) = (authority.server(&[])?, authority.server(&[])?);
    let assertion = AssertionKey::new()?;
    let stranger = Stranger::new(&authority.client(OUR_URI)?, &authority.pem())?;
    let realm = realm(&json!({ "keys": [assertion.jwk()] }), "CN=client");
    let trust = authority.pem();
    let keycloak = Keycloak::start(programs, folder.path(), &realm, &at_issuer, &trust, &stranger).await?;
    let settings = json!({
        "tls": {
            "key": at_resource.key, "cert": at_resource.certificate, "ca": trust, "crl": authority.crl(&[])?,
        },
        "identity": { "key": at_resource.key, "cert": at_resource.certificate },
        "issuer": keycloak.issuer,
        "audience": AUDIENCE,
        "subjects": {},
    });
    let started = Node::of(programs)?.start("resource_server", folder.path(), &settings).await;
    let (resource_server, facts) = match started {
        Ok(started) => started,
        Err(why) => {
            keycloak.stop().await;
            return Err(why);
        }
    };
    let resource = text(&facts["resource"]);
    let world = World { folder, authority, ours, assertion, keycloak, resource, resource_server };
    let outcome = suite(&world, checks).await;
    world.resource_server.stop().await;
    world.keycloak.stop().await;
    outcome
}

async fn suite(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("jwt-dpop")).await?;
    let call = subject.tender("/v1/tenders", r#"{"rate":1250.00}"#).await;
    if let Some(answer) = checks.works("private_key_jwt: a DPoP-bound token, used with a proof", call) {
        bound_to_key(&answer, &subject, checks);
        checks.equal("its audience is the resource", text(&answer["claims"]["aud"]), AUDIENCE.to_owned());
        // Keycloak writes members beside `jkt` that confirm nothing of ours; a client must live with that.
        checks.ok("what Keycloak confirms", &answer["claims"]["cnf"]);
    }
    for _ in 0..20 {
        if let Err(error) = subject.tender("/v1/tenders", "{}").await {
            checks.fail("twenty further calls", shown(error));
            break;
        }
    }
    checks.refused(
        "a certificate-bound token for a client that must prove its key",
        subject.read("/v1/capacity").await,
        &[Code::TokenRequestRefused],
    );

    let subject = world.connect(world.by_certificate("x509-bound")).await?;
    let call = subject.read("/v1/capacity").await;
    if let Some(answer) = checks.works("tls_client_auth by subject DN: a certificate-bound token", call) {
        let bound = text(&answer["claims"]["cnf"]["x5t#S256"]);
        checks.equal("it is bound to our certificate", bound, world.ours.thumbprint());
    }
    let subject = world.connect(world.by_certificate("x509-dpop")).await?;
    let call = subject.tender("/v1/tenders", "{}").await;
    if let Some(answer) = checks.works("tls_client_auth by subject DN: a DPoP-bound token", call) {
        bound_to_key(&answer, &subject, checks);
    }
    both(world, checks).await?;
    algorithms(world, checks).await?;
    signatures(world, checks).await?;
    refusals(world, checks).await
}

/// Keycloak lets a client be registered for both bindings, answers `DPoP`, and leaves our key out of such a token: it is
/// not what was asked for, whatever the answer calls it.
async fn both(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_assertion("jwt-both")).await?;
    let call = subject.tender("/v1/tenders", "{}").await;
    let what = "registered for both bindings, a token that does not confirm our key";
    checks.refused(what, call, &[Code::TokenBindingMismatch]);
    Ok(())
}

async fn algorithms(world: &World, checks: &mut Checks) -> Outcome {
    for algorithm in ["ES256", "EdDSA", "PS256"] {
        let settings = world.by_assertion("jwt-dpop").peer("dpop_algorithm", algorithm);
        let subject = world.connect(settings).await?;
        let call = subject.tender("/v1/tenders", "{}").await;
        if let Some(answer) = checks.works(&format!("proofs by {algorithm}"), call) {
            let header = &answer["proof"]["header"];
            checks.equal(&format!("{algorithm} it is"), text(&header["alg"]), algorithm.to_owned());
            bound_to_key(&answer, &subject, checks);
        }
    }
    Ok(())
}

/// What Keycloak signs tokens by, which our client verifies against Keycloak's published keys.
async fn signatures(world: &World, checks: &mut Checks) -> Outcome {
    for client in ["jwt-ps256", "jwt-eddsa"] {
        let subject = world.connect(world.by_assertion(client)).await?;
        checks.works(&format!("tokens of {client}, by that algorithm"), subject.tender("/v1/tenders", "{}").await);
    }
    let subject = world.connect(world.by_assertion("jwt-rs256")).await?;
    let call = subject.tender("/v1/tenders", "{}").await;
    checks.refused("tokens by RS256", call, &[Code::TokenSignatureInvalid]);
    let subject = world.connect(world.by_assertion("jwt-rs256").peer("allow_rs256", "true")).await?;
    checks.works("tokens by RS256 where the settings allow them", subject.tender("/v1/tenders", "{}").await);
    Ok(())
}

async fn refusals(world: &World, checks: &mut Checks) -> Outcome {
    let subject = world.connect(world.by_certificate("x509-other")).await?;
    checks.refused(
        "a certificate of another subject",
        subject.read("/v1/capacity").await,
        &[Code::TokenRequestRefused],
    );
    let foreign = AssertionKey::new()?;
    let settings = world.by_assertion("jwt-dpop").peer("assertion_key", foreign.private());
    let subject = world.connect(settings).await?;
    let call = subject.tender("/v1/tenders", "{}").await;
    checks.refused("an assertion by a key that is not registered", call, &[Code::TokenRequestRefused]);
    let subject = world.connect(world.by_assertion("jwt-none")).await?;
    let call = subject.read("/v1/capacity").await;
    checks.refused("a token that is bound to nothing is not used", call, &[Code::TokenBindingMismatch]);
    Ok(())
}

fn bound_to_key(answer: &Value, subject: &Subject, checks: &mut Checks) {
    let jkt = text(&answer["claims"]["cnf"]["jkt"]);
    checks.equal("it is bound to our DPoP key", jkt, subject.key_thumbprint());
}

impl World {
    fn common(&self, client: &str) -> Settings {
        Settings::inline(&self.ours, &self.authority.pem())
            .peer("base_url", &self.resource)
            .peer("issuer", &self.keycloak.issuer)
            .peer("resource", AUDIENCE)
            .peer("client_id", client)
    }

    fn by_assertion(&self, client: &str) -> Settings {
        self.common(client).peer("client_auth", "private_key_jwt").peer("assertion_key", self.assertion.private())
    }

    fn by_certificate(&self, client: &str) -> Settings {
        self.common(client).peer("client_auth", "tls_client_auth")
    }

    async fn connect(&self, settings: Settings) -> Outcome<Subject> {
        Subject::connect(self.folder.path(), settings).await.map_err(shown)
    }
}
