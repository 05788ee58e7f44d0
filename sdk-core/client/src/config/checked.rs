//! Turns settings into typed values and refuses what cannot be meant, naming the key and where it was set.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::signer::Algorithm;
use gladhand_protocol::proof::webhook::WebhookKey;
use url::Url;

use super::settings::{Origin, Setting, Settings, Value};
use super::{
    CarrierConfig, ClientAuth, Config, DpopConfig, GatewayConfig, IdentityConfig, IdentitySource, JournalConfig,
    PemIdentity, PemSource, TlsMinimum,
};
use crate::identity::SpiffeId;
use crate::secret::Secret;

const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

/// What authorization servers commonly cache a key set for.
const DEFAULT_LEAD: Duration = Duration::from_secs(300);

pub(super) fn config(settings: &Settings) -> Result<Config> {
    let names = settings.names_in("carriers");
    let config = Config {
        environment: id(settings, "environment")?,
        tenant: id(settings, "tenant")?,
        deny_deprecated_days: deny_deprecated_days(settings)?,
        journal: JournalConfig { path: path(settings, "journal.path")? },
        identity: identity(settings)?,
        carriers: names.into_iter().map(|name| Ok((name.clone(), carrier(settings, &name)?))).collect::<Result<_>>()?,
        gateway: match ["producer", "spool", "spool_bytes", "linger_ms"]
            .map(|key| settings.get(&format!("gateway.{key}")))
        {
            [None, None, None, None] => None,
            _ => Some(gateway(settings)?),
        },
    };
    if config.carriers.is_empty() {
        return Err(missing("carriers.<name>.base_url"));
    }
    Ok(config)
}

fn deny_deprecated_days(settings: &Settings) -> Result<Option<u32>> {
    let days = integer(settings, "deny_deprecated_days", 0..=3650, "must be a whole number of days from 0 to 3650")?;
    Ok(days.and_then(|days| u32::try_from(days).ok()))
}

fn gateway(settings: &Settings) -> Result<GatewayConfig> {
    let spool_bytes = integer(
        settings,
        "gateway.spool_bytes",
        1 << 20..=1 << 40,
        "must be a whole number of bytes from 1048576 (1 MiB) to 1099511627776 (1 TiB)",
    )?;
    let linger =
        integer(settings, "gateway.linger_ms", 0..=600_000, "must be a whole number of milliseconds from 0 to 600000")?;
    Ok(GatewayConfig {
        producer: id(settings, "gateway.producer")?,
        spool: settings.get("gateway.spool").map(|_| path(settings, "gateway.spool")).transpose()?,
        spool_bytes: spool_bytes.map(i64::unsigned_abs),
        linger: linger.map(|ms| Duration::from_millis(ms.unsigned_abs())),
    })
}

fn identity(settings: &Settings) -> Result<IdentityConfig> {
    let crl = settings.get("identity.crl").map(|_| pem(settings, "identity.crl")).transpose()?;
    let source = match (text(settings, "identity.source")?.as_deref(), settings.get("identity.source")) {
        (None | Some("files"), _) => IdentitySource::Pem(PemIdentity {
            certificate: pem(settings, "identity.certificate")?,
            private_key: pem(settings, "identity.private_key")?,
            trust: pem(settings, "identity.trust")?,
        }),
        (Some("spiffe"), _) => IdentitySource::Spiffe {
            endpoint: endpoint(settings, "identity.spiffe_endpoint")?,
            id: own_id(settings, "identity.spiffe_id")?,
        },
        (Some(_), Some(setting)) => return Err(invalid("identity.source", setting, "must be files or spiffe")),
        (Some(_), None) => return Err(missing("identity.source")),
    };
    Ok(IdentityConfig { source, crl })
}

