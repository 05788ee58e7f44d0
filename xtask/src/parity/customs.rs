//! What a language spells or does differently, and why that is its custom; everything else is compared as it is.

/// A name of a language, the name under which it is compared, and why.
const NAMES: &[(&str, &str, &str)] = &[
    // A sequence to read in a task, rather than a callback.
    ("swift", "safety", "onSafety"),
    // A duration has no unit in its name; a number has.
    ("node", "waitMs", "wait"),
    ("node", "leaseS", "lease"),
    ("node", "expiresMs", "expires"),
    ("python", "expiresIn", "expires"),
    // A label is read with the name of its function: `receive(headers:body:)`, `list(tender:)`.
    ("swift", "body", "rawBody"),
    ("swift", "tender", "tenderId"),
];

/// Parameters that only some languages have, by class or operation.
const OWN: &[(&str, &str)] = &[
    // How a callback is told of the end; a sequence throws.
    ("Client.onSafety", "callback"),
    ("Client.onSafety", "onError"),
    // The whole request as a model, beside its members.
    ("Capacity.search", "request"),
    // Python says who asks in which role at once: `requested_by=(who, role)`.
    ("Dispatches", "role"),
];

/// Operations that are no parity's business.
const APART: &[&str] = &[
    // Records come as what is quickest in each language: arguments, columns, documents.
    "Gateway.publish",
    "Gateway.publishRecord",
    "Gateway.publishRecords",
    "Gateway.publishColumns",
    "Gateway.publishDocument",
    // Python connects with the first record, or by `open`.
    "Gateway.connect",
    "Gateway.open",
];

/// The name under which an operation or a parameter of a language is compared.
pub(super) fn name(language: &str, own: &str) -> String {
    let own = camel(own);
    let known = NAMES.iter().find(|(of, spelt, _)| *of == language && *spelt == own);
    known.map_or(own, |(_, _, compared)| (*compared).to_owned())
}

/// Whether an operation is compared at all.
pub(super) fn compared(class: &str, operation: &str) -> bool {
    !APART.contains(&format!("{class}.{operation}").as_str())
}

/// Whether a parameter of an operation is a language's own.
pub(super) fn own(class: &str, operation: &str, parameter: &str) -> bool {
    let place = format!("{class}.{operation}");
    OWN.iter().any(|(of, name)| (*of == place || *of == class) && *name == parameter)
}

/// Whether a default says that nothing was given, so that the core decides.
pub(super) fn is_no_value(default: &str) -> bool {
    matches!(default, "None" | "undefined" | "nil" | "()" | "[]")
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut all, part| {
        let mut letters = part.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.extend(letters);
        all
    })
}
