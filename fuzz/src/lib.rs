//! What must hold for every input, parser by parser: no panic, and no silent change of what was said.
//!
//! `cargo fuzz run <target>` looks for inputs that break it; the test `fuzz_corpus` of gladhand-protocol runs the inputs in
//! `corpus/` through the same functions with the stable compiler.

use std::sync::Arc;

use gladhand_documents::error::{Error, Sent};
use gladhand_documents::json::{Document, Value, quote};
use gladhand_documents::model::{self, Model as _, capacity::Money, wire::Problem};
use gladhand_documents::telemetry::{Codec, Context, SensorDef, SensorKind, batch as columns, frame as frames};
use gladhand_documents::{money as currencies, time};
use gladhand_protocol::proof::webhook::{Headers, WebhookKey, verify};
use gladhand_protocol::tender::answer;
use gladhand_protocol::tender::event::Incoming;
use gladhand_protocol::tender::explain;
use rust_decimal::Decimal;

/// The input cut at its first `count` zero bytes; inputs with fewer are passed over.
fn parts<const COUNT: usize>(data: &[u8]) -> Option<[&[u8]; COUNT]> {
    let mut cut = data.splitn(COUNT, |byte| *byte == 0);
    let mut out = [&[][..]; COUNT];
    for part in &mut out {
        *part = cut.next()?;
    }
    Some(out)
}

/// A document keeps its bytes, and every value stands where its pointer says.
pub fn document(data: &[u8]) {
    let Ok(document) = Document::parse(data) else { return };
    assert_eq!(document.as_bytes(), data);
    walk(document.root(), 1);
}

fn walk(value: Value<'_>, depth: usize) {
    assert!(depth <= 32);
    let raw = Document::parse(value.raw()).expect("a value is a document of its own");
    assert_eq!(raw.root().raw(), value.raw());
    let mut seen = std::collections::HashSet::new();
    for (name, inner) in value.members() {
        assert!(seen.insert(name.to_owned()), "{name} twice");
        assert_eq!(value.get(name).map(Value::raw), Some(inner.raw()));
        walk(inner, depth + 1);
    }
    for inner in value.items() {
        walk(inner, depth + 1);
    }
    if let Some(text) = value.text() {
        assert_eq!(Document::parse(quote(&text)).expect("a string").text("").as_deref(), Some(&*text));
    }
}

/// Validation names places that exist or are missing from one that does, and says the same twice. The first byte chooses
/// the entity.
pub fn entities(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else { return };
    let Ok(document) = Document::parse(text) else { return };
    let all = model::all();
    let entity = all[usize::from(*choice) % all.len()];
    let found = model::violations(entity, &document);
    assert_eq!(found, model::violations(entity, &document));
    assert_eq!(found.is_empty(), model::validate(entity, &document).is_ok());
    for violation in found {
        let parent = violation.path.rfind('/').map_or("", |cut| &violation.path[..cut]);
        let stands = document.at(&violation.path).is_some() || document.at(parent).is_some();
        // The members of a command's params may be missing together with them.
        let above = parent.rfind('/').map_or("", |cut| &parent[..cut]);
        assert!(stands || document.at(above).is_some(), "{} leads nowhere", violation.path);
    }
    let _ = model::not_understood(entity, &document);
    assert_eq!(document.as_bytes(), text);
}