fn carrier(settings: &Settings, name: &str) -> Result<CarrierConfig> {
    let key = |leaf: &str| format!("carriers.{name}.{leaf}");
    let base_url = https(settings, &key("base_url"))?.ok_or_else(|| missing(&key("base_url")))?;
    let origin = base_url.origin().ascii_serialization();
    Ok(CarrierConfig {
        name: name.to_owned(),
        client_id: required(settings, &key("client_id"))?,
        client_auth: client_auth(settings, &key("client_auth"), &key("assertion_key"))?,
        issuer: issuer(settings, &key("issuer"))?.unwrap_or_else(|| origin.clone()),
        resource: text(settings, &key("resource"))?.unwrap_or_else(|| origin.clone()),
        allowed_origins: origins(settings, &key("allowed_origins"))?,
        scac: scac(settings, &key("scac"))?,
        telemetry_url: match https(settings, &key("telemetry_url"))? {
            Some(url) => url,
            None => https_url(&origin).ok_or_else(|| missing(&key("telemetry_url")))?,
        },
        server_name: server_name(settings, &key("server_name"))?,
        spiffe_id: spiffe_ids(settings, &key("spiffe_id"))?,
        tls_minimum: tls_minimum(settings, &key("tls_minimum"))?,
        htu_base: https(settings, &key("htu_base"))?,
        deadline: deadline(settings, &key("deadline_ms"))?,
        dpop: dpop(settings, &key("dpop_algorithm"), &key("dpop_key"))?,
        allow_rs256: flag(settings, &key("allow_rs256"))?,
        assertion_key_lead: lead(settings, &key("assertion_key_lead_s"))?,
        clock_offset_s: integer(
            settings,
            &key("clock_offset_s"),
            -86_400..=86_400,
            "must be a whole number of seconds from -86400 to 86400",
        )?
        .unwrap_or(0),
        webhook_test_key: webhook_test_key(settings, &key("webhook_test_secret"))?,
        base_url,
    })
}

fn missing(key: &str) -> Error {
    Error::new(Code::ConfigMissing, format!("`{key}` is not set"))
}

fn invalid(key: &str, setting: &Setting, why: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("`{key}` ({}) {why}", setting.origin))
}

fn text(settings: &Settings, key: &str) -> Result<Option<String>> {
    let Some(setting) = settings.get(key) else { return Ok(None) };
    match &setting.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(Some(text.clone())),
        Value::Text(_) => Err(invalid(key, setting, "is empty")),
        Value::Integer(_) | Value::Flag(_) | Value::List(_) => Err(invalid(key, setting, "must be a text")),
    }
}

fn required(settings: &Settings, key: &str) -> Result<String> {
    text(settings, key)?.ok_or_else(|| missing(key))
}

/// An id of the contract (3a): 1 to 64 of `A-Z a-z 0-9 . _ : -`.
fn id(settings: &Settings, key: &str) -> Result<String> {
    let text = required(settings, key)?;
    let legal = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
    match settings.get(key) {
        Some(setting) if !legal => Err(invalid(key, setting, "must be 1 to 64 letters, digits, `.`, `_`, `:` or `-`")),
        _ => Ok(text),
    }
}

fn path(settings: &Settings, key: &str) -> Result<PathBuf> {
    let text = PathBuf::from(required(settings, key)?);
    Ok(match settings.get(key).map(|setting| &setting.origin) {
        Some(Origin::File { base, .. }) => base.join(text),
        _ => text,
    })
}

fn pem(settings: &Settings, key: &str) -> Result<PemSource> {
    let text = required(settings, key)?;
    if text.contains("-----BEGIN ") {
        return Ok(PemSource::Inline(Secret::new(text)));
    }
    match settings.get(key) {
        Some(setting) if bare_key(&text) => {
            let why = "is neither PEM nor a path: PEM begins with a line such as -----BEGIN CERTIFICATE-----";
            Err(invalid(key, setting, why))
        }
        _ => path(settings, key).map(PemSource::File),
    }
}

/// Whether it may be key material without its PEM lines. A path appears in messages; this must not.
fn bare_key(text: &str) -> bool {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b);
    let several_lines = text.trim_end().contains(['\n', '\r']);
    several_lines || (text.len() >= 64 && !text.starts_with('/') && text.trim_end().bytes().all(base64))
}

