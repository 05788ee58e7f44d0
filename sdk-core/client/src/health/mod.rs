//! How the client is: its carriers, its journal, its certificate.

use std::sync::Arc;

use gladhand_documents::error::{Code, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::time::format_instant;

use crate::carrier::Carrier;
use crate::core::Core;

/// The document `Health`. Asks a carrier only if it has not been asked before.
pub(crate) async fn health(core: &Arc<Core>) -> Result<Document> {
    core.open()?;
    let unresolved = core.journal.run(|store| store.unresolved()).await?;
    let mut carriers = Vec::new();
    let mut down = 0;
    let mut ends = None;
    for carrier in core.carriers.values() {
        let failure = failure(carrier).await;
        down += usize::from(failure.is_some());
        carriers.push(one(carrier, failure));
        if let Some(authorized) = carrier.authorized() {
            ends = Some(authorized.generation().identity().facts().not_after());
        }
    }
    let status = match down {
        0 => "ok",
        all if all == core.carriers.len() => "down",
        _ => "degraded",
    };
    let certificate =
        ends.map_or_else(String::new, |ends| format!(r#","certificateNotAfter":{}"#, quote(&format_instant(ends))));
    Document::parse(format!(
        r#"{{"status":{},"unresolved":{unresolved},"carriers":[{}],"version":{}{certificate}}}"#,
        quote(status),
        carriers.join(","),
        quote(env!("CARGO_PKG_VERSION")),
    ))
}

async fn failure(carrier: &Carrier) -> Option<Code> {
    match carrier.published().await {
        Ok(_) => carrier.failure(),
        Err(error) => Some(error.code()),
    }
}

fn one(carrier: &Carrier, failure: Option<Code>) -> String {
    let code = failure.map_or_else(String::new, |code| format!(r#","code":{}"#, quote(code.as_str())));
    let facts = carrier.authorized().and_then(|authorized| authorized.generation().latest_facts());
    let facts = facts.map_or_else(String::new, |facts| {
        format!(
            r#","tlsVersion":{},"cipherSuite":{},"keyExchange":{}"#,
            quote(&facts.version),
            quote(&facts.cipher_suite),
            quote(&facts.key_exchange),
        )
    });
    format!(r#"{{"carrier":{},"reachable":{}{code}{facts}}}"#, quote(carrier.name()), failure.is_none())
}