/// What is taken for money is a decimal of its own digits; writing it rounds half to even, once.
pub fn money(data: &[u8]) {
    let Some([currency, amount]) = parts(data) else { return };
    let (Ok(currency), Ok(amount)) = (std::str::from_utf8(currency), std::str::from_utf8(amount)) else { return };
    for amount in [quote(amount), amount.to_owned()] {
        let text = format!(r#"{{"currency":{},"amount":{amount}}}"#, quote(currency));
        let Ok(money) = Money::parse(&text) else { continue };
        let number = money.amount().expect("it is required");
        let value = number.decimal().expect("valid money is a decimal");
        assert!(value.abs() < Decimal::from(1_000_000_000_000_i64));
        assert!(!number.lexeme().contains(['e', 'E', '+']));
        let digits = currencies::minor_digits(currency).expect("valid money has a known currency");
        let written = currencies::format(value, currency);
        let read = Decimal::from_str_exact(&written).expect("what is written is a decimal");
        assert_eq!(read, currencies::round(value, currency));
        assert_eq!(written.split_once('.').map_or(0, |(_, fraction)| fraction.len()), digits as usize);
        assert_eq!(currencies::format(read, currency), written);
        assert_eq!(money.document().as_str(), text);
    }
}

/// An instant that is taken is the same instant when it is written and read again; an offset is that of a zone.
pub fn instants(data: &[u8]) {
    let Some([instant, zone]) = parts(data) else { return };
    let (Ok(instant), Ok(zone)) = (std::str::from_utf8(instant), std::str::from_utf8(zone)) else { return };
    let parsed = time::parse_instant(instant);
    if let Ok(parsed) = parsed {
        let written = time::format_instant(parsed);
        assert_eq!(time::parse_instant(&written), Ok(parsed));
        assert!(written.ends_with('Z'));
    }
    if time::check_offset(instant, zone).is_ok() {
        assert!(parsed.is_ok() && time::zone_exists(zone));
    }
}

/// An event that is taken says everything once, and its digest is of its bytes.
pub fn event(data: &[u8]) {
    let Ok(event) = Incoming::parse(data) else { return };
    assert_eq!(event.document.as_bytes(), data);
    assert!(event.sequence > 0);
    assert_eq!(event.digest, gladhand_protocol::tender::history::digest(data));
    assert!(event.source.ends_with(&event.tender_id));
    let _ = (event.step(), event.safety(), event.from_base("https://carrier.test"));
}

/// Nobody signs with a key that he does not have.
pub fn webhook(data: &[u8]) {
    let Some([id, timestamp, signature, body]) = parts(data) else { return };
    let field = |name: &str, value: &[u8]| (name.to_owned(), String::from_utf8_lossy(value).into_owned());
    let fields =
        [field("Webhook-Id", id), field("webhook-timestamp", timestamp), field("WEBHOOK-SIGNATURE", signature)];
    let Ok(headers) = Headers::find(&fields) else { return };
    // The public key of RFC 8032, test 1.
    let key = WebhookKey::parse("k", "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").expect("a key");
    for now in [0, 1_771_594_212, i64::MIN, i64::MAX] {
        assert!(verify(headers, body, std::slice::from_ref(&key), now).is_err());
    }
}

/// A patch changes the value at its pointer and no other byte; a removal leaves the siblings as they are.
pub fn patch(data: &[u8]) {
    let Some([text, pointer, raw]) = parts(data) else { return };
    let (Ok(document), Ok(pointer), Ok(raw)) =
        (Document::parse(text), std::str::from_utf8(pointer), std::str::from_utf8(raw))
    else {
        return;
    };
    let before = document.at(pointer).map(|value| value.raw().to_owned());
    if let Ok(patched) = document.patch(pointer, raw) {
        let wanted = raw.trim_matches([' ', '\t', '\r', '\n']);
        if !pointer.split('/').any(|token| token == "-") {
            assert_eq!(patched.at(pointer).map(Value::raw), Some(wanted), "the value stands there now");
        }
        let (old, new) = (document.as_str(), patched.as_str());
        let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let reversed = |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
        // Everything before and after one place is untouched: what is common at both ends covers the rest of the old text.
        let replaced = before.as_ref().map_or(0, String::len);
        assert!(same(old, new) + reversed(old, new) + replaced >= old.len(), "more than one place changed");
        if let Some(before) = &before {
            let back = patched.patch(pointer, before).expect("the way back");
            assert_eq!(back.as_str(), old, "and back again");
        }
    }
    if let Ok(removed) = document.remove(pointer) {
        match &before {
            None => assert_eq!(removed.as_str(), document.as_str()),
            Some(_) => siblings(&document, &removed, pointer),
        }
    }
}

/// What stood beside a removed member stands there still, byte for byte.
fn siblings(document: &Document, removed: &Document, pointer: &str) {
    let Some(cut) = pointer.rfind('/') else { return };
    let (Some(old), Some(new)) = (document.at(&pointer[..cut]), removed.at(&pointer[..cut])) else { return };
    let gone = document.at(pointer).map(Value::raw);
    let all = |value: Value<'_>| -> Vec<String> {
        if value.is_object() {
            value.members().map(|(name, inner)| format!("{name}:{}", inner.raw())).collect()
        } else {
            value.items().map(|inner| inner.raw().to_owned()).collect()
        }
    };
    let (old, new) = (all(old), all(new));
    assert_eq!(new.len() + 1, old.len());
    let mut rest = new.iter().peekable();
    let skipped: Vec<&String> =
        old.iter().filter(|entry| if rest.peek() == Some(entry) { rest.next().is_none() } else { true }).collect();
    assert!(rest.next().is_none() && skipped.len() == 1, "{gone:?} left more than itself behind");
}

