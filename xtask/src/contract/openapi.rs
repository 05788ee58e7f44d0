//! `openapi.json`: the endpoints of contract 4.0 as OpenAPI 3.1; bodies are the schemas beside it.

use gladhand_documents::error::{Code, Retry};
use gladhand_documents::model;
use serde_json::{Map, Value, json};

use super::operations::{Access, OPERATIONS, Operation};
use super::pretty;

/// The text of `conformance/contract/openapi.json`.
pub(super) fn json() -> String {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method] = described(operation);
    }
    let schemas: Map<String, Value> =
        model::all().iter().map(|entity| (entity.name.to_owned(), schema(entity.name))).collect();
    pretty(&json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gladhand partner contract",
            "version": model::SCHEMA_VERSION,
            "description": "What a carrier serves to a TMS. Every call is on mutual TLS; the certificate's SAN must be the one registered for the token's client_id. Bodies are open: a member that a receiver does not know is kept, unless mustUnderstand names it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "mutualTLS": {"type": "mutualTLS"},
                "certificateBound": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "at+jwt",
                    "description": "A token bound to the client certificate (RFC 8705): cnf x5t#S256.",
                },
                "dpop": {
                    "type": "http", "scheme": "dpop",
                    "description": "A token bound to a key (RFC 9449): cnf jkt; the proof carries gh_body, the base64url SHA-256 of the content, whenever there is one.",
                },
            },
            "headers": {
                "API-Version": {"description": "Version of the contract that served the call.", "schema": {"type": "string"}},
                "X-Request-Id": {"description": "For the carrier's support.", "schema": {"type": "string"}},
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
                "Location": {"description": "Where the pending tender is read.", "schema": {"type": "string"}},
                "Idempotency-Replayed": {"description": "true where the stored answer was replayed.", "schema": {"type": "string"}},
            },
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header", "required": true,
                    "description": "Derived from the operation's id (contract 4c); 16 to 64 of A-Z a-z 0-9 _ -, as a quoted string.",
                    "schema": {"type": "string", "pattern": "^\"?[A-Za-z0-9_-]{16,64}\"?$"},
                },
                "Prefer": {
                    "name": "Prefer", "in": "header", "required": false,
                    "description": "wait=N (RFC 7240), at most limits.maxWaitSeconds of discovery.",
                    "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
                },
            },
            "responses": {"Problem": problem()},
        },
    }))
}

fn described(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "maxLength": 128}}))
        .collect();
    for (name, about) in operation.query {
        parameters.push(json!({"name": name, "in": "query", "description": about, "schema": {"type": "string"}}));
    }
    let mutates = matches!(operation.access, Access::Proved(_)) && operation.method != "get";
    if mutates {
        parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
    }
    if operation.waits {
        parameters.push(json!({"$ref": "#/components/parameters/Prefer"}));
    }
    let mut responses = Map::new();
    for (status, entity) in operation.success {
        responses.insert(status.to_string(), success(*status, entity, mutates));
    }
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "security": security(operation.access),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(entity) = operation.request {
        described["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": component(entity)}}});
    }
    if let Access::Bound(scope) | Access::Proved(scope) = operation.access {
        described["x-scope"] = scope.into();
    }
    described
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([{"mutualTLS": []}]),
        Access::Bound(_) => json!([{"mutualTLS": [], "certificateBound": []}]),
        Access::Proved(_) => json!([{"mutualTLS": [], "dpop": []}]),
    }
}

fn success(status: u16, entity: &str, mutates: bool) -> Value {
    let mut headers = json!({"API-Version": header("API-Version"), "X-Request-Id": header("X-Request-Id")});
    if mutates {
        headers["Idempotency-Replayed"] = header("Idempotency-Replayed");
    }
    if status == 202 && entity == "TenderSnapshot" {
        headers["Location"] = header("Location");
        headers["Retry-After"] = header("Retry-After");
    }
    let schema = if entity.is_empty() { json!({"type": "object"}) } else { component(entity) };
    let about = if status == 202 { "Received; not yet decided." } else { "Done." };
    json!({"description": about, "headers": headers, "content": {"application/json": {"schema": schema}}})
}

/// The one answer of every refusal, with the codes of the table that cross the wire.
fn problem() -> Value {
    let codes: Vec<Value> = Code::ALL
        .iter()
        .filter(|code| code.http_status() != 0)
        .map(|code| json!({"code": code.as_str(), "status": code.http_status(), "retryable": code.retry() != Retry::Never}))
        .collect();
    json!({
        "description": "A problem (RFC 9457). Branch on code, never on status.",
        "headers": {"X-Request-Id": header("X-Request-Id"), "Retry-After": header("Retry-After")},
        "content": {"application/problem+json": {"schema": component("Problem")}},
        "x-codes": codes,
    })
}

fn component(entity: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{entity}")})
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn schema(entity: &str) -> Value {
    json!({"$ref": format!("schema/{entity}.json")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_an_entity_and_every_id_is_unique() {
        let mut ids = std::collections::HashSet::new();
        for operation in OPERATIONS {
            assert!(ids.insert(operation.id), "{} stands there twice", operation.id);
            let bodies = operation.success.iter().map(|(_, entity)| *entity).chain(operation.request);
            for entity in bodies.filter(|entity| !entity.is_empty()) {
                assert!(model::entity_named(entity).is_some(), "{}: no entity {entity}", operation.id);
            }
        }
    }
}
