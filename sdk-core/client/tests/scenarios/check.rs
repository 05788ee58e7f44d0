//! What must hold for an answer.

use gladhand::{Document, Error};
use gladhand_documents::json::Value;

use crate::vectors;

/// Checks every expectation of a step.
pub(crate) fn answer(step: &Document, answer: &Document) -> Result<(), String> {
    for expectation in step.at("/expect").into_iter().flat_map(Value::items) {
        let pointer = text(expectation, "pointer").unwrap_or_default();
        let places = spread(answer, &pointer);
        let holds = if let Some(present) = expectation.get("present").and_then(Value::boolean) {
            places.iter().any(|place| answer.at(place).is_some()) == present
        } else {
            places.iter().filter_map(|place| answer.at(place)).any(|value| one(expectation, value))
        };
        if !holds {
            let found: Vec<&str> = places.iter().filter_map(|place| answer.at(place)).map(Value::raw).collect();
            return Err(format!("{} does not hold; there is {found:?} in {}", expectation.raw(), answer.as_str()));
        }
    }
    Ok(())
}

fn one(expectation: Value<'_>, value: Value<'_>) -> bool {
    if let Some(wanted) = expectation.get("equals") {
        same(wanted, value)
    } else if let Some(choices) = expectation.get("oneOf") {
        choices.items().any(|wanted| same(wanted, value))
    } else if let Some(count) = expectation.get("count") {
        count.number() == Some(&value.len().to_string())
    } else if let Some(file) = text(expectation, "bytesOf") {
        let bytes = std::fs::read_to_string(vectors().join(file)).expect("the file of bytesOf");
        bytes.trim() == value.raw()
    } else {
        panic!("{} checks nothing", expectation.raw());
    }
}

fn same(wanted: Value<'_>, value: Value<'_>) -> bool {
    match (wanted.text(), value.text()) {
        (Some(wanted), Some(value)) => wanted == value,
        (None, None) => wanted.raw() == value.raw(),
        _ => false,
    }
}

/// The pointers that one with `*` stands for.
fn spread(answer: &Document, pointer: &str) -> Vec<String> {
    let Some((before, after)) = pointer.split_once("/*") else { return vec![pointer.to_owned()] };
    let count = answer.at(before).map_or(0, Value::len);
    (0..count).flat_map(|place| spread(answer, &format!("{before}/{place}{after}"))).collect()
}

/// Checks the failure of a step that must fail.
pub(crate) fn failure(expected: Value<'_>, error: &Error) -> Result<(), String> {
    let code = text(expected, "code").unwrap_or_default();
    let sent = text(expected, "sent").is_none_or(|sent| error.sent_state().as_str() == sent);
    let says = text(expected, "says").is_none_or(|words| error.to_string().contains(&words));
    if error.code().as_str() == code && sent && says {
        return Ok(());
    }
    Err(format!("{} was expected, not {error} ({})", expected.raw(), error.sent_state().as_str()))
}

/// A string member.
pub(crate) fn text(value: Value<'_>, name: &str) -> Option<String> {
    value.get(name)?.text().map(std::borrow::Cow::into_owned)
}
