//! The authorization server and the resource server of the Node suites, and everything they are told.

use std::path::{Path, PathBuf};

use gladhand::Error;
use serde_json::{Value, json};

use crate::Outcome;
use crate::pki::{AssertionKey, Authority, Pair};
use crate::process::Peer;
use crate::stranger::control;
use crate::subject::{Settings, Subject};

/// Who we are.
pub(crate) const OUR_URI: &str = "spiffe://interop.gladhand.test/tms/acme";

/// The two servers and the keys of everyone.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authority: Authority,
    pub(crate) ours: Pair,
    pub(crate) revoked: Pair,
    assertion: AssertionKey,
    pub(crate) issuer: String,
    pub(crate) resource: String,
    issuer_control: String,
    resource_control: String,
    peers: Vec<Peer>,
}

/// Where Node and the peers' folder are.
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Node {
    pub(crate) fn of(programs: &crate::Programs) -> Outcome<Self> {
        Ok(Self { program: programs.path("node")?, folder: programs.path("peers")? })
    }

    /// Starts one of the peers with these settings; what it says of itself.
    pub(crate) async fn start(&self, name: &str, folder: &Path, settings: &Value) -> Outcome<(Peer, Value)> {
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, settings.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        let script = self.folder.join(format!("{name}.mjs"));
        let arguments = ["--no-warnings", &script.display().to_string(), &file.display().to_string()];
        let mut peer = Peer::announcing(name, folder, &self.program, &arguments, &[])?;
        let facts = peer.ready().await?;
        Ok((peer, facts))
    }
}

impl World {
    /// Starts both servers. The authorization server knows these clients of ours:
    ///
    /// * `jwt-dpop`: private_key_jwt, DPoP-bound tokens. `jwt-short`: the same, tokens of five seconds. `jwt-opaque`: the
    ///   same, tokens that are no JWTs.
    /// * `tls-bound`: tls_client_auth by URI, certificate-bound tokens. `jwt-bound`: private_key_jwt, certificate-bound.
    /// * `tls-dpop`: tls_client_auth, DPoP-bound. `jwt-unbound`: private_key_jwt, tokens bound to nothing.
    pub(crate) async fn start(node: &Node) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let authority = Authority::new("interop root")?;
        let (ours, revoked) = (authority.client(OUR_URI)?, authority.client(OUR_URI)?);
        let (at_issuer, at_resource) =
            (authority.server(&[])?, authority.server(&["spiffe://interop.gladhand.test/rs"])?);
        let assertion = AssertionKey::new()?;
        let public = assertion.jwk();
        let tls = |pair: &Pair| -> Outcome<Value> {
            let crl = authority.crl(&[&revoked])?;
            Ok(json!({ "key": pair.key, "cert": pair.certificate, "ca": authority.pem(), "crl": crl }))
        };
        let jwt = |id: &str, binding: &str| json!({ "id": id, "assertionKeys": [public], "assertionAlgorithm": "ES256", "binding": binding });
        let by_certificate = |id: &str, binding: &str, uri: &str| json!({ "id": id, "subject": { "tls_client_auth_san_uri": uri }, "binding": binding });
        let with = |mut client: Value, key: &str, value: Value| {
            client[key] = value;
            client
        };
        let clients = json!([
            jwt("jwt-dpop", "dpop"),
            with(jwt("jwt-short", "dpop"), "lifetime", json!(5)),
            with(jwt("jwt-opaque", "dpop"), "format", json!("opaque")),
            jwt("jwt-bound", "certificate"),
            jwt("jwt-unbound", "none"),
            by_certificate("tls-bound", "certificate", OUR_URI),
            by_certificate("tls-dpop", "dpop", OUR_URI),
            by_certificate("resource-server", "none", "spiffe://interop.gladhand.test/rs"),
        ]);
        let settings = json!({ "tls": tls(&at_issuer)?, "clients": clients });
        let (first, issuer) = node.start("authorization_server", folder.path(), &settings).await?;
        let subjects: serde_json::Map<String, Value> =
            ["jwt-dpop", "jwt-short", "jwt-opaque", "jwt-bound", "tls-bound"]
                .iter()
                .map(|id| ((*id).to_owned(), json!(OUR_URI)))
                .collect();
        let settings = json!({
            "tls": tls(&at_resource)?,
            "identity": { "key": at_resource.key, "cert": at_resource.certificate },
            "issuer": issuer["issuer"],
            "introspector": "resource-server",
            "subjects": subjects,
        });
        let (second, resource) = node.start("resource_server", folder.path(), &settings).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self {
            folder,
            ours,
            revoked,
            assertion,
            issuer: text(&issuer["issuer"]),
            issuer_control: text(&issuer["control"]),
            resource: text(&resource["resource"]),
            resource_control: text(&resource["control"]),
            authority,
            peers: vec![first, second],
        })
    }

    /// Settings that authenticate by assertion.
    pub(crate) fn by_assertion(&self, client: &str) -> Settings {
        self.common(&self.ours, client)
            .peer("client_auth", "private_key_jwt")
            .peer("assertion_key", self.assertion.private())
    }

    /// Settings that authenticate by this certificate.
    pub(crate) fn by_certificate(&self, pair: &Pair, client: &str) -> Settings {
        self.common(pair, client).peer("client_auth", "tls_client_auth")
    }

    fn common(&self, pair: &Pair, client: &str) -> Settings {
        Settings::inline(pair, &self.authority.pem())
            .peer("base_url", &self.resource)
            .peer("issuer", &self.issuer)
            .peer("client_id", client)
    }

    pub(crate) async fn connect(&self, settings: Settings) -> Result<Subject, Error> {
        Subject::connect(self.folder.path(), settings).await
    }

    /// The token requests of one client that the authorization server has seen.
    pub(crate) async fn token_requests(&self, client: &str) -> Outcome<Vec<Value>> {
        let seen = control("GET", &format!("{}/seen", self.issuer_control)).await?;
        let seen = seen.as_array().cloned().unwrap_or_default();
        Ok(seen.into_iter().filter(|request| client.is_empty() || request["client"] == client).collect())
    }

    /// Something of the resource server.
    pub(crate) async fn of_resource(&self, method: &str, path: &str) -> Outcome<Value> {
        control(method, &format!("{}{path}", self.resource_control)).await
    }

    pub(crate) async fn stop(self) {
        for peer in self.peers {
            peer.stop().await;
        }
    }
}
