//! Webhook signatures as Standard Webhooks 1.0 says, asymmetric: ed25519 signatures `v1a,` and public keys `whpk_`.
//! The raw bytes are verified before anything parses them (contract 4e). Symmetric ones, `v1,` and `whsec_`, are for tests: who
//! can verify them can also make them.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Value;
use gladhand_documents::time::parse_instant;
use jiff::Timestamp;

/// How far the attempt's timestamp may be from our clock, either way, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// The most signatures of one message that are tried; a rotation needs two.
const MAX_SIGNATURES: usize = 16;

/// A key that a carrier signs with.
#[derive(Clone)]
pub struct WebhookKey {
    id: String,
    material: Material,
    /// Seconds since 1970; none for no bound.
    from: Option<i64>,
    until: Option<i64>,
}

#[derive(Clone)]
enum Material {
    Ed25519([u8; 32]),
    Hmac(Box<hmac::Key>),
}

impl WebhookKey {
    /// Reads `whpk_` and the base64 of the 32 bytes. Error: `unexpected_answer`.
    pub fn parse(id: impl Into<String>, text: &str) -> Result<Self> {
        let id = id.into();
        let public = text.strip_prefix("whpk_").and_then(|b64| STANDARD.decode(b64).ok()?.try_into().ok());
        let Some(public) = public else {
            let why = format!("webhook key `{id}` is not `whpk_` and the base64 of 32 bytes");
            return Err(Error::new(Code::UnexpectedAnswer, why));
        };
        Ok(Self { id, material: Material::Ed25519(public), from: None, until: None })
    }

    /// Reads a `WebhookKey` as a carrier publishes it, with the time for which it is good. Error: `unexpected_answer`.
    pub fn read(published: Value<'_>) -> Result<Self> {
        let text = |name: &str| published.get(name).and_then(Value::text).unwrap_or_default().into_owned();
        let instant = |name: &str| parse_instant(&text(name)).ok().map(Timestamp::as_second);
        Ok(Self::parse(text("keyId"), &text("publicKey"))?.valid(instant("notBefore"), instant("notAfter")))
    }

    /// A shared secret, `whsec_` and the base64 of 24 to 64 bytes (Standard Webhooks 1.0), for tests. `None` for anything else.
    pub fn symmetric_for_tests(id: impl Into<String>, text: &str) -> Option<Self> {
        let secret = text.strip_prefix("whsec_").and_then(|b64| STANDARD.decode(b64).ok())?;
        let material = Material::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &secret)));
        (24..=64).contains(&secret.len()).then(|| Self { id: id.into(), material, from: None, until: None })
    }

    /// Good only for attempts from `from` on and before `until`, seconds since 1970.
    pub fn valid(self, from: Option<i64>, until: Option<i64>) -> Self {
        Self { from, until, ..self }
    }

    /// The name that the carrier gave it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// From when it is good, seconds since 1970.
    pub fn from(&self) -> Option<i64> {
        self.from
    }

    /// When it ends, seconds since 1970.
    pub fn until(&self) -> Option<i64> {
        self.until
    }

    fn signed(&self, message: &[u8], signature: &Signature) -> bool {
        match (&self.material, signature) {
            (Material::Ed25519(public), Signature::V1a(bytes)) => {
                UnparsedPublicKey::new(&ED25519, public).verify(message, bytes).is_ok()
            }
            (Material::Hmac(key), Signature::V1(bytes)) => hmac::verify(key, message, bytes).is_ok(),
            _ => false,
        }
    }

    fn good_at(&self, timestamp: i64) -> bool {
        self.from.is_none_or(|from| from <= timestamp) && self.until.is_none_or(|until| timestamp < until)
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A signature of a version that is known.
enum Signature {
    /// Ed25519.
    V1a(Vec<u8>),
    /// HMAC-SHA256.
    V1(Vec<u8>),
}

impl Signature {
    fn parse(part: &str) -> Option<Self> {
        let (version, bytes) = part.split_once(',')?;
        let bytes = STANDARD.decode(bytes).ok()?;
        match version {
            "v1a" => Some(Self::V1a(bytes)),
            "v1" => Some(Self::V1(bytes)),
            _ => None,
        }
    }
}

/// The three header fields of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers<'a> {
    /// `webhook-id`: the same on every attempt.
    pub id: &'a str,
    /// `webhook-timestamp`: when this attempt was made, seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: `v1a,<base64>`, several separated by spaces.
    pub signature: &'a str,
}

