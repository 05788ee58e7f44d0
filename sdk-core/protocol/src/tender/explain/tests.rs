//! What the vectors do not show (`conformance/vectors/eligibility.json` has every constraint): wording, the error that
//! keeps a load at home, and inputs that are no documents of the contract.

use super::*;

const OFFER: &str = r#"{"capacityId":"aurora-12345","vehicleType":"tractor-std","autonomyLevel":"L4",
"availableWindow":{"start":"2026-02-20T08:00:00Z","end":"2026-02-20T20:00:00Z"},
"route":[{"from":{"lat":41.8781,"lon":-87.6298},"to":{"lat":34.0522,"lon":-118.2437}}],
"constraints":{"maxWeightLbs":80000,"hazmat":false},"rate":{"currency":"USD","amount":1250.00}}"#;

const LOAD: &str = r#"{"loadId":"L-1","capacityId":"aurora-12345",
"stops":[{"appointment":{"start":"2026-02-20T09:00:00-06:00","end":"2026-02-20T11:00:00-06:00"}}],
"commodities":[{"description":"Paper","weight":{"value":40000,"unit":"lb"}}],
"equipmentRequired":{"trailerType":"van"}}"#;

fn at() -> Timestamp {
    "2026-02-20T06:00:00Z".parse().unwrap()
}

fn offer() -> Document {
    Document::parse(OFFER).unwrap()
}

fn load() -> Document {
    Document::parse(LOAD).unwrap()
}

#[test]
fn an_assumption_is_shown_and_an_eligible_load_is_not_refused() {
    let answer = explain(&load(), &offer(), at(), ASSUMED_TARE_LBS).unwrap();
    assert_eq!(answer.text("/verdict").as_deref(), Some("eligible"), "{}", answer.as_str());
    assert!(answer.as_str().contains("80000 lb gross less 35000 lb assumed tare"));
    assert!(refusal(&answer).is_none());
}

#[test]
fn a_refusal_has_the_code_of_the_first_check_and_names_all() {
    let heavy = load().patch("/commodities/0/weight/value", "50000").unwrap();
    let heavy = heavy.patch("/commodities/0/hazmat", r#"{"hazardClass":"3"}"#).unwrap();
    let answer = explain(&heavy, &offer(), at(), ASSUMED_TARE_LBS).unwrap();
    let error = refusal(&answer).unwrap();
    assert_eq!(error.code(), Code::WeightExceeded);
    let found: Vec<_> = error.violations().iter().map(|v| (v.path.as_str(), v.code.as_str())).collect();
    assert_eq!(found, [("/commodities", "weight_exceeded"), ("/commodities/0/hazmat", "hazmat_not_permitted")]);
    assert!(error.violations().iter().all(|v| v.message.ends_with('.')), "each says what to do");
}

#[test]
fn an_offer_that_is_none_is_an_error_and_a_load_that_is_none_a_no() {
    assert!(explain(&load(), &Document::object(), at(), ASSUMED_TARE_LBS).is_err());
    let nothing = explain(&Document::object(), &offer(), at(), ASSUMED_TARE_LBS).unwrap();
    assert_eq!(nothing.text("/verdict").as_deref(), Some("unknown"));
    model::validate(model::sdk::Eligibility::entity(), &nothing).unwrap();
}
