//! Walks a document along its descriptor and collects every broken rule with its JSON Pointer.

use std::fmt;

use rust_decimal::Decimal;

use super::{Entity, Kind};
use crate::error::{Code, Error, Result, Violation};
use crate::json::{Document, Value, escape};
use crate::time;

/// Checks a document. Error: the code of the first broken contract rule, or `schema_invalid`, with all violations.
pub fn validate(entity: &Entity, document: &Document) -> Result<()> {
    let found = violations(entity, document);
    if found.is_empty() {
        return Ok(());
    }
    let code = found.iter().find_map(|v| Code::parse(&v.code)).unwrap_or(Code::SchemaInvalid);
    let structural = found.iter().any(|v| Code::parse(&v.code).is_none());
    Err(Error::invalid(if structural { Code::SchemaInvalid } else { code }, entity.name, found))
}

/// Extensions of one document larger than this are refused, in bytes: `ext`, and top-level members that this version
/// does not know (contract 3a).
const MAX_EXTENSION_BYTES: usize = 64 << 10;

/// Every broken rule, in document order.
pub fn violations(entity: &Entity, document: &Document) -> Vec<Violation> {
    let mut out = Vec::new();
    object(entity, document.root(), At::ROOT, &mut out);
    extensions(entity, document.root(), &mut out);
    out
}

/// What the document says beyond the contract: bounded in size, and `ext` by namespace (contract 3a).
fn extensions(entity: &Entity, root: Value<'_>, out: &mut Vec<Violation>) {
    let beyond = root.members().filter(|(name, _)| *name == "ext" || entity.member(name).is_none());
    let bytes: usize = beyond.map(|(name, value)| name.len() + value.raw().len()).sum();
    if bytes > MAX_EXTENSION_BYTES {
        let why = format!("must have at most {MAX_EXTENSION_BYTES} bytes of extensions, has {bytes}");
        push(out, "", Code::TooLarge.as_str(), why);
    }
    let Some(ext) = root.get("ext").filter(|_| entity.member("ext").is_some()) else { return };
    if !ext.is_object() {
        push(out, "/ext", "type", "must be an object of namespaces");
    }
    for (name, value) in ext.members() {
        let at = format!("/ext/{}", escape(name));
        if !name.contains('.') {
            push(out, &at, "namespace", "must be named after a domain, such as com.mcleod");
        } else if !value.is_object() {
            push(out, &at, "type", "must be an object");
        }
    }
}

/// The pointers of `mustUnderstand` (contract 3a) that this version does not know.
pub fn not_understood(entity: &Entity, document: &Document) -> Vec<String> {
    let Some(list) = document.at("/mustUnderstand") else { return Vec::new() };
    list.items()
        .filter_map(|item| item.text().map(std::borrow::Cow::into_owned))
        .filter(|p| !knows(entity, p))
        .collect()
}

fn knows(entity: &Entity, pointer: &str) -> bool {
    let Some(path) = pointer.strip_prefix('/') else { return false };
    let mut kind = Kind::Any;
    let mut current = Some(entity);
    for token in path.split('/') {
        if let Kind::List { of, .. } = kind {
            kind = *of;
        } else {
            let Some(member) = current.and_then(|e| e.member(token)) else { return false };
            kind = member.kind.clone();
        }
        current = if let Kind::Object(next) = kind { Some(next()) } else { None };
    }
    true
}

fn push(out: &mut Vec<Violation>, path: impl fmt::Display, code: &str, message: impl Into<String>) {
    out.push(Violation { path: path.to_string(), code: code.to_owned(), message: message.into() });
}

/// The way to a value. Written out only where something is wrong with it, or a rule wants it.
#[derive(Clone, Copy)]
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Element(usize),
}

impl<'a> At<'a> {
    const ROOT: Self = Self { above: None, step: Step::Root };

    fn member(&'a self, name: &'a str) -> Self {
        Self { above: Some(self), step: Step::Member(name) }
    }

    fn element(&'a self, position: usize) -> Self {
        Self { above: Some(self), step: Step::Element(position) }
    }
}

impl fmt::Display for At<'_> {
    /// As a JSON Pointer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) => write!(f, "/{}", escape(name)),
            Step::Element(position) => write!(f, "/{position}"),
        }
    }
}

