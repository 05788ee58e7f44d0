//! Webhook subscriptions: where events go, and how far each has come in the feed.

use std::collections::{BTreeMap, BTreeSet};

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value};
use url::{Host, Url};

use crate::problem::{Problem, Result};
use crate::webhook::network::Network;

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The tenant.
    pub tenant: String,
    /// Its id.
    pub id: String,
    /// Where events go.
    pub url: Url,
    /// Which types; empty is all.
    pub types: Vec<String>,
    /// Whether our client certificate is shown to the receiver.
    pub mtls: bool,
    /// Whether nothing goes to it any more: its receiver failed for too long, or said 410.
    pub disabled: bool,
    /// As the TMS wrote it.
    pub document: Document,
    /// Rises when it is replaced, so that an old delivery loop ends.
    pub generation: u64,
    /// Whether the receiver has answered the handshake.
    pub verified: bool,
    /// The first place of the feed that is not delivered.
    pub from: usize,
    /// Places beyond it that are, because control released them out of order.
    pub done: BTreeSet<usize>,
    /// Attempts, and how many of them failed.
    pub attempts: (u64, u64),
}

/// All subscriptions.
#[derive(Default)]
pub struct Subscriptions {
    /// By tenant and id.
    pub all: BTreeMap<(String, String), Subscription>,
    /// Whether control holds deliveries back.
    pub hold: bool,
    /// What becomes of messages on their way.
    pub network: Network,
    /// Generations so far.
    made: u64,
}

impl Subscription {
    /// Its entity tag.
    pub fn tag(&self) -> String {
        format!("\"{}\"", self.generation)
    }

    /// Whether an event of this type goes to it.
    pub fn wants(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|t| t == kind)
    }

    /// Notes a place as delivered.
    pub fn delivered(&mut self, place: usize) {
        self.done.insert(place);
        while self.done.remove(&self.from) {
            self.from += 1;
        }
    }
}

impl Subscriptions {
    /// Delivers everything from this place on, again where it was delivered before; a subscription that was disabled is in
    /// force again.
    pub fn replay(&mut self, id: &str, from: usize) -> bool {
        let mut found = false;
        for subscription in self.all.values_mut().filter(|s| s.id == id) {
            subscription.from = from;
            subscription.done.clear();
            subscription.disabled = false;
            found = true;
        }
        found
    }

    /// Forgets places at and beyond the end of a feed that was cut.
    pub fn truncate(&mut self, end: usize) {
        for subscription in self.all.values_mut() {
            subscription.from = subscription.from.min(end);
            subscription.done.retain(|place| *place < end);
        }
    }

    /// Stores a subscription that delivers what is committed from `head` on. The same content again changes nothing; the
    /// answer is the generation if it is new.
    pub fn put(&mut self, tenant: &str, document: &Document, head: usize) -> Result<Option<u64>> {
        let id = document.text("/subscriptionId").unwrap_or_default();
        let mtls = document.text("/mtls").as_deref() != Some("signature_only");
        let url = address(&document.text("/url").unwrap_or_default(), mtls)?;
        let types = document.at("/types").into_iter().flat_map(Value::items);
        let types = types.filter_map(|t| Some(t.text()?.into_owned())).collect();
        let name = (tenant.to_owned(), id.clone());
        let existing = self.all.get(&name);
        if existing.is_some_and(|s| s.document == *document && !s.disabled) {
            return Ok(None);
        }
        let generation = self.made + 1;
        let from = existing.map_or(head, |s| s.from);
        let done = existing.map(|s| s.done.clone()).unwrap_or_default();
        let subscription = Subscription {
            tenant: tenant.to_owned(),
            id,
            url,
            types,
            mtls,
            disabled: false,
            document: document.clone(),
            generation,
            verified: false,
            from,
            done,
            attempts: (0, 0),
        };
        self.all.insert(name, subscription);
        self.made = generation;
        Ok(Some(generation))
    }
}

/// The sandbox calls loopback addresses and nothing else: it must never become someone's way into a network. Plain http
/// is for receivers that rely on the signature alone.
fn address(text: &str, mtls: bool) -> Result<Url> {
    let refuse = |rule: &str, message: &str| Problem::violation(Code::SchemaInvalid, "/url", rule, message);
    let url = Url::parse(text).map_err(|_| refuse("url", "must be an absolute address"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(refuse("url", "must have neither credentials nor a fragment"));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if !loopback {
        return Err(refuse("address_not_allowed", "must be a loopback address: this is a sandbox"));
    }
    match (url.scheme(), mtls) {
        ("https", _) | ("http", false) => Ok(url),
        ("http", true) => Err(refuse("mtls", "must be https where mtls is required; http takes signature_only")),
        _ => Err(refuse("url", "must be https")),
    }
}
