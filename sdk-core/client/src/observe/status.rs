//! The state of our credentials as a document, and the task that warns of their end.

use std::sync::Arc;

use gladhand_documents::error::Result;
use gladhand_documents::json::{Document, quote};

use super::monitor::{LOOK, Warnings};
use super::{Expiry, SecurityLog, Subject};
use crate::auth::Authorized;
use crate::config::IdentitySource;
use crate::core::Core;

/// The document `IdentityStatus`.
pub(crate) fn status(core: &Core) -> Result<Document> {
    core.open()?;
    let now = core.clock.now();
    let mut expiries = expiries(core);
    expiries.sort_by_key(|expiry| expiry.until);
    let expiries: Vec<String> = expiries.iter().map(|expiry| expiry.json(now)).collect();
    Document::parse(format!(
        r#"{{"source":{},"generations":[{}],"expiries":[{}],"events":[{}]}}"#,
        quote(source(core)),
        generations(core).join(","),
        expiries.join(","),
        events(&core.security).join(","),
    ))
}

/// Warns of what ends, until the client does.
pub(crate) async fn watch(core: Arc<Core>) {
    let mut warnings = Warnings::default();
    loop {
        // A key that was appended is published at once, also if nothing else happens.
        for caller in core.carriers.values().filter_map(|carrier| carrier.authorized()) {
            caller.assertion_keys().await;
        }
        // Tokens and key sets are short-lived and renewed by themselves: their failures are events of their own.
        let mut ending = expiries(&core);
        ending.retain(|expiry| !matches!(expiry.subject, Subject::Token | Subject::KeySet | Subject::AssertionKey));
        for event in warnings.due(core.clock.now(), &ending) {
            core.security.emit(&event);
        }
        if !core.pause(LOOK).await {
            return;
        }
    }
}

/// Everything that ends.
fn expiries(core: &Core) -> Vec<Expiry> {
    let mut all = core.rotation.as_ref().map(|rotation| rotation.expiries()).unwrap_or_default();
    all.extend(core.carriers.values().filter_map(|carrier| carrier.authorized()).flat_map(Authorized::expiries));
    all.extend(core.carriers.values().flat_map(|carrier| carrier.webhook_key_expiries()));
    all
}

fn source(core: &Core) -> &'static str {
    match &core.config.identity.source {
        IdentitySource::Pem(_) => "pem",
        IdentitySource::Spiffe { .. } => "spiffe",
    }
}

fn generations(core: &Core) -> Vec<String> {
    let callers = core.carriers.values().filter_map(|carrier| Some((carrier.name(), carrier.authorized()?)));
    callers
        .map(|(name, caller)| {
            let generation = caller.generation();
            let facts = generation.identity().facts();
            let uris: Vec<String> = facts.uris().iter().map(|uri| quote(uri)).collect();
            format!(
                r#"{{"carrier":{},"generation":{},"fingerprint":{},"uris":[{}],"draining":{}}}"#,
                quote(name),
                generation.number(),
                quote(facts.fingerprint()),
                uris.join(","),
                caller.epochs().draining().len(),
            )
        })
        .collect()
}

fn events(log: &SecurityLog) -> Vec<String> {
    let counts = log.counts();
    let mut names: Vec<&str> = counts.keys().map(|(name, _)| *name).collect();
    names.dedup();
    let count = |name, success| counts.get(&(name, success)).copied().unwrap_or(0);
    names
        .into_iter()
        .map(|name| {
            format!(r#"{{"event":{},"succeeded":{},"failed":{}}}"#, quote(name), count(name, true), count(name, false))
        })
        .collect()
}
