//! Answering a request to a webhook's address, so that no binding and no web framework decides what a status is for.

use gladhand_documents::error::{Error, Result};
use gladhand_documents::json::{Document, quote};

/// Bytes of a body that are enough to see that it is too large: a framework need not read on.
pub const LIMIT: usize = 256 * 1024 + 1;

/// The InboxAnswer to a request. Errors: those that are not the sender's doing.
pub(crate) async fn answer(
    core: &gladhand::Client,
    method: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Document> {
    let outcome = match method {
        "OPTIONS" => core.inbox_handshake(headers).and_then(|shake| {
            let fields = shake.extract("/headers").unwrap_or_else(Document::object);
            written(shake.integer("/status").unwrap_or(200), fields.as_str(), "")
        }),
        "POST" => core
            .receive(headers, body)
            .await
            .and_then(|receipt| written(receipt.integer("/status").unwrap_or(202), "[]", "")),
        _ => written(405, r#"[{"name":"Allow","value":"OPTIONS, POST"}]"#, ""),
    };
    outcome.or_else(refused)
}

/// A refusal as problem+json (RFC 9457): its code, and nothing of what is known here.
fn refused(error: Error) -> Result<Document> {
    let Some(status) = error.http_status().filter(|status| *status < 500) else { return Err(error) };
    let problem = format!(r#"{{"status":{status},"code":{}}}"#, quote(error.code().as_str()));
    written(status.into(), r#"[{"name":"Content-Type","value":"application/problem+json"}]"#, &problem)
}

fn written(status: i64, headers: &str, body: &str) -> Result<Document> {
    Document::parse(format!(r#"{{"status":{status},"headers":{headers},"body":{}}}"#, quote(body)))
}
