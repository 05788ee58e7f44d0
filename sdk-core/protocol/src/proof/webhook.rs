//! Webhook signatures as Standard Webhooks 1.0 says, asymmetric: ed25519 signatures `v1a,` and public keys `whpk_`.
//! The raw bytes are verified before anything parses them (contract 4e).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::{Code, Error, Result};

/// How far the attempt's timestamp may be from our clock, either way, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// The most signatures of one message that are tried; a rotation needs two.
const MAX_SIGNATURES: usize = 16;

/// A key that a carrier signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookKey {
    id: String,
    public: [u8; 32],
}

impl WebhookKey {
    /// Reads `whpk_` and the base64 of the 32 bytes.
    pub fn parse(id: impl Into<String>, text: &str) -> Result<Self> {
        let id = id.into();
        let public = text.strip_prefix("whpk_").and_then(|b64| STANDARD.decode(b64).ok()?.try_into().ok());
        let Some(public) = public else {
            let why = format!("webhook key `{id}` is not `whpk_` and the base64 of 32 bytes");
            return Err(Error::new(Code::UnexpectedAnswer, why));
        };
        Ok(Self { id, public })
    }

    /// The name that the carrier gave it.
    pub fn id(&self) -> &str {
        &self.id
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
/// both keys, or we know both: one match is enough. Signatures of other versions, such as the symmetric `v1,`, are passed
/// over.
///
/// Codes: `webhook_signature_missing`, `webhook_signature_invalid`, and, for a genuine message, `clock_skew` with the
/// measured offset.
pub fn verify(headers: Headers<'_>, body: &[u8], keys: &[WebhookKey], now: i64) -> Result<Verified> {
    let timestamp = seconds(headers.timestamp)?;
    let mut signed = Vec::with_capacity(headers.id.len() + headers.timestamp.len() + body.len() + 2);
    for part in [headers.id.as_bytes(), b".", headers.timestamp.as_bytes(), b".", body] {
        signed.extend_from_slice(part);
    }
    let signatures: Vec<Vec<u8>> = headers
        .signature
        .split_ascii_whitespace()
        .filter_map(|part| STANDARD.decode(part.strip_prefix("v1a,")?).ok())
        .take(MAX_SIGNATURES)
        .collect();
    if signatures.is_empty() {
        return Err(missing("`webhook-signature` has no `v1a` signature"));
    }
    let key = keys.iter().find(|key| {
        let public = UnparsedPublicKey::new(&ED25519, key.public);
        signatures.iter().any(|signature| public.verify(&signed, signature).is_ok())
    });
    let Some(key) = key else {
        let why = format!("no signature of message `{}` matches one of {} known key(s)", shown(headers.id), keys.len());
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
