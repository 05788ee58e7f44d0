//! What the sandbox hands to its clients: certificates, keys and configuration files, written to one folder, the
//! secrets readable by their owner only.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gladhand_documents::error::{Code, Error, Result};
use jsonwebtoken::DecodingKey;

use crate::Options;
use crate::ca::{Authority, Pair, Usage};
use crate::canaries;
use crate::oauth::clients::{Client, GATEWAY_SCOPES, TMS_SCOPES};
use crate::tls::Switch;

/// The trust domain of every sandbox identity.
pub const TRUST_DOMAIN: &str = "spiffe://sandbox.gladhand.test";
/// A second tenant that every sandbox knows, so that isolation can be tested.
pub const OTHER_TENANT: &str = "globex";

/// Days from today in which leaf certificates are valid.
const VALID: (i64, i64) = (-1, 30);

/// What was made at start.
pub struct Made {
    /// The trust root.
    pub authority: Authority,
    /// The server's certificates.
    pub switch: Switch,
    /// The carrier's own certificate, for webhooks that require mTLS.
    pub carrier: Pair,
    /// The registered clients.
    pub clients: Vec<Client>,
}

/// Makes authority, certificates and client keys, and writes them to `dir`.
pub fn make(dir: &Path, options: &Options) -> Result<Made> {
    let authority = match &options.ca_dir {
        Some(other) => Authority::load(other)?,
        None => Authority::generate("Gladhand sandbox CA")?,
    };
    let name = &options.carrier;
    let uri = format!("{TRUST_DOMAIN}/carrier/{name}");
    let good = authority.issue(Usage::Carrier, name, &uri, VALID)?;
    let expired = authority.issue(Usage::Carrier, name, &uri, (-30, -1))?;
    let stranger = Authority::generate("Somebody else's CA")?;
    let wrong_ca = stranger.issue(Usage::Carrier, name, &uri, VALID)?;

    write(dir, "ca.pem", authority.pem())?;
    write(dir, "ca-key.pem", authority.key_pem())?;
    let producer = producer(name);
    let clients = vec![
        client(dir, &authority, "", &format!("tms/{}", options.tenant), &options.tenant, TMS_SCOPES)?,
        client(dir, &authority, "gateway", &format!("gateway/{producer}"), name, GATEWAY_SCOPES)?,
        client(dir, &authority, "other", &format!("tms/{OTHER_TENANT}"), OTHER_TENANT, TMS_SCOPES)?,
    ];
    Ok(Made { authority, switch: Switch::new(&good, &expired, &wrong_ca)?, carrier: good, clients })
}

/// The id of the carrier's vehicle gateway.
pub fn producer(carrier: &str) -> String {
    format!("{carrier}-edge")
}

/// The names of a client's files: certificate, key, assertion key.
fn files(prefix: &str) -> [String; 3] {
    match prefix {
        "" => ["client.pem".into(), "client-key.pem".into(), "assertion-key.pem".into()],
        prefix => [format!("{prefix}.pem"), format!("{prefix}-key.pem"), format!("{prefix}-assertion-key.pem")],
    }
}

fn client(
    dir: &Path,
    authority: &Authority,
    prefix: &str,
    path: &str,
    tenant: &str,
    scopes: &'static [&'static str],
) -> Result<Client> {
    let uri = format!("{TRUST_DOMAIN}/{path}");
    let id = path.replace('/', "-");
    let pair = authority.issue(Usage::Client, &id, &uri, VALID)?;
    let assertion = rcgen::KeyPair::generate()
        .map_err(|e| Error::new(Code::SandboxFailed, "an assertion key could not be made").caused_by(&e))?;
    let [certificate, key, assertion_key] = files(prefix);
    write(dir, &certificate, &pair.certificate_pem)?;
    write(dir, &key, &pair.key_pem)?;
    write(dir, &assertion_key, &assertion.serialize_pem())?;
    let decoding = DecodingKey::from_ec_der(assertion.public_key_raw());
    Ok(Client { id, uri, assertion_key: decoding, partner_id: tenant.to_owned(), tenant: tenant.to_owned(), scopes })
}

/// Writes `gladhand.toml`, `gateway.toml` and `other.toml`; the answer is the path of the first.
pub fn write_configurations(dir: &Path, options: &Options, origin: &str, scac: &str) -> Result<PathBuf> {
    let name = &options.carrier;
    let producer = producer(name);
    let tms = configuration("", &options.tenant, &format!("tms-{}", options.tenant), name, origin, scac, None);
    let gateway = configuration("gateway", name, &format!("gateway-{producer}"), name, origin, scac, Some(&producer));
    let other = configuration("other", OTHER_TENANT, &format!("tms-{OTHER_TENANT}"), name, origin, scac, None);
    write(dir, "gladhand.toml", &tms)?;
    write(dir, "gateway.toml", &gateway)?;
    write(dir, "other.toml", &other)?;
    let path = dir.join("gladhand.toml");
    if let Some(out) = &options.config_out {
        // A configuration elsewhere needs paths that do not depend on where it lies.
        let mut absolute = tms;
        for file in files("").iter().map(String::as_str).chain(["ca.pem", "journal.db"]) {
            let full = dir.join(file).display().to_string().replace('\\', "\\\\");
            absolute = absolute.replace(&format!("\"{file}\""), &format!("\"{full}\""));
        }
        write_file(out, &absolute)?;
    }
    Ok(path)
}

fn configuration(
    prefix: &str,
    tenant: &str,
    client_id: &str,
    carrier: &str,
    origin: &str,
    scac: &str,
    producer: Option<&str>,
) -> String {
    let [certificate, key, assertion_key] = files(prefix);
    let journal = if prefix.is_empty() { "journal.db".to_owned() } else { format!("{prefix}-journal.db") };
    let gateway = producer.map_or_else(String::new, |p| format!("\n[gateway]\nproducer = \"{p}\"\n"));
    format!(
        r#"environment = "sandbox"
tenant = "{tenant}"

[journal]
path = "{journal}"

[identity]
certificate = "{certificate}"
private_key = "{key}"
trust = "ca.pem"

[carriers.{carrier}]
base_url = "{origin}"
client_id = "{client_id}"
client_auth = "private_key_jwt"
assertion_key = "{assertion_key}"
scac = "{scac}"
{gateway}"#
    )
}

fn write(dir: &Path, file: &str, text: &str) -> Result<()> {
    write_file(&dir.join(file), text)
}

/// Writes a file that only its owner may read; the mode is set before the first byte.
fn write_file(path: &Path, text: &str) -> Result<()> {
    let failed =
        |e: std::io::Error| Error::new(Code::SandboxFailed, format!("cannot write `{}`", path.display())).caused_by(&e);
    canaries::note_keys(text);
    let _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}