fn https_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.scheme() == "https"
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    plain.then_some(url)
}

fn https(settings: &Settings, key: &str) -> Result<Option<Url>> {
    let Some(text) = text(settings, key)? else { return Ok(None) };
    match (https_url(&text), settings.get(key)) {
        (Some(url), _) => Ok(Some(url)),
        (None, Some(setting)) => {
            Err(invalid(key, setting, "must be an https address without user, query and fragment"))
        }
        (None, None) => Ok(None),
    }
}

/// The issuer stays a text: RFC 8414 §3.3 compares it character by character, and `Url` would add a slash.
fn issuer(settings: &Settings, key: &str) -> Result<Option<String>> {
    Ok(https(settings, key)?.and(text(settings, key)?))
}

fn origins(settings: &Settings, key: &str) -> Result<Vec<String>> {
    let Some(setting) = settings.get(key) else { return Ok(Vec::new()) };
    let texts: Vec<&str> = match &setting.value {
        Value::List(items) => items.iter().map(String::as_str).collect(),
        Value::Text(text) => text.split(',').map(str::trim).collect(),
        Value::Integer(_) | Value::Flag(_) => return Err(invalid(key, setting, "must be a list of origins")),
    };
    texts
        .into_iter()
        .map(|text| match https_url(text) {
            Some(url) if url.path() == "/" => Ok(url.origin().ascii_serialization()),
            _ => Err(invalid(key, setting, "must list https origins, such as https://auth.example.com")),
        })
        .collect()
}

fn scac(settings: &Settings, key: &str) -> Result<Option<String>> {
    let scac = text(settings, key)?;
    match (&scac, settings.get(key)) {
        (Some(text), Some(setting))
            if !(2..=4).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            Err(invalid(key, setting, "must be 2 to 4 capital letters"))
        }
        _ => Ok(scac),
    }
}

fn server_name(settings: &Settings, key: &str) -> Result<Option<String>> {
    let name = text(settings, key)?;
    match (&name, settings.get(key)) {
        (Some(text), Some(setting)) if rustls::pki_types::ServerName::try_from(text.as_str()).is_err() => {
            Err(invalid(key, setting, "must be a host name or an IP address"))
        }
        _ => Ok(name),
    }
}

fn endpoint(settings: &Settings, key: &str) -> Result<Option<String>> {
    let endpoint = text(settings, key)?;
    match (&endpoint, settings.get(key)) {
        // SPIFFE Workload Endpoint §4.
        (Some(text), Some(setting)) if !text.starts_with("unix:/") && !text.starts_with("tcp://") => {
            Err(invalid(key, setting, "must be unix:///path or tcp://address:port"))
        }
        _ => Ok(endpoint),
    }
}

fn own_id(settings: &Settings, key: &str) -> Result<Option<SpiffeId>> {
    match (text(settings, key)?, settings.get(key)) {
        (Some(text), Some(setting)) => match SpiffeId::parse(&text) {
            Ok(id) if id.has_path() => Ok(Some(id)),
            Ok(_) => Err(invalid(key, setting, "is a whole trust domain; it must name one workload")),
            Err(why) => Err(invalid(key, setting, why)),
        },
        _ => Ok(None),
    }
}

fn spiffe_ids(settings: &Settings, key: &str) -> Result<Vec<SpiffeId>> {
    let Some(setting) = settings.get(key) else { return Ok(Vec::new()) };
    let texts = texts(key, setting)?;
    texts.into_iter().map(|text| SpiffeId::parse(text).map_err(|why| invalid(key, setting, why))).collect()
}

fn tls_minimum(settings: &Settings, key: &str) -> Result<TlsMinimum> {
    match (text(settings, key)?.as_deref(), settings.get(key)) {
        (None | Some("1.3"), _) => Ok(TlsMinimum::Tls13),
        (Some("1.2"), _) => Ok(TlsMinimum::Tls12),
        (Some(_), Some(setting)) => Err(invalid(key, setting, "must be \"1.3\" or \"1.2\"")),
        (Some(_), None) => Err(missing(key)),
    }
}

