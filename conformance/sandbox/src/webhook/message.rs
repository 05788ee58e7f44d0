//! A message to a receiver: header fields and body by Standard Webhooks, and what tests want to be wrong with it.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::carrier::Carrier;

/// What is wrong with a message, for tests of receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tamper {
    /// Nothing.
    #[default]
    Not,
    /// One byte of the body was changed after signing.
    Body,
    /// A stranger's key signed it.
    Key,
}

/// A message as it travels.
pub struct Message {
    /// Names and values of the header fields.
    pub headers: [(&'static str, String); 4],
    /// The event, verbatim unless tampered with.
    pub body: Vec<u8>,
}

/// Signs an event as of `age_s` seconds ago. `None` only if no key can be made.
pub fn message(carrier: &Carrier, id: &str, event: &[u8], tamper: Tamper, age_s: u64) -> Option<Message> {
    let timestamp = carrier.clock.shown().as_second().saturating_sub_unsigned(age_s).to_string();
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(event);
    let signature = if tamper == Tamper::Key {
        format!("v1a,{}", STANDARD.encode(Ed25519KeyPair::generate().ok()?.sign(&signed)))
    } else {
        carrier.webhook_keys.sign(&signed)
    };
    let mut body = event.to_vec();
    // Still JSON, still the same event to anyone who does not check: `1.0` becomes `1.1`.
    let needle = b"\"specversion\":\"1.";
    if tamper == Tamper::Body
        && let Some(at) = body.windows(needle.len()).position(|w| w == needle)
    {
        body[at + needle.len()] = b'1';
    }
    let headers = [
        ("content-type", "application/cloudevents+json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    Some(Message { headers, body })
}