fn object(entity: &Entity, value: Value<'_>, path: At<'_>, out: &mut Vec<Violation>) {
    if !value.is_object() {
        push(out, path, "type", format!("must be an object ({})", entity.name));
        return;
    }
    let before = out.len();
    for member in &entity.members {
        let at = path.member(member.name);
        match value.get(member.name) {
            Some(value) => check(&member.kind, value, at, out),
            None if member.required => push(out, at, "required", "is required"),
            None => {}
        }
    }
    // Rules across members may then take each member's own shape for granted.
    if out.len() == before && !entity.rules.is_empty() {
        let path = path.to_string();
        for rule in &entity.rules {
            rule(value, &path, out);
        }
    }
}

fn check(kind: &Kind, value: Value<'_>, path: At<'_>, out: &mut Vec<Violation>) {
    match kind {
        Kind::Text { max } => string(value, path, out, |text, out| {
            if text.chars().count() > *max as usize {
                push(out, path, "too_long", format!("must have at most {max} characters"));
            }
        }),
        Kind::Id { max } => string(value, path, out, |text, out| {
            let fits = !text.is_empty()
                && text.len() <= *max as usize
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
            if !fits {
                push(out, path, "pattern", format!("must be 1 to {max} of A-Z a-z 0-9 . _ : -"));
            }
        }),
        Kind::Pattern { name, matches, .. } => string(value, path, out, |text, out| {
            if !matches(text) {
                push(out, path, "pattern", format!("must be a {name}"));
            }
        }),
        Kind::Instant => string(value, path, out, |text, out| {
            if let Err(why) = time::parse_instant(text) {
                push(out, path, "instant", why);
            }
        }),
        Kind::Zone => string(value, path, out, |text, out| {
            if !time::zone_exists(text) {
                push(out, path, "time_zone", "must be an IANA time zone such as America/Chicago");
            }
        }),
        Kind::Integer { min, max } => match value.number().and_then(|n| n.parse::<i64>().ok()) {
            Some(number) if (*min..=*max).contains(&number) => {}
            Some(_) => push(out, path, "range", format!("must be from {min} to {max}")),
            None => push(out, path, "type", format!("must be an integer from {min} to {max}")),
        },
        Kind::Decimal { places, min, max, exclusive, .. } => {
            decimal(value, *places, (*min, *max), *exclusive, path, out);
        }
        Kind::Flag => {
            if value.boolean().is_none() {
                push(out, path, "type", "must be true or false");
            }
        }
        Kind::Choice { values, open, .. } => string(value, path, out, |text, out| {
            if !open && !values.contains(&text) {
                push(out, path, "enum", format!("must be one of {}", values.join(", ")));
            }
        }),
        Kind::Object(entity) => object(entity(), value, path, out),
        Kind::List { of, min, max } => {
            if !value.is_array() {
                push(out, path, "type", "must be an array");
                return;
            }
            if !(*min..=*max).contains(&value.len()) {
                push(out, path, "count", format!("must have {min} to {max} elements, has {}", value.len()));
            }
            for (position, item) in value.items().enumerate() {
                check(of, item, path.element(position), out);
            }
        }
        Kind::Any => {}
    }
}

fn string(value: Value<'_>, path: At<'_>, out: &mut Vec<Violation>, then: impl FnOnce(&str, &mut Vec<Violation>)) {
    match value.text() {
        Some(text) => then(&text, out),
        None => push(out, path, "type", "must be a string"),
    }
}

fn decimal(
    value: Value<'_>,
    places: u32,
    (min, max): (i64, i64),
    exclusive: bool,
    path: At<'_>,
    out: &mut Vec<Violation>,
) {
    let Some(lexeme) = value.number().map(std::borrow::Cow::Borrowed).or_else(|| value.text()) else {
        push(out, path, "type", "must be a decimal number");
        return;
    };
    let digits = lexeme.strip_prefix('-').unwrap_or(&lexeme);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
        push(out, path, "decimal", "must be plain digits with an optional fraction, without an exponent");
        return;
    }
    if digits.contains('.') && fraction.len() > places as usize {
        push(out, path, "precision", format!("must have at most {places} digits after the point"));
        return;
    }
    let (low, high) = (Decimal::from(min), Decimal::from(max));
    let within = |d: Decimal| if exclusive { low < d && d < high } else { low <= d && d <= high };
    if !Decimal::from_str_exact(&lexeme).is_ok_and(within) {
        let between = if exclusive { "between" } else { "from" };
        let and = if exclusive { "and" } else { "to" };
        push(out, path, "range", format!("must be {between} {min} {and} {max}"));
    }
}
