//! How the client is: its carriers, its journal, its certificate.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gladhand_documents::error::{Code, Result};
use gladhand_documents::json::{Document, quote};
use gladhand_documents::time::format_instant;
use gladhand_protocol::versioning::deprecation::Deprecation;

use crate::carrier::Carrier;
use crate::clock::within;
use crate::core::Core;

/// How long a carrier that says nothing keeps the answer waiting.
const DEADLINE: Duration = Duration::from_secs(3);

/// The document `Health`. Asks a carrier only if it has not been asked before.
pub(crate) async fn health(core: &Arc<Core>) -> Result<Document> {
    core.open()?;
    let unresolved = core.journal.run(|store| store.unresolved()).await?;
    let mut carriers = Vec::new();
    let mut down = 0;
    let mut ends = None;
    // All at once: one that is down must not make the others look slow.
    let asked = core.carriers.values().map(|carrier| async move { (carrier, failure(core, carrier).await) });
    for (carrier, failure) in join_all(asked).await {
        down += usize::from(failure.is_some());
        carriers.push(one(carrier, failure, core.clock.monotonic()));
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

async fn failure(core: &Core, carrier: &Carrier) -> Option<Code> {
    match within(&*core.clock, DEADLINE, carrier.published()).await {
        Some(Ok(_)) => carrier.failure(),
        Some(Err(error)) => Some(error.code()),
        None => Some(Code::DeadlineExceeded),
    }
}

fn one(carrier: &Carrier, failure: Option<Code>, now: Duration) -> String {
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
    let version = carrier.version().map_or_else(String::new, |v| format!(r#","apiVersion":{}"#, quote(&v)));
    let ending: Vec<String> = carrier.deprecations().iter().map(|(route, said)| deprecation(route, said)).collect();
    let ending = if ending.is_empty() { String::new() } else { format!(r#","deprecations":[{}]"#, ending.join(",")) };
    format!(
        r#"{{"carrier":{},"reachable":{}{code}{facts},"backpressureRatio":{:.3}{version}{ending}}}"#,
        quote(carrier.name()),
        failure.is_none(),
        carrier.backpressure(now),
    )
}

fn deprecation(route: &str, said: &Deprecation) -> String {
    let member = |name: &str, value: Option<String>| {
        value.map_or_else(String::new, |value| format!(r#","{name}":{}"#, quote(&value)))
    };
    // As long as the document permits.
    let link = |link: &Option<String>| link.clone().filter(|link| link.len() <= 2048);
    format!(
        r#"{{"route":{}{}{}{}{}}}"#,
        quote(route),
        member("deprecatedAt", said.since.map(format_instant)),
        member("sunsetAt", said.sunset.map(format_instant)),
        member("about", link(&said.about).or_else(|| link(&said.about_sunset))),
        member("successor", link(&said.successor)),
    )
}
