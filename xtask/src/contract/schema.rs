//! JSON Schema 2020-12, one file for each entity. Open: a member that this version does not know is always permitted
//! (contract 5), and an open enumeration lists the values it knows under `x-extensible-enum`.

use gladhand_documents::model::{self, Entity, Kind};
use serde_json::{Map, Value, json};

use super::{Output, names, pretty};

/// Where the schemas are, below the repository's root.
pub(super) const FOLDER: &str = "conformance/contract/schema";

/// Every schema.
pub(super) fn files() -> Vec<Output> {
    model::all()
        .into_iter()
        .map(|entity| (format!("{FOLDER}/{}.json", entity.name).into(), pretty(&schema(entity))))
        .collect()
}

/// The schema of an entity as part of another document, with its references below `#/components/schemas/`.
pub(super) fn component(entity: &Entity) -> Value {
    fn point_inside(value: &mut Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get_mut("$ref") {
                    *target = format!("#/components/schemas/{}", target.trim_end_matches(".json"));
                }
                members.values_mut().for_each(point_inside);
            }
            Value::Array(items) => items.iter_mut().for_each(point_inside),
            _ => {}
        }
    }
    let mut schema = schema(entity);
    point_inside(&mut schema);
    if let Some(members) = schema.as_object_mut() {
        members.remove("$schema");
    }
    schema
}

fn schema(entity: &Entity) -> Value {
    let mut properties = Map::new();
    for member in &entity.members {
        let mut described = kind(&member.kind);
        if let Some(object) = described.as_object_mut() {
            object.insert("description".into(), names::line(member.doc).into());
        }
        properties.insert(member.name.into(), described);
    }
    let required: Vec<&str> = entity.members.iter().filter(|m| m.required).map(|m| m.name).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": entity.name,
        "description": names::line(entity.doc),
        "type": "object",
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text { max } => json!({"type": "string", "maxLength": max}),
        Kind::Id { max } => {
            json!({"type": "string", "pattern": "^[A-Za-z0-9._:-]+$", "minLength": 1, "maxLength": max})
        }
        Kind::Pattern { regex, .. } => json!({"type": "string", "pattern": regex}),
        Kind::Instant => json!({"type": "string", "format": "date-time"}),
        Kind::Zone => json!({"type": "string", "examples": ["America/Chicago"]}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Decimal { places, min, max, exclusive, .. } => {
            let sign = if *min < 0 { "-?" } else { "" };
            let (low, high) =
                if *exclusive { ("exclusiveMinimum", "exclusiveMaximum") } else { ("minimum", "maximum") };
            json!({
                "type": ["number", "string"],
                "pattern": format!("^{sign}(0|[1-9][0-9]*)(\\.[0-9]{{1,{places}}})?$"),
                low: min,
                high: max,
            })
        }
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Choice { values, open: false, .. } => json!({"type": "string", "enum": values}),
        Kind::Choice { values, .. } => json!({"type": "string", "x-extensible-enum": values}),
        Kind::Object(entity) => json!({"$ref": format!("{}.json", entity().name)}),
        Kind::List { of, min, max } => {
            let mut list = json!({"type": "array", "items": self::kind(of), "maxItems": max});
            if *min > 0 {
                list["minItems"] = (*min).into();
            }
            list
        }
        Kind::Any => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_open_and_complete() {
        let files = files();
        assert_eq!(files.len(), model::all().len());
        for (path, text) in files {
            assert!(!text.contains("additionalProperties") && !text.contains("unevaluated"), "{}", path.display());
        }
    }

    #[test]
    fn decimals_accept_both_forms_and_enumerations_stay_open() {
        let rate = schema(model::entity_named("Rate").unwrap());
        assert_eq!(rate["properties"]["amount"]["type"], json!(["number", "string"]));
        assert!(rate["properties"]["basis"].get("enum").is_none());
        assert_eq!(rate["required"], json!(["currency", "amount"]));
    }
}
