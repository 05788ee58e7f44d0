//! The one place where logs grow: each event is written once, as the bytes that every path delivers (contract 4e).

use axum::body::Bytes;
use jiff::Timestamp;
use serde::Deserialize;

use crate::clock::rfc3339;
use crate::contract::{Deprecated, Simulation};
use crate::object::Object;
use crate::problem::Result;
use crate::random;
use crate::state::Store;
use crate::state::feed::Committed;
use crate::state::ledger::Happened;
use crate::state::tender::{Key, Tender};

/// More than a webhook may have, in bytes (contract 4e).
const OVERSIZE: usize = 300 << 10;

/// An event that a consumer cannot digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Poison {
    /// Of the contract, but the state machine has no such step: the tender is received a second time.
    Illegal,
    /// Of a type that nobody knows, which must be kept and passed over.
    Unknown,
    /// No event of the contract.
    Malformed,
    /// Larger than a webhook may be.
    Oversize,
}

impl Store {
    /// Records an event. `kind` without prefix and suffix; `extra` adds members to `data`.
    pub fn record(&mut self, key: &Key, kind: &str, now: Timestamp, extra: impl FnOnce(Object) -> Object) {
        let source = format!("{}/tenders/{}", self.origin, key.tender_id);
        let Some(tender) = self.tenders.get_mut(key) else { return };
        let sequence = tender.history.last_sequence() + 1;
        let kind = format!("gladhand.{kind}.v1");
        let data = extra(data(tender, &self.carrier, sequence, self.simulation));
        let id = random::id("evt-");
        let event = Object::new()
            .text("specversion", "1.0")
            .text("id", &id)
            .text("source", &source)
            .text("type", &kind)
            .text("subject", &tender.load_id)
            .text("time", &rfc3339(now))
            .text("recordedtime", &rfc3339(now))
            .text("sequence", &format!("{sequence:020}"))
            .text("partitionkey", &key.tender_id)
            .text("datacontenttype", "application/json");
        let event = match self.simulation {
            Simulation::None => event.text("dataschema", "urn:gladhand:schema:StatusEvent:1.0"),
            Simulation::Earlier => event,
            Simulation::Later => {
                event.text("dataschema", "urn:gladhand:schema:StatusEvent:1.1").text("futureattribute", "1.1")
            }
        };
        let event = event.text_if("traceparent", tender.traceparent.as_deref());
        let event = deprecation(event, self.deprecated_events.get(&kind)).raw("data", &data.finish()).finish();
        let (load_id, recorded) = (tender.load_id.clone(), kind.clone());
        tender.history.append(id, kind, Bytes::from(event));
        tender.updated_at = now;
        self.commits.note(tender, true, now);
        self.feed.push(Committed { at: now, key: key.clone(), sequence });
        self.ledger.note(Happened { at: self.wall, load_id, key: key.clone(), sequence, kind: recorded });
    }

    /// Records an event that no consumer can digest: a carrier's mistake, sequenced and in the digest like any other.
    pub fn poison(&mut self, key: &Key, poison: Poison, now: Timestamp) -> Result<()> {
        self.tender(key)?;
        match poison {
            Poison::Illegal => self.record(key, "tender.received", now, |data| data),
            Poison::Unknown => self.record(key, "shipment.teleported", now, |data| data),
            Poison::Oversize => {
                let padding = "x".repeat(OVERSIZE);
                self.record(key, "shipment.status", now, |data| data.text("padding", &padding));
            }
            Poison::Malformed => {
                let tender = self.tender_mut(key)?;
                let sequence = tender.history.last_sequence() + 1;
                let (id, kind) = (random::id("evt-"), "gladhand.shipment.status.v1".to_owned());
                let event = Object::new().text("specversion", "1.0").text("id", &id).text("type", &kind);
                let event = event.text("sequence", &format!("{sequence:020}")).raw("data", "[]").finish();
                tender.history.append(id, kind, Bytes::from(event));
                let tender = tender.clone();
                self.commits.note(&tender, true, now);
                self.feed.push(Committed { at: now, key: key.clone(), sequence });
            }
        }
        Ok(())
    }

    /// Every event of this type says from now on that it is deprecated.
    pub fn deprecate_event(&mut self, kind: String, deprecated: Deprecated) {
        self.deprecated_events.insert(kind, deprecated);
    }

    /// Tells whoever follows a live tender that an operation will end.
    pub fn announce_deprecation(&mut self, operation: &str, deprecated: &Deprecated, now: Timestamp) {
        let live: Vec<Key> = self.tenders().filter(|t| t.state.is_live()).map(|t| t.key.clone()).collect();
        for key in live {
            self.record(&key, "contract.deprecated", now, |data| {
                data.text("operation", operation)
                    .text("deprecatedAt", &rfc3339(deprecated.at.0))
                    .text("sunsetAt", &rfc3339(deprecated.sunset.0))
                    .text("link", &deprecated.link)
            });
        }
    }

    /// Serves the contract as it is.
    pub fn reset_contract(&mut self) {
        self.deprecated_events.clear();
        self.simulation = Simulation::None;
    }
}

fn data(tender: &Tender, carrier: &str, sequence: u64, simulation: Simulation) -> Object {
    let data = Object::new()
        .text("loadId", &tender.load_id)
        .text("tenderId", &tender.key.tender_id)
        .text_if("dispatchId", tender.dispatch.as_ref().map(|d| d.id.as_str()))
        .text_if("capacityId", tender.capacity_id.as_deref())
        .number("eventSequence", sequence)
        .number("revision", tender.revision.into())
        .text("status", tender.state.as_str());
    let data = match simulation {
        Simulation::None => data.text("controlMode", &tender.control_mode),
        Simulation::Earlier => data,
        Simulation::Later => data.text("controlMode", &tender.control_mode).raw("futureMember", r#"{"amount":0.10}"#),
    };
    data.text("sourceSystem", &format!("{carrier}-tms"))
}

/// The attributes of the CloudEvents deprecation extension.
fn deprecation(event: Object, deprecated: Option<&Deprecated>) -> Object {
    let Some(deprecated) = deprecated else { return event };
    event
        .raw("deprecated", "true")
        .text("deprecationfrom", &rfc3339(deprecated.at.0))
        .text("deprecationsunset", &rfc3339(deprecated.sunset.0))
        .text("deprecationmigration", &deprecated.link)
}
