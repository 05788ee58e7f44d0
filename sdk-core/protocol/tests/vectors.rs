//! `conformance/vectors/derivation.json`: names, digests and signatures, made by a program that shares no code with this.

use std::path::Path;

use gladhand_documents::json::Document;
use gladhand_protocol::proof::webhook::{self, Headers, WebhookKey};
use gladhand_protocol::tender::history;
use gladhand_protocol::tender::ids::{Scope, idempotency_key, tender_id};

fn vectors() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/derivation.json");
    Document::parse(std::fs::read(path).unwrap()).unwrap()
}

/// Every element of an array, as a document of its own.
fn each(document: &Document, pointer: &str) -> Vec<Document> {
    let items: Vec<_> =
        document.at(pointer).unwrap().items().map(|item| Document::parse(item.raw()).unwrap()).collect();
    assert!(!items.is_empty() || pointer == "/events", "{pointer} has no case");
    items
}

#[test]
fn tender_ids_and_idempotency_keys() {
    let vectors = vectors();
    for case in each(&vectors, "/tenderIds").iter().chain(&each(&vectors, "/idempotencyKeys")) {
        let text = |name: &str| case.text(&format!("/{name}")).unwrap_or_default();
        let (environment, tenant, carrier) = (text("environment"), text("tenant"), text("carrier"));
        let scope = Scope { environment: &environment, tenant: &tenant, carrier: &carrier };
        if let Some(attempt) = case.integer("/attempt") {
            assert_eq!(tender_id(&scope, &text("loadId"), u32::try_from(attempt).unwrap()), text("tenderId"));
        } else {
            assert_eq!(idempotency_key(&scope, &text("operation"), &text("operationId")), text("key"));
        }
    }
}

#[test]
fn history_digests() {
    for case in each(&vectors(), "/histories") {
        let mut digest = history::start(&case.text("/tenderId").unwrap());
        assert_eq!(Some(history::hex(&digest)), case.text("/digests/0"));
        for (place, event) in each(&case, "/events").iter().enumerate() {
            let number = place + 1;
            let bytes = event.text("").unwrap();
            digest = history::extend(&digest, number as u64, &history::digest(bytes.as_bytes()));
            assert_eq!(Some(history::hex(&digest)), case.text(&format!("/digests/{number}")));
        }
    }
}

#[test]
fn webhook_signatures() {
    for case in each(&vectors(), "/webhooks") {
        let text = |name: &str| case.text(&format!("/{name}")).unwrap();
        let (id, body, signature) = (text("id"), text("body"), text("signature"));
        let now = case.integer("/timestamp").unwrap();
        let timestamp = now.to_string();
        let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
        let keys = [WebhookKey::parse("k", &text("publicKey")).unwrap()];
        assert_eq!(webhook::verify(headers, body.as_bytes(), &keys, now).unwrap().id, id);
        assert!(webhook::verify(headers, format!("{body} ").as_bytes(), &keys, now).is_err());
        assert!(webhook::verify(Headers { id: "evt-9", ..headers }, body.as_bytes(), &keys, now).is_err());
    }
}
