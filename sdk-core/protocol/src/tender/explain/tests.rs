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

fn run(load: &Document, offer: &Document) -> Document {
    let answer = explain(load, offer, at(), ASSUMED_TARE_LBS).unwrap();
    model::validate(model::sdk::Eligibility::entity(), &answer).unwrap();
    answer
}

fn verdict(load: &Document, offer: &Document) -> String {
    run(load, offer).text("/verdict").unwrap()
}

#[track_caller]
fn refused(load: &Document, offer: &Document, code: Code) {
    let answer = run(load, offer);
    let error = refusal(&answer).unwrap_or_else(|| panic!("{}", answer.as_str()));
    assert_eq!(error.code(), code, "{answer:?} {error}");
}

#[test]
fn the_canonical_offer_takes_an_ordinary_load() {
    let answer = run(&load(), &offer());
    assert_eq!(answer.text("/verdict").as_deref(), Some("eligible"), "{}", answer.as_str());
    assert!(answer.as_str().contains("35000 lb assumed tare"), "an assumption is shown");
    assert!(refusal(&answer).is_none());
}

#[test]
fn weight_counts_what_the_basis_says() {
    let heavy = |weight: &str| load().patch("/commodities/0/weight", weight).unwrap();
    assert_eq!(verdict(&heavy(r#"{"value":45000,"unit":"lb"}"#), &offer()), "eligible");
    refused(&heavy(r#"{"value":45001,"unit":"lb"}"#), &offer(), Code::WeightExceeded);
    // 20411.66 kg is 45000.0139 lb: rounded up, it is too much.
    refused(&heavy(r#"{"value":"20411.66","unit":"kg"}"#), &offer(), Code::WeightExceeded);
    let cargo = offer().with_text("/constraints/weightBasis", "cargo").unwrap();
    assert_eq!(verdict(&heavy(r#"{"value":80000,"unit":"lb"}"#), &cargo), "eligible");
    assert_eq!(verdict(&heavy(r#"{"value":1,"unit":"stone"}"#), &offer()), "unknown");
    let none = explain(&load(), &offer(), at(), 0).unwrap();
    assert_eq!(none.text("/verdict").as_deref(), Some("unknown"), "without any tare the verdict is a no");
    assert_eq!(refusal(&none).unwrap().code(), Code::WeightExceeded);
    let odd = offer().with_text("/constraints/weightBasis", "axle").unwrap();
    assert_eq!(verdict(&load(), &odd), "unknown", "an unknown basis fails closed");
}

#[test]
fn every_constraint_can_say_no() {
    let haz = load().patch("/commodities/0/hazmat", r#"{"hazardClass":"3"}"#).unwrap();
    refused(&haz, &offer(), Code::HazmatNotPermitted);
    let some = offer().patch("/constraints/hazmat", "true").unwrap();
    assert_eq!(verdict(&haz, &some), "eligible");
    refused(&haz, &some.patch("/constraints/hazmatClasses", r#"["8"]"#).unwrap(), Code::HazmatNotPermitted);

    let reefer = offer().patch("/equipment", r#"{"trailerTypes":["reefer"]}"#).unwrap();
    refused(&load(), &reefer, Code::EquipmentMismatch);
    let tractor = offer().patch("/equipment", r#"{"provides":"tractor_only"}"#).unwrap();
    refused(&load(), &tractor, Code::EquipmentMismatch);

    let taken = offer().with_text("/status", "committed").unwrap();
    refused(&load(), &taken, Code::CapacityCommitted);
    refused(&load(), &offer().with_text("/status", "pondering").unwrap(), Code::CapacityCommitted);

    let late = load().with_text("/stops/0/appointment/start", "2026-02-21T09:00:00-06:00").unwrap();
    let late = late.with_text("/stops/0/appointment/end", "2026-02-21T11:00:00-06:00").unwrap();
    refused(&late, &offer(), Code::WindowOutsideOffer);

    let inspected = offer()
        .patch("/constraints/inspection", r#"{"scheme":"CVSA_ECMV","validUntil":"2026-02-20T10:00:00Z"}"#)
        .unwrap();
    refused(&load(), &inspected, Code::InspectionExpired);

    let driverless = load().patch("/requirements", r#"{"autonomousRequired":"required"}"#).unwrap();
    assert_eq!(verdict(&driverless, &offer()), "eligible");
    let supervised = offer().patch("/autonomy", r#"{"supervised":true}"#).unwrap();
    refused(&driverless, &supervised, Code::OddIneligible);

    let lead = offer().patch("/constraints/minLeadTimeMin", "720").unwrap();
    assert_eq!(verdict(&load(), &lead), "ineligible");
    let restricted = offer().patch("/constraints/cargoRestrictions", r#"{"forbidden":["paper"]}"#).unwrap();
    refused(&load(), &restricted, Code::OddIneligible);
    let newer = offer().patch("/mustUnderstand", r#"["/noBridges"]"#).unwrap();
    refused(&load(), &newer, Code::NotUnderstood);
}

#[test]
fn hours_of_operation_follow_the_zone_and_cross_midnight() {
    let hours = |days: &str, from: &str, to: &str| {
        let entry =
            format!(r#"[{{"days":[{days}],"startLocal":"{from}","endLocal":"{to}","timeZone":"America/Chicago"}}]"#);
        offer().patch("/constraints/hoursOfOperation", &entry).unwrap()
    };
    // 2026-02-20 is a Friday; the pickup is from 09:00 to 11:00 in Chicago.
    assert_eq!(verdict(&load(), &hours(r#""fri""#, "10:00", "18:00")), "eligible");
    assert_eq!(verdict(&load(), &hours(r#""fri""#, "12:00", "18:00")), "ineligible");
    assert_eq!(verdict(&load(), &hours(r#""thu""#, "22:00", "09:30")), "eligible");
    assert_eq!(verdict(&load(), &hours(r#""thu""#, "22:00", "08:00")), "ineligible");
    assert_eq!(verdict(&load(), &hours(r#""fri""#, "00:00", "00:00")), "eligible", "equal ends mean 24 hours");
}

#[test]
fn an_offer_that_is_none_is_an_error() {
    assert!(explain(&load(), &Document::object(), at(), ASSUMED_TARE_LBS).is_err());
}