/// A problem never proves more than it says: absence needs the tender's own id and an epoch.
pub fn problem(data: &[u8]) {
    let Ok(document) = Document::parse(data) else { return };
    let known = document.text("/code").and_then(|code| gladhand_documents::error::Code::parse(&code));
    let valid = model::validate(Problem::entity(), &document).is_ok();
    let Some(code) = known else { return };
    let error = Error::new(code, "a problem").sent(Sent::Acknowledged).with_problem(document.as_str());
    let _ = (answer::judge(&error), answer::says_existing(&error));
    if let Some(epoch) = answer::absent(&error, "t-1") {
        assert_eq!(document.text("/tenderId").as_deref(), Some("t-1"));
        assert_eq!(document.text("/logEpoch"), Some(epoch));
    }
    assert!(!valid || document.root().is_object());
}

/// Eligibility answers with a valid document for every valid offer, whatever the load is.
pub fn explain(data: &[u8]) {
    let Some([load, offer]) = parts(data) else { return };
    let (Ok(load), Ok(offer)) = (Document::parse(load), Document::parse(offer)) else { return };
    for now in ["2026-02-20T06:00:00Z", "0001-01-01T00:00:00Z", "9999-12-30T22:00:00Z"] {
        let now = now.parse::<jiff::Timestamp>().expect("an instant");
        let Ok(answer) = explain::explain(&load, &offer, now, explain::ASSUMED_TARE_LBS) else { return };
        assert_eq!(model::violations(model::sdk::Eligibility::entity(), &answer), []);
        let eligible = answer.text("/verdict").as_deref() == Some("eligible");
        assert_eq!(eligible, explain::refusal(&answer).is_none());
        let one = answer
            .at("/checks")
            .expect("checks")
            .items()
            .any(|c| c.get("result").and_then(Value::text).as_deref() != Some("eligible"));
        assert_eq!(eligible, !one);
    }
}

/// The most bytes of a frame's payload.
const PAYLOAD: usize = 64 * 1024;

/// A batch that is taken is made of records that give the same records again, and never more rows than a batch may have.
/// Contexts 1 and 2 are known, as those of the golden vector.
pub fn batch(data: &[u8]) {
    let sensor = |number| SensorDef { kind: SensorKind::LIDAR, position: number, name: format!("lidar-{number}") };
    let context = |id: u32| Context {
        vehicle_id: format!("aurora-trk-{id}"),
        sensors: (0..2).map(sensor).collect(),
        ..Context::default()
    };
    let known = [1, 2].map(|id| Arc::new(context(id)));
    let find = |id: u32| known.get((id as usize).wrapping_sub(1)).cloned();
    let Ok(records) = columns::from_bytes(data, find) else { return };
    assert!((1..=columns::MAX_ROWS).contains(&records.len()));
    let ids: Vec<u32> = records.iter().map(|record| if *record.context == *known[0] { 1 } else { 2 }).collect();
    let again = columns::to_bytes(&records, &ids).expect("what was taken can be said again");
    assert_eq!(columns::from_bytes(&again, find).expect("and is taken again"), records);
    // What we write is canonical.
    assert_eq!(columns::to_bytes(&records, &ids).expect("twice"), again);
}

/// A frame as it comes: a byte for the codec, then the payload. It never unfolds beyond the limit.
pub fn frame(data: &[u8]) {
    let Some((codec, payload)) = data.split_first() else { return };
    let codec = Codec::try_from(i32::from(*codec)).unwrap_or(Codec::Unspecified);
    let Ok(payload) = frames::decompress(payload, codec, PAYLOAD) else { return };
    assert!(payload.len() <= PAYLOAD);
    batch(&payload);
}
