//! `conformance/vectors/derivation.json`: names, digests and signatures, made by a program that shares no code with this.

use std::path::Path;

use gladhand_documents::json::Document;
use gladhand_documents::model::{self, Model as _, sdk::Eligibility};
use gladhand_protocol::proof::webhook::{self, Headers, WebhookKey};
use gladhand_protocol::tender::ids::{Scope, idempotency_key, tender_id};
use gladhand_protocol::tender::{explain, history};

fn vectors() -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/derivation.json");
    Document::parse(std::fs::read(path).unwrap()).unwrap()
}

/// Every element of an array, as a document of its own.
fn each(document: &Document, pointer: &str) -> Vec<Document> {
    let items: Vec<_> =
        document.at(pointer).unwrap().items().map(|item| Document::parse(item.raw()).unwrap()).collect();
    assert!(!items.is_empty() || ["/events", "/keys"].contains(&pointer), "{pointer} has no case");
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

/// Rotation, wrong keys, bodies that somebody parsed and wrote again, clocks.
#[test]
fn signatures_as_they_arrive() {
    for case in each(&vectors(), "/signatures") {
        let title = case.text("/title").unwrap();
        let keys: Vec<WebhookKey> =
            each(&case, "/keys").iter().map(|key| WebhookKey::parse("k", &key.text("").unwrap()).unwrap()).collect();
        let fields: Vec<(String, String)> = case
            .at("/headers")
            .unwrap()
            .members()
            .map(|(name, value)| (name.to_owned(), value.text().unwrap().into_owned()))
            .collect();
        let body = case.text("/body").unwrap();
        let found = Headers::find(&fields)
            .and_then(|headers| webhook::verify(headers, body.as_bytes(), &keys, case.integer("/now").unwrap()));
        let outcome = found.map_or_else(|error| error.code().as_str().to_owned(), |verified| verified.id);
        assert_eq!(Some(outcome), case.text("/outcome"), "{title}");
    }
}

/// `conformance/vectors/eligibility.json`: what `explain` says of a load and an offer.
#[test]
fn eligibility() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/eligibility.json");
    let vectors = Document::parse(std::fs::read(path).unwrap()).unwrap();
    let mut verdicts = std::collections::HashMap::new();
    for case in each(&vectors, "/cases") {
        let id = case.text("/id").unwrap();
        let changed = |base: &str, list: &str| {
            let document = vectors.extract(base).unwrap();
            let changes = case.at(list).map(|changes| changes.items().collect::<Vec<_>>()).unwrap_or_default();
            changes.into_iter().fold(document, |document, change| {
                let pointer = change.get("pointer").unwrap().text().unwrap();
                match change.get("value") {
                    Some(value) => document.patch(&pointer, value.raw()).unwrap(),
                    None => document.remove(&pointer).unwrap(),
                }
            })
        };
        let (load, offer) = (changed("/load", "/loadSet"), changed("/offer", "/offerSet"));
        let now = case.text("/at").or_else(|| vectors.text("/at")).unwrap().parse().unwrap();
        let tare = case.integer("/tareLbs").unwrap_or(explain::ASSUMED_TARE_LBS);
        let answer = explain::explain(&load, &offer, now, tare).unwrap_or_else(|e| panic!("{id}: {e}"));
        model::validate(Eligibility::entity(), &answer).unwrap();
        assert_eq!(answer.text("/verdict"), case.text("/verdict"), "{id}: {}", answer.as_str());
        let found: Vec<[String; 4]> = each(&answer, "/checks")
            .iter()
            .map(|check| ["/code", "/constraint", "/load", "/result"].map(|name| check.text(name).unwrap()))
            .collect();
        let failed: Vec<_> = found.iter().filter(|check| check[3] != "eligible").cloned().collect();
        let expected: Vec<[String; 4]> = case
            .at("/failed")
            .unwrap()
            .items()
            .map(|check| {
                ["code", "constraint", "load", "result"]
                    .map(|name| check.get(name).unwrap().text().unwrap().into_owned())
            })
            .collect();
        assert_eq!(failed, expected, "{id}");
        if let Some(codes) = case.at("/checks") {
            let codes: Vec<_> = codes.items().map(|code| code.text().unwrap().into_owned()).collect();
            assert_eq!(found.iter().map(|check| check[0].clone()).collect::<Vec<_>>(), codes, "{id}");
        }
        // What fails says what to do; what is asked again says the same.
        assert!(
            each(&answer, "/checks")
                .iter()
                .all(|c| c.text("/result").as_deref() == Some("eligible") || c.text("/remedy").is_some())
        );
        assert_eq!(explain::explain(&load, &offer, now, tare).unwrap(), answer);
        *verdicts.entry(answer.text("/verdict").unwrap()).or_insert(0) += 1;
    }
    assert!(verdicts.len() == 3 && verdicts.values().all(|count| *count >= 10), "{verdicts:?}");
}
