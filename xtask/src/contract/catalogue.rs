//! `models.json`: every entity and enumeration with its members, so that a parity check can compare the languages.

use gladhand_documents::model::{self, Kind};
use serde_json::{Value, json};

use super::{names, pretty};

/// The text of `conformance/contract/models.json`.
pub(super) fn json() -> String {
    let entities: Vec<Value> = model::all()
        .into_iter()
        .map(|entity| {
            let members: Vec<Value> = entity
                .members
                .iter()
                .map(|member| {
                    json!({
                        "name": member.name,
                        "snake": names::snake(member),
                        "type": kind(&member.kind),
                        "required": member.required,
                    })
                })
                .collect();
            json!({"name": entity.name, "class": names::class(entity), "members": members})
        })
        .collect();
    let choices: Vec<Value> = names::choices()
        .into_iter()
        .map(|choice| json!({"name": choice.name, "open": choice.open, "values": choice.values}))
        .collect();
    pretty(&json!({"schemaVersion": model::SCHEMA_VERSION, "entities": entities, "choices": choices}))
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Text { .. } | Kind::Id { .. } | Kind::Pattern { .. } | Kind::Zone => "text".to_owned(),
        Kind::Instant => "instant".to_owned(),
        Kind::Integer { .. } => "integer".to_owned(),
        Kind::Decimal { .. } => "decimal".to_owned(),
        Kind::Flag => "flag".to_owned(),
        Kind::Choice { name, .. } => (*name).to_owned(),
        Kind::Object(entity) => entity().name.to_owned(),
        Kind::List { of, .. } => format!("[{}]", self::kind(of)),
        Kind::Any => "any".to_owned(),
    }
}