impl<'a> Headers<'a> {
    /// Picks the three from a message's header fields, whatever the case of their names. `webhook_signature_missing` if
    /// one is not there, or there twice.
    pub fn find(fields: &'a [(String, String)]) -> Result<Self> {
        let one = |name: &str| {
            let mut values = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
            match (values.next(), values.next()) {
                (Some(value), None) if !value.is_empty() => Ok(value),
                (None | Some(""), None) => Err(missing(&format!("`{name}` is missing"))),
                _ => Err(missing(&format!("`{name}` is there more than once"))),
            }
        };
        Ok(Self { id: one("webhook-id")?, timestamp: one("webhook-timestamp")?, signature: one("webhook-signature")? })
    }
}

/// A message whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The message's id.
    pub id: String,
    /// The attempt's time, seconds since 1970.
    pub timestamp: i64,
    /// The name of the key that signed it.
    pub key_id: String,
}

/// Verifies a message against the carrier's keys at `now` (seconds since 1970). During a rotation the carrier signs with
/// both keys, or we know both: one match of a key that is good at the attempt's time is enough. Signatures of other versions
/// are passed over, and so are symmetric ones where no symmetric key is known.
///
/// Codes: `webhook_signature_missing`, `webhook_signature_invalid`, and, for a genuine message, `clock_skew` with the
/// measured offset.
pub fn verify(headers: Headers<'_>, body: &[u8], keys: &[WebhookKey], now: i64) -> Result<Verified> {
    let timestamp = seconds(headers.timestamp)?;
    let mut signed = Vec::with_capacity(headers.id.len() + headers.timestamp.len() + body.len() + 2);
    for part in [headers.id.as_bytes(), b".", headers.timestamp.as_bytes(), b".", body] {
        signed.extend_from_slice(part);
    }
    let symmetric = keys.iter().any(|key| matches!(key.material, Material::Hmac(_)));
    let usable = |signature: &Signature| symmetric || matches!(signature, Signature::V1a(_));
    let parts = headers.signature.split_ascii_whitespace();
    let signatures: Vec<Signature> = parts.filter_map(Signature::parse).filter(usable).take(MAX_SIGNATURES).collect();
    if signatures.is_empty() {
        return Err(missing("`webhook-signature` has no `v1a` signature"));
    }
    let matching = |key: &&WebhookKey| signatures.iter().any(|signature| key.signed(&signed, signature));
    let mut ended = None;
    let mut good = None;
    for key in keys.iter().filter(matching) {
        if key.good_at(timestamp) {
            good = Some(key);
            break;
        }
        ended = Some(key);
    }
    let Some(key) = good else {
        let (message, known) = (shown(headers.id), keys.len());
        let why = match ended.map(WebhookKey::id) {
            Some(key) => format!("message `{message}` is signed with key `{key}`, which is not good at its time"),
            None => format!("no signature of message `{message}` matches one of {known} known key(s)"),
        };
        return Err(Error::new(Code::WebhookSignatureInvalid, why));
    };
    // Only a genuine message says something of the clocks.
    let ahead = timestamp.saturating_sub(now);
    if ahead.saturating_abs() > TOLERANCE_S {
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        let why = format!("message `{}` is {} s {side} our clock", shown(headers.id), ahead.saturating_abs());
        return Err(Error::new(Code::ClockSkew, why));
    }
    Ok(Verified { id: headers.id.to_owned(), timestamp, key_id: key.id.clone() })
}

/// Digits only: `parse` alone would also take a sign.
fn seconds(text: &str) -> Result<i64> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| missing("`webhook-timestamp` is not a number of seconds"))
}

fn missing(why: &str) -> Error {
    Error::new(Code::WebhookSignatureMissing, why)
}

/// A header of a stranger in a message: short, and printable.
fn shown(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
