//! The handshake before a carrier's first webhook: CloudEvents webhook 1.0, section 4, abuse protection. It sends an OPTIONS
//! request to the address of the subscription; the host answers with what this says.

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::{Document, quote};

use super::answerable;
use crate::carrier::Carrier;
use crate::core::Core;

/// What to answer (document `InboxHandshake`): consent for the origin of a configured carrier, at the rate that it asks for.
/// Errors, whose HTTP status is theirs to answer with: `schema_invalid` where the request names no origin,
/// `webhook_source_foreign` for an origin of nobody whom we know.
pub(crate) fn handshake(core: &Core, fields: &[(String, String)]) -> Result<Document> {
    answer(core, fields).map_err(answerable)
}

fn answer(core: &Core, fields: &[(String, String)]) -> Result<Document> {
    core.open()?;
    let origin = one(fields, "webhook-request-origin")?
        .ok_or_else(|| Error::new(Code::SchemaInvalid, "`webhook-request-origin` is missing: this is no handshake"))?;
    let Some(carrier) = core.carriers.values().find(|carrier| is_origin_of(carrier, origin)) else {
        let shown: String = origin.chars().filter(char::is_ascii_graphic).take(64).collect();
        let why = format!("`webhook-request-origin` {shown} is the host of no carrier that is configured");
        return Err(Error::new(Code::WebhookSourceForeign, why));
    };
    // In requests a minute. What the host can take, its own server limits.
    let rate = match one(fields, "webhook-request-rate")? {
        None => "*",
        Some(asked) if asked.parse::<u32>().is_ok_and(|rate| rate > 0) => asked,
        Some(_) => return Err(Error::new(Code::SchemaInvalid, "`webhook-request-rate` is not a number above zero")),
    };
    let headers = [("WebHook-Allowed-Origin", origin), ("WebHook-Allowed-Rate", rate), ("Allow", "OPTIONS, POST")];
    let headers = headers.map(|(name, value)| format!(r#"{{"name":{},"value":{}}}"#, quote(name), quote(value)));
    Document::parse(format!(
        r#"{{"status":200,"carrier":{},"headers":[{}]}}"#,
        quote(carrier.name()),
        headers.join(",")
    ))
}

/// The field's value, if it is there; `schema_invalid` if it is there twice.
fn one<'a>(fields: &'a [(String, String)], name: &str) -> Result<Option<&'a str>> {
    let mut values = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim());
    match (values.next(), values.next()) {
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
        _ => Err(Error::new(Code::SchemaInvalid, format!("`{name}` is there more than once"))),
    }
}

/// The origin is a DNS expression (section 4.1.1): the host of the carrier's address, with or without its port.
fn is_origin_of(carrier: &Carrier, origin: &str) -> bool {
    let url = &carrier.config.base_url;
    let Some(host) = url.host_str() else { return false };
    let port = url.port_or_known_default().unwrap_or(443);
    origin.eq_ignore_ascii_case(host) || origin.eq_ignore_ascii_case(&format!("{host}:{port}"))
}
