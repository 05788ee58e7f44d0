//! What the sandbox hands to its clients: certificates, keys and configuration files, written to one folder, the
//! secrets readable by their owner only.

use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::Options;
use crate::ca::{Pair, Wanted};
use crate::files;
use crate::oauth::clients::{Client, GATEWAY_SCOPES, TMS_SCOPES};
use crate::pki::{Branch, Pki};

/// The trust domain of every client, and of the carrier unless it has one of its own.
pub const TRUST_DOMAIN: &str = "spiffe://sandbox.gladhand.test";
/// The carrier's trust domain in SPIFFE mode, which the clients' domain federates with.
pub const CARRIERS_DOMAIN: &str = "spiffe://carriers.gladhand.test";
/// A second tenant that every sandbox knows, so that isolation can be tested.
pub const OTHER_TENANT: &str = "globex";

/// Somebody who has files here.
#[derive(Clone, Debug)]
pub struct Role {
    /// What control calls it: `client`, `gateway`, `other`.
    pub name: &'static str,
    /// Its `client_id`.
    pub client_id: String,
    /// The URI name of its certificates.
    pub uri: String,
    /// The tenant or carrier it acts for.
    tenant: String,
    scopes: &'static [&'static str],
}

impl Role {
    /// Its files: certificate, key, assertion key.
    pub fn files(&self) -> [String; 3] {
        let name = self.name;
        let assertion_key = match name {
            "client" => "assertion-key.pem".to_owned(),
            _ => format!("{name}-assertion-key.pem"),
        };
        [format!("{name}.pem"), format!("{name}-key.pem"), assertion_key]
    }

    /// Its certificate, still to be issued.
    pub fn wanted(&self) -> Wanted {
        Wanted::client(&self.client_id, &self.uri)
    }

    fn registered(&self, dir: &Path, pki: &Pki) -> Result<Client> {
        let failed = |e: rcgen::Error| Error::new(Code::SandboxFailed, "an assertion key").caused_by(&e);
        let [certificate, key, assertion_key] = self.files();
        // Clients that are running have the one of the run before.
        let assertion = match std::fs::read_to_string(dir.join(&assertion_key)) {
            Ok(kept) => rcgen::KeyPair::from_pem(&kept).map_err(failed)?,
            Err(_) => rcgen::KeyPair::generate().map_err(failed)?,
        };
        let pair = pki.issue(Branch::Clients, &self.wanted())?;
        files::write(dir, &certificate, &pair.certificate_pem)?;
        files::write(dir, &key, &pair.key_pem)?;
        files::write(dir, &assertion_key, &assertion.serialize_pem())?;
        let public = public(&EncodingKey::from_ec_der(assertion.serialized_der()))?;
        Ok(Client::new(self.client_id.clone(), self.uri.clone(), &self.tenant, self.scopes, public))
    }
}

/// The public half of an assertion key, under its thumbprint.
fn public(key: &EncodingKey) -> Result<Jwk> {
    let failed =
        |e: jsonwebtoken::errors::Error| Error::new(Code::SandboxFailed, "an assertion key has no JWK").caused_by(&e);
    let mut public = Jwk::from_encoding_key(key, Algorithm::ES256).map_err(failed)?;
    public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(failed)?);
    Ok(public)
}

/// What was made at start.
pub struct Made {
    /// The authorities.
    pub pki: Pki,
    /// The carrier's own certificate: of its server, and for webhooks that require mTLS.
    pub carrier: Pair,
    /// Its SPIFFE ID.
    pub spiffe_id: String,
    /// Whose files there are.
    pub roles: Vec<Role>,
    /// The registered clients.
    pub clients: Vec<Client>,
}

/// Makes authorities, certificates and client keys, and writes them to `dir`. Authorities and assertion keys that an earlier
/// run left there are kept.
pub fn make(dir: &Path, options: &Options) -> Result<Made> {
    let pki = match &options.ca_dir {
        Some(other) => Pki::load(dir, other)?,
        None => match Pki::kept(dir, options.spiffe_socket.is_some())? {
            Some(kept) => kept,
            None => Pki::generate(dir, options.spiffe_socket.is_some())?,
        },
    };
    let name = &options.carrier;
    let domain = if pki.two_domains() { CARRIERS_DOMAIN } else { TRUST_DOMAIN };
    let spiffe_id = format!("{domain}/carrier/{name}");
    let carrier = pki.issue(Branch::Servers, &Wanted::carrier(name, &spiffe_id))?;
    pki.write()?;
    let roles = roles(options);
    let clients = roles.iter().map(|role| role.registered(dir, &pki)).collect::<Result<_>>()?;
    Ok(Made { pki, carrier, spiffe_id, roles, clients })
}

