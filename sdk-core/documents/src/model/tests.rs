use super::capacity::{CapacityOffer, Rate};
use super::*;
use crate::error::Code;

/// The brief's example, verbatim (contract, first page; vector CAP-001).
const CANONICAL: &str = include_str!("../../../../conformance/vectors/documents/CAP-001.json");

#[test]
fn the_canonical_offer_is_valid_and_reads() {
    let offer = CapacityOffer::parse(CANONICAL).unwrap();
    assert_eq!(offer.capacity_id().unwrap(), "aurora-12345");
    assert_eq!(offer.rate().unwrap().amount().unwrap().lexeme(), "1250.00");
    assert_eq!(offer.route().unwrap()[0].to().unwrap().lon().unwrap().lexeme(), "-118.2437");
    assert_eq!(offer.constraints().unwrap().hazmat(), Some(false));
    assert_eq!(offer.document().as_str(), CANONICAL);
}

#[test]
fn setting_a_member_keeps_every_other_byte() {
    let mut offer = CapacityOffer::parse(CANONICAL).unwrap();
    let mut rate: Rate = offer.rate().unwrap();
    rate.set_amount("1300.00");
    offer.set_rate(rate);
    assert_eq!(offer.document().as_str(), CANONICAL.replace("1250.00", "1300.00"));
}

#[test]
fn violations_name_pointer_and_rule() {
    let bad = CANONICAL.replace("\"L4\"", "\"L2.5\"").replace("41.8781", "91").replace("1250.00", "1.25e3");
    let error = CapacityOffer::parse(&bad).unwrap_err();
    assert_eq!(error.code(), Code::SchemaInvalid);
    let found: Vec<_> = error.violations().iter().map(|v| (v.path.as_str(), v.code.as_str())).collect();
    assert_eq!(found, [("/autonomyLevel", "enum"), ("/route/0/from/lat", "range"), ("/rate/amount", "decimal")]);
}

#[test]
fn contract_rules_keep_their_code() {
    let bad = CANONICAL.replace("\"USD\"", "\"XXX\"");
    assert_eq!(CapacityOffer::parse(&bad).unwrap_err().code(), Code::CurrencyUnknown);
}

#[test]
fn must_understand_knows_nested_members() {
    let entity = tender::LoadTender::entity();
    let document =
        Document::parse(r#"{"mustUnderstand":["/synthetic","/commodities/0/temp","/noDetour","/ext"]}"#).unwrap();
    assert_eq!(not_understood(entity, &document), ["/noDetour"]);
}

#[test]
fn every_entity_has_its_own_name_and_documented_members() {
    let mut names = std::collections::HashSet::new();
    for entity in all() {
        assert!(names.insert(entity.name), "{} is declared twice", entity.name);
        assert!(!entity.doc.trim().is_empty());
        assert!(entity.members.iter().all(|member| !member.doc.trim().is_empty()));
    }
}
