//! Changing one value and nothing else: splices on the text, parsed again so that the result is a document too.

use super::{Document, Value, escape, quote, unescape};
use crate::error::{Code, Error, Result};

pub(super) fn set(document: &Document, pointer: &str, raw: &str) -> Result<Document> {
    Document::parse(raw)?;
    let raw = raw.trim_matches([' ', '\t', '\r', '\n']);
    if let Some(value) = document.at(pointer) {
        let (start, end) = value.span();
        return splice(document, start, end, raw);
    }
    let (parent, token) = split(pointer)?;
    let Some(target) = document.at(parent) else {
        // The parent is missing too: add it as an object that holds the value.
        return set(document, parent, &format!("{{{}:{raw}}}", quote(&token)));
    };
    let start = target.span().0;
    if target.is_object() {
        let member = format!("{}:{raw}", quote(&token));
        return match target.members().last() {
            Some((_, last)) => splice(document, last.span().1, last.span().1, &format!(",{member}")),
            // Inside the braces, so that white space between them stays.
            None => splice(document, start + 1, start + 1, &member),
        };
    }
    if target.is_array() && (token == "-" || token == target.len().to_string()) {
        return match target.items().last() {
            Some(last) => splice(document, last.span().1, last.span().1, &format!(",{raw}")),
            None => splice(document, start + 1, start + 1, raw),
        };
    }
    Err(Error::new(Code::InvalidArgument, format!("{pointer:?} leads to no object or array of the document")))
}

pub(super) fn defaults(document: &Document, members: &[(&str, String)]) -> Result<Document> {
    let root = document.root();
    if !root.is_object() {
        return Err(Error::new(Code::InvalidArgument, "the document is no object"));
    }
    let mut missing = String::new();
    for (name, raw) in members.iter().filter(|(name, _)| root.get(name).is_none()) {
        let comma = if root.is_empty() && missing.is_empty() { "" } else { "," };
        missing.extend([comma, &quote(name), ":", raw]);
    }
    if missing.is_empty() {
        return Ok(document.clone());
    }
    let at = root.members().last().map_or(root.span().0 + 1, |(_, last)| last.span().1);
    splice(document, at, at, &missing)
}

pub(super) fn remove(document: &Document, pointer: &str) -> Result<Document> {
    let Some(value) = document.at(pointer) else { return Ok(document.clone()) };
    let (parent, token) = split(pointer)?;
    let Some(target) = document.at(parent) else { return Ok(document.clone()) };
    let siblings: Vec<Value<'_>> =
        if target.is_object() { target.members().map(|(_, value)| value).collect() } else { target.items().collect() };
    let Some(place) = siblings.iter().position(|sibling| sibling.span() == value.span()) else {
        return Err(Error::new(Code::InvalidArgument, format!("{:?} cannot be removed", escape(&token))));
    };
    if place > 0 {
        return splice(document, siblings[place - 1].span().1, value.span().1, "");
    }
    let open = target.span().0 + 1;
    if siblings.len() == 1 {
        return splice(document, open, target.span().1 - 1, "");
    }
    // The first of several: up to and with the comma that follows it.
    let after = value.span().1;
    let comma = document.as_str()[after..].find(',').map_or(after, |at| after + at + 1);
    splice(document, open, comma, "")
}

fn split(pointer: &str) -> Result<(&str, String)> {
    let cut = pointer
        .rfind('/')
        .ok_or_else(|| Error::new(Code::InvalidArgument, format!("{pointer:?} is no JSON Pointer to a member")))?;
    Ok((&pointer[..cut], unescape(&pointer[cut + 1..]).into_owned()))
}

fn splice(document: &Document, start: usize, end: usize, with: &str) -> Result<Document> {
    let text = document.as_str();
    let mut out = String::with_capacity(text.len() + with.len());
    out.push_str(&text[..start]);
    out.push_str(with);
    out.push_str(&text[end..]);
    Document::parse(out)
}
