//! The table of event types (contract 4b) and `asyncapi.json`: what a carrier posts to webhooks and serves in its feeds.

use serde_json::{Map, Value, json};

use super::{names, pretty};
use gladhand_documents::model;

/// Type, between `gladhand.` and `.v1`, and when it is recorded.
pub(super) const EVENTS: &[(&str, &str)] = &[
    ("tender.received", "The carrier has stored the tender; always sequence 1 of its history."),
    ("tender.accepted", "The carrier took the load; `decision.decidedAt` is the instant of its commit."),
    ("tender.rejected", "The carrier refused, or the TMS declined a counter offer."),
    ("tender.countered", "The carrier would take it on other terms."),
    ("tender.counter_accepted", "The TMS took the counter offer; the carrier's commit follows."),
    ("tender.revised", "A new revision replaced the tender."),
    ("tender.expired", "No decision by respondBy, or a counter offer lapsed."),
    ("tender.withdrawn", "The TMS withdrew it before acceptance."),
    ("tender.cancel_requested", "The TMS asked to cancel after acceptance."),
    ("tender.cancel_confirmed", "The carrier agreed to cancel."),
    ("tender.cancel_declined", "The carrier declined to cancel."),
    ("tender.cancelled", "The tender ended after acceptance, before departure."),
    ("tender.amendment_received", "The TMS proposed an amendment."),
    ("tender.amendment_confirmed", "The carrier confirmed an amendment."),
    ("tender.amendment_declined", "The carrier declined an amendment."),
    ("tender.amendment_withdrawn", "The TMS withdrew an amendment."),
    ("dispatch.created", "Vehicles were assigned."),
    ("dispatch.released", "The assignment was undone before departure."),
    ("shipment.departed_pickup", "The vehicle left the first pickup with freight."),
    ("shipment.status", "Progress that does not move the tender, such as an arrival."),
    ("shipment.position", "Where the vehicle is."),
    ("shipment.eta_changed", "Expected arrivals changed."),
    ("shipment.appointment_changed", "An appointment changed."),
    ("shipment.delivered", "All delivery stops are complete."),
    ("shipment.aborted", "The carrier could not complete after dispatch; custody is recorded."),
    ("exception.opened", "Something is wrong; an overlay that never moves the tender."),
    ("exception.updated", "An open exception changed."),
    ("exception.cleared", "An exception is over."),
    ("control.mode_changed", "Another mode of control of the vehicle."),
    ("command.acknowledged", "The operations centre has the command."),
    ("command.queued", "The command waits for its condition."),
    ("command.granted", "The carrier will do it."),
    ("command.refused", "The carrier will not do it."),
    ("command.executing", "It is being done."),
    ("command.completed", "It is done."),
    ("command.failed", "It could not be done."),
    ("command.expired", "No answer by expiresAt: not granted."),
    ("command.revoked", "The TMS took it back before it was executed."),
    ("pod.available", "A proof of delivery can be read."),
    ("invoice.issued", "An invoice can be read."),
    ("capacity.offered", "New capacity."),
    ("capacity.changed", "Capacity changed."),
    ("capacity.withdrawn", "Capacity was withdrawn."),
    ("hold.granted", "A hold was placed."),
    ("hold.expired", "A hold lapsed."),
    ("reconciliation.override_applied", "Operators of both sides corrected a tender together."),
    ("contract.deprecated", "A part of the contract will end."),
];

/// What is sent beside the events, outside every sequence.
const HEARTBEAT: (&str, &str) =
    ("subscription.heartbeat", "Every 60 seconds to each subscription, with the cursor behind the latest event.");

/// The text of `conformance/contract/asyncapi.json`.
pub(super) fn json() -> String {
    let mut messages = Map::new();
    let mut references = Map::new();
    for (name, about) in EVENTS.iter().chain([&HEARTBEAT]) {
        let key = names::lower_camel(name);
        messages.insert(key.clone(), message(name, about));
        references.insert(key.clone(), json!({"$ref": format!("#/components/messages/{key}")}));
    }
    pretty(&json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gladhand partner contract: events",
            "version": model::SCHEMA_VERSION,
            "description": "CloudEvents 1.0 in structured mode, stored once by the carrier as one byte string and delivered verbatim by webhook, by the feed of the account and by the history of the tender. Contiguous by sequence for each source.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "webhook": {
                "description": "POST to the url of a webhook subscription. OPTIONS with WebHook-Request-Origin before the first event; 2xx is a receipt; the same webhook-id on every attempt.",
                "messages": references,
            },
        },
        "operations": {
            "sendEvent": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "security": [{"$ref": "#/components/securitySchemes/mutualTLS"}],
                "summary": "The carrier sends; at least once, in no guaranteed order.",
            },
        },
        "components": {
            "messages": messages,
            "securitySchemes": {
                "mutualTLS": {
                    "type": "X509",
                    "description": "The carrier shows its client certificate; a subscription may record signature_only instead.",
                },
            },
        },
    }))
}

fn message(name: &str, about: &str) -> Value {
    json!({
        "name": format!("gladhand.{name}.v1"),
        "summary": about,
        "contentType": "application/cloudevents+json",
        "headers": {
            "type": "object",
            "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
            "properties": {
                "webhook-id": {"type": "string", "description": "The same on every attempt."},
                "webhook-timestamp": {"type": "string", "pattern": "^[0-9]+$", "description": "Seconds since 1970 of this attempt; refused beyond 300 s."},
                "webhook-signature": {"type": "string", "description": "Standard Webhooks: v1a, and the base64 ed25519 signature of id.timestamp.body; several separated by spaces."},
            },
        },
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {
                "allOf": [
                    {"$ref": if name == HEARTBEAT.0 { "schema/Heartbeat.json" } else { "schema/Event.json" }},
                    {"properties": {"type": {"const": format!("gladhand.{name}.v1")}}},
                ],
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_unique() {
        let mut seen = std::collections::HashSet::new();
        assert!(EVENTS.iter().all(|(name, _)| seen.insert(names::lower_camel(name))));
    }
}