/// A list, or a text with commas: what a variable can spell.
fn texts<'a>(key: &str, setting: &'a Setting) -> Result<Vec<&'a str>> {
    let texts: Vec<&str> = match &setting.value {
        Value::List(items) => items.iter().map(String::as_str).collect(),
        Value::Text(text) => text.split(',').map(str::trim).collect(),
        Value::Integer(_) | Value::Flag(_) => return Err(invalid(key, setting, "must be a list")),
    };
    if texts.is_empty() { Err(invalid(key, setting, "is empty")) } else { Ok(texts) }
}

fn client_auth(settings: &Settings, key: &str, assertion_key: &str) -> Result<ClientAuth> {
    match (text(settings, key)?.as_deref(), settings.get(key)) {
        (None | Some("private_key_jwt"), _) => {
            Ok(ClientAuth::PrivateKeyJwt { assertion_key: pem(settings, assertion_key)? })
        }
        (Some("tls_client_auth"), _) => Ok(ClientAuth::TlsClientAuth),
        (Some(_), Some(setting)) => Err(invalid(key, setting, "must be private_key_jwt or tls_client_auth")),
        (Some(_), None) => Err(missing(key)),
    }
}

fn deadline(settings: &Settings, key: &str) -> Result<Duration> {
    let why = "must be a whole number of milliseconds from 50 to 600000";
    let ms = integer(settings, key, 50..=600_000, why)?;
    Ok(ms.map_or(DEFAULT_DEADLINE, |ms| Duration::from_millis(ms.unsigned_abs())))
}

fn integer(settings: &Settings, key: &str, range: RangeInclusive<i64>, why: &str) -> Result<Option<i64>> {
    let Some(setting) = settings.get(key) else { return Ok(None) };
    let number = match &setting.value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Flag(_) | Value::List(_) => None,
    };
    match number.filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(invalid(key, setting, why)),
    }
}

fn flag(settings: &Settings, key: &str) -> Result<bool> {
    let Some(setting) = settings.get(key) else { return Ok(false) };
    match &setting.value {
        Value::Flag(flag) => Ok(*flag),
        Value::Text(text) if text == "true" => Ok(true),
        Value::Text(text) if text == "false" => Ok(false),
        _ => Err(invalid(key, setting, "must be true or false")),
    }
}

fn dpop(settings: &Settings, algorithm: &str, key: &str) -> Result<DpopConfig> {
    let algorithm = match (text(settings, algorithm)?, settings.get(algorithm)) {
        (Some(name), Some(setting)) => {
            Algorithm::parse(&name).ok_or_else(|| invalid(algorithm, setting, "must be ES256, EdDSA or PS256"))?
        }
        _ => Algorithm::Es256,
    };
    let key = settings.get(key).map(|_| pem(settings, key)).transpose()?;
    Ok(DpopConfig { algorithm, key })
}

/// Whoever verifies an HMAC can also make one, so it proves nothing to anybody else: only where nothing is at stake.
fn webhook_test_key(settings: &Settings, key: &str) -> Result<Option<WebhookKey>> {
    let (Some(secret), Some(setting)) = (text(settings, key)?, settings.get(key)) else { return Ok(None) };
    if !["sandbox", "test"].contains(&required(settings, "environment")?.as_str()) {
        return Err(invalid(key, setting, "is for tests: `environment` must be sandbox or test, or this must go"));
    }
    let parsed = WebhookKey::symmetric_for_tests("test", &secret);
    parsed.map(Some).ok_or_else(|| invalid(key, setting, "must be `whsec_` and the base64 of 24 to 64 bytes"))
}

fn lead(settings: &Settings, key: &str) -> Result<Duration> {
    let seconds = integer(settings, key, 0..=604_800, "must be a whole number of seconds from 0 to 604800")?;
    Ok(seconds.map_or(DEFAULT_LEAD, |seconds| Duration::from_secs(seconds.unsigned_abs())))
}
