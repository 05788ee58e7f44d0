//! How each language spells a name of the contract.

use gladhand_documents::model::{Entity, Kind, Member};

/// An enumeration of the contract.
pub(super) struct Choice {
    /// Name in upper camel case.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) doc: &'static str,
    /// The values that this version knows.
    pub(crate) values: &'static [&'static str],
    /// Whether unknown values are kept.
    pub(crate) open: bool,
}

/// Every enumeration that a member uses, by name.
pub(super) fn choices() -> Vec<Choice> {
    fn collect(kind: &Kind, found: &mut Vec<Choice>) {
        match kind {
            Kind::Choice { name, doc, values, open } if found.iter().all(|choice| choice.name != *name) => {
                found.push(Choice { name, doc: doc.trim(), values, open: *open });
            }
            Kind::List { of, .. } => collect(of, found),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for entity in gladhand_documents::model::all() {
        for member in &entity.members {
            collect(&member.kind, &mut found);
        }
    }
    found.sort_by_key(|choice| choice.name);
    found
}

/// Every entity, those that others contain first.
pub(super) fn leaves_first() -> Vec<&'static Entity> {
    fn visit(entity: &'static Entity, found: &mut Vec<&'static Entity>) {
        if found.iter().any(|other| other.name == entity.name) {
            return;
        }
        for member in &entity.members {
            if let Some(inner) = inner_entity(&member.kind) {
                visit(inner, found);
            }
        }
        found.push(entity);
    }
    let mut found = Vec::new();
    for entity in gladhand_documents::model::all() {
        visit(entity, &mut found);
    }
    found
}

pub(super) fn inner_entity(kind: &Kind) -> Option<&'static Entity> {
    match kind {
        Kind::Object(entity) => Some(entity()),
        Kind::List { of, .. } => inner_entity(of),
        _ => None,
    }
}

/// The class of an entity in the bindings. `Exception` would hide Python's own.
pub(super) fn class(entity: &Entity) -> &'static str {
    if entity.name == "Exception" { "TenderException" } else { entity.name }
}

/// A member in snake case, for Python. `keys` is a method of every model.
pub(super) fn snake(member: &Member) -> String {
    let plain = member.snake.trim_start_matches("r#");
    match plain {
        "from" | "class" | "keys" => format!("{plain}_"),
        _ => plain.to_owned(),
    }
}

/// A member as the contract spells it, for TypeScript. `keys` is a method of every model.
pub(super) fn camel(member: &Member) -> String {
    if member.name == "keys" { "keys_".to_owned() } else { member.name.to_owned() }
}

/// What the SDK writes into a load before it is sent, where it is missing.
pub(super) fn filled_in(entity: &Entity, member: &Member) -> bool {
    entity.name == "LoadTender" && ["schemaVersion", "tenderId", "revision", "mode"].contains(&member.name)
}

/// A documentation comment on one line.
pub(super) fn line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `tender_conflict` as `TENDER_CONFLICT`, `L4` as `L4`.
pub(super) fn constant(value: &str) -> String {
    value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// `not_found` as `NotFound`, `STOP_OFF` as `StopOff`.
pub(super) fn upper_camel(value: &str) -> String {
    value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
        })
        .collect()
}

/// `not_found` as `notFound`.
pub(super) fn lower_camel(value: &str) -> String {
    let upper = upper_camel(value);
    let (first, rest) = upper.split_at(upper.len().min(1));
    first.to_ascii_lowercase() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        assert_eq!(upper_camel("STOP_OFF"), "StopOff");
        assert_eq!(lower_camel("signature_only"), "signatureOnly");
        assert_eq!(constant("in_sync"), "IN_SYNC");
    }

    #[test]
    fn parts_come_before_wholes() {
        let order: Vec<_> = leaves_first().iter().map(|entity| entity.name).collect();
        let place = |name| order.iter().position(|other| *other == name).unwrap();
        assert!(place("Place") < place("RouteSegment") && place("RouteSegment") < place("CapacityOffer"));
        assert_eq!(order.len(), gladhand_documents::model::all().len());
    }
}