fn roles(options: &Options) -> Vec<Role> {
    let role = |name, path: String, tenant: &str, scopes| Role {
        name,
        client_id: path.replace('/', "-"),
        uri: format!("{TRUST_DOMAIN}/{path}"),
        tenant: tenant.to_owned(),
        scopes,
    };
    let gateway = format!("gateway/{}", producer(&options.carrier));
    vec![
        role("client", format!("tms/{}", options.tenant), &options.tenant, TMS_SCOPES),
        role("gateway", gateway, &options.carrier, GATEWAY_SCOPES),
        role("other", format!("tms/{OTHER_TENANT}"), OTHER_TENANT, TMS_SCOPES),
    ]
}

/// The id of the carrier's vehicle gateway.
pub fn producer(carrier: &str) -> String {
    format!("{carrier}-edge")
}

/// What the configurations say about the carrier.
pub struct Facts<'a> {
    /// Where clients reach it.
    pub url: &'a str,
    /// Its issuer and resource.
    pub origin: &'a str,
    /// Its Standard Carrier Alpha Code.
    pub scac: &'a str,
    /// Its SPIFFE ID.
    pub spiffe_id: &'a str,
}

/// Writes `gladhand.toml`, `gateway.toml` and `other.toml`; the answer is the path of the first.
pub fn write_configurations(dir: &Path, options: &Options, roles: &[Role], facts: &Facts<'_>) -> Result<PathBuf> {
    let path = dir.join("gladhand.toml");
    for role in roles {
        let text = configuration(role, options, facts);
        let file = if role.name == "client" { "gladhand" } else { role.name };
        files::write(dir, &format!("{file}.toml"), &text)?;
        if let (Some(out), "client") = (&options.config_out, role.name) {
            // A configuration elsewhere needs paths that do not depend on where it lies.
            let mut absolute = text;
            for file in role.files().iter().map(String::as_str).chain(["ca.pem", "crl.pem", "journal.db"]) {
                let full = dir.join(file).display().to_string().replace('\\', "\\\\");
                absolute = absolute.replace(&format!("\"{file}\""), &format!("\"{full}\""));
            }
            files::write_path(out, &absolute)?;
        }
    }
    Ok(path)
}

fn configuration(role: &Role, options: &Options, facts: &Facts<'_>) -> String {
    let [certificate, key, assertion_key] = role.files();
    let (carrier, Role { name, client_id, tenant, .. }) = (&options.carrier, role);
    let journal = if *name == "client" { "journal.db".to_owned() } else { format!("{name}-journal.db") };
    let spiffe = options.spiffe_socket.as_ref().filter(|_| *name != "other");
    let identity = match spiffe {
        Some(socket) => format!("source = \"spiffe\"\nspiffe_endpoint = \"{}\"", endpoint(socket, name)),
        None => format!("certificate = \"{certificate}\"\nprivate_key = \"{key}\"\ntrust = \"ca.pem\""),
    };
    let crl = if options.crl { "\ncrl = \"crl.pem\"" } else { "" };
    let Facts { url, origin, scac, spiffe_id } = facts;
    let elsewhere =
        if url == origin { String::new() } else { format!("issuer = \"{origin}\"\nresource = \"{origin}\"\n") };
    let peer = spiffe.map_or_else(String::new, |_| format!("spiffe_id = \"{spiffe_id}\"\n"));
    let gateway = match *name {
        "gateway" => format!("\n[gateway]\nproducer = \"{}\"\n", producer(carrier)),
        _ => String::new(),
    };
    format!(
        r#"environment = "sandbox"
tenant = "{tenant}"

[journal]
path = "{journal}"

[identity]
{identity}{crl}

[carriers.{carrier}]
base_url = "{url}"
client_id = "{client_id}"
client_auth = "private_key_jwt"
assertion_key = "{assertion_key}"
scac = "{scac}"
{elsewhere}{peer}{gateway}"#
    )
}

/// The Workload API socket of a role: the gateway has one of its own.
pub fn socket(path: &Path, role: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    if role != "client" {
        path.push(".");
        path.push(role);
    }
    path.into()
}

fn endpoint(path: &Path, role: &str) -> String {
    format!("unix:{}", socket(path, role).display())
}
