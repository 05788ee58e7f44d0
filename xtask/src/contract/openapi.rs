//! `openapi.json`: the endpoints of contract 4.0 and the webhook of 4e as OpenAPI 3.1, whole in one file. Every status that a
//! carrier may answer with is listed: what is not there, no carrier says.

use std::collections::BTreeMap;

use gladhand_documents::error::{Code, Retry};
use gladhand_documents::model::{self, Entity};
use serde_json::{Map, Value, json};

use super::operations::{Access, OPERATIONS, Operation, Query, QueryKind};
use super::{names, pretty, schema};

/// What only an answer is: one of several entities.
const PAPER: &str = "Paper";

/// The text of `conformance/contract/openapi.json`.
pub(super) fn json() -> String {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths.entry(operation.path).or_insert_with(|| json!({}));
        item[operation.method] = described(operation);
    }
    pretty(&json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gladhand partner contract",
            "version": model::SCHEMA_VERSION,
            "description": "What a carrier serves to a TMS. Every call is on mutual TLS; the certificate's SAN must be the one registered for the token's client_id. Bodies are open: a member that a receiver does not know is kept, unless mustUnderstand names it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "https://{carrier}", "description": "A carrier.", "variables": {"carrier": {"default": "localhost", "description": "Host and port of the carrier."}}}],
        "paths": paths,
        "webhooks": {"event": webhook()},
        "components": {
            "schemas": schemas(),
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
            "headers": headers(),
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header", "required": true,
                    "description": "Derived from the operation's id (contract 4c); 16 to 64 of A-Z a-z 0-9 _ -, as a quoted string.",
                    "schema": {"type": "string", "pattern": "^(\"[A-Za-z0-9_-]{16,64}\"|[A-Za-z0-9_-]{16,64})$"},
                },
                "Prefer": {
                    "name": "Prefer", "in": "header", "required": false,
                    "description": "wait=N (RFC 7240), at most limits.maxWaitSeconds of discovery; a preference that the carrier does not know is passed over.",
                    "schema": {"type": "string", "examples": ["wait=20"]},
                },
                "AcceptVersion": {
                    "name": "Accept-Version", "in": "header", "required": false,
                    "description": "A range and the least minor version (contract 5); the highest common one is served.",
                    "schema": {"type": "string", "pattern": "^1(\\.(x|0))?(; ?min=1(\\.0)?)?$", "examples": ["1.x; min=1.0"]},
                },
                "IfMatch": {
                    "name": "If-Match", "in": "header", "required": false,
                    "description": "The ETag that was read. A revision of an accepted tender is an amendment if it carries it, and 409 already_accepted if not.",
                    "schema": {"type": "string", "examples": ["\"1.2\""]},
                },
            },
            "responses": {"Problem": problem()},
        },
    }))
}

/// The schemas of every entity that an operation or the webhook speaks of, and of those within them.
fn schemas() -> Map<String, Value> {
    fn reach(entity: &'static Entity, found: &mut BTreeMap<&'static str, Value>) {
        if found.insert(entity.name, schema::component(entity)).is_none() {
            let inner = entity.members.iter().filter_map(|member| names::inner_entity(&member.kind));
            inner.for_each(|inner| reach(inner, found));
        }
    }
    let mut found = BTreeMap::new();
    let spoken = OPERATIONS.iter().flat_map(|o| o.success.iter().map(|(_, entity)| *entity).chain(o.request));
    for name in spoken.chain(["Problem", "Event", "ProofOfDelivery", "Invoice"]) {
        if let Some(entity) = model::entity_named(name) {
            reach(entity, &mut found);
        }
    }
    found.insert(
        PAPER,
        json!({
            "description": "A paper of a tender (contract 3f).",
            "anyOf": [component("ProofOfDelivery"), component("Invoice")],
        }),
    );
    found.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// What the carrier posts to the url of a subscription; `asyncapi.json` has each type of event.
fn webhook() -> Value {
    let field = |name: &str, about: &str| json!({"name": name, "in": "header", "required": true, "description": about, "schema": {"type": "string"}});
    json!({"post": {
        "operationId": "webhooks.receive",
        "summary": "An event, at least once and in no guaranteed order (contract 4e).",
        "security": [{"mutualTLS": []}],
        "parameters": [
            field("webhook-id", "The same on every attempt."),
            field("webhook-timestamp", "Seconds since 1970 of this attempt."),
            field("webhook-signature", "Standard Webhooks: v1a and the base64 ed25519 signature of id.timestamp.body, several separated by spaces."),
        ],
        "requestBody": {"required": true, "content": {"application/cloudevents+json": {"schema": component("Event")}}},
        "responses": {
            "202": {"description": "Stored."},
            "4XX": {"description": "Not stored: the signature, its time, or the source is not genuine."},
            "5XX": {"description": "Not stored; send it again."},
        },
    }})
}

fn headers() -> Value {
    let text = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    let always = |about: &str| json!({"description": about, "required": true, "schema": {"type": "string"}});
    json!({
        "API-Version": {
            "description": "Version of the contract that served the call.", "required": true,
            "schema": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
        },
        "X-Request-Id": always("For the carrier's support."),
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
        "Location": text("Where the tender is read."),
        "ETag": {"description": "Names this state of it, for If-Match.", "required": true, "schema": {"type": "string"}},
        "Idempotency-Replayed": text("true where the stored answer was replayed."),
        "Idempotency-Original-Date": text("Date of the answer that is replayed."),
        "Preference-Applied": text("The preference that was honoured (RFC 7240)."),
        "DPoP-Nonce": text("The nonce of the next proof (RFC 9449)."),
        "WWW-Authenticate": text("What the token or the proof lacks."),
        "Deprecation": {
            "description": "Since when the operation is deprecated (RFC 9745).",
            "schema": {"type": "string", "pattern": "^@-?[0-9]+$"},
        },
        "Sunset": text("When it ends (RFC 8594)."),
        "Link": text("rel deprecation, sunset and successor-version."),
        "RateLimit-Limit": {"description": "Calls in a minute.", "schema": {"type": "integer", "minimum": 0}},
        "RateLimit-Remaining": {"description": "Calls left.", "schema": {"type": "integer", "minimum": 0}},
        "RateLimit-Reset": {"description": "Seconds until there are more.", "schema": {"type": "integer", "minimum": 0}},
    })
}

fn described(operation: &Operation) -> Value {
    let path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = path.map(path_parameter).collect();
    parameters.extend(operation.query.iter().map(query_parameter));
    let mutates = mutates(operation);
    let mut shared = vec!["AcceptVersion"];
    if mutates {
        shared.push("IdempotencyKey");
    }
    if operation.waits {
        shared.push("Prefer");
    }
    if mutates && operation.tagged && operation.id != "tenders.create" {
        shared.push("IfMatch");
    }
    parameters.extend(shared.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
    let mut responses = Map::new();
    for (status, entity) in operation.success {
        responses.insert(status.to_string(), success(operation, *status, entity));
    }
    for status in refusals(operation) {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "security": security(operation.access),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(entity) = operation.request {
        let required = !operation.bodiless;
        described["requestBody"] =
            json!({"required": required, "content": {"application/json": {"schema": component(entity)}}});
    }
    if let Access::Bound(scope) | Access::Proved(scope) = operation.access {
        described["x-scope"] = scope.into();
    }
    described
}

fn mutates(operation: &Operation) -> bool {
    matches!(operation.access, Access::Proved(_)) && operation.method != "get"
}

/// The statuses of the error table (contract 4h) that an operation may answer with.
fn refusals(operation: &Operation) -> Vec<u16> {
    let mut statuses = vec![400, 410, 429, 500, 502, 503, 504];
    if !matches!(operation.access, Access::Open) {
        // 409: a token of another environment.
        statuses.extend([401, 403, 409]);
    }
    if operation.path.contains('{') {
        statuses.push(404);
    }
    if operation.request.is_some() || mutates(operation) {
        statuses.extend([413, 415, 422]);
    }
    if mutates(operation) && operation.tagged {
        statuses.extend([412, 428]);
    }
    statuses.sort_unstable();
    statuses
}

/// Our own ids have the shape of the contract; those of the carrier are opaque (contract 3a).
fn path_parameter(name: &str) -> Value {
    let schema = match name {
        "revision" => json!({"type": "integer", "minimum": 1, "maximum": u32::MAX}),
        "capacityId" | "dispatchId" | "documentId" => json!({"type": "string", "minLength": 1, "maxLength": 128}),
        _ => json!({"type": "string", "pattern": "^[A-Za-z0-9._:-]+$", "minLength": 1, "maxLength": 64}),
    };
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn query_parameter(query: &Query) -> Value {
    let schema = match query.kind {
        QueryKind::Opaque => json!({"type": "string", "maxLength": 512}),
        QueryKind::Sequence => json!({"type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_i64}),
        QueryKind::State => json!({"type": "string", "enum": states()}),
    };
    json!({"name": query.name, "in": "query", "description": query.about, "schema": schema})
}

/// The states that a carrier knows a tender in; `offer` is the TMS's alone.
fn states() -> Vec<&'static str> {
    let member = model::entity_named("TenderSnapshot").and_then(|entity| entity.member("state"));
    match member.map(|member| &member.kind) {
        Some(model::Kind::Choice { values, .. }) => values.iter().copied().filter(|state| *state != "offer").collect(),
        _ => Vec::new(),
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Open => json!([{"mutualTLS": []}]),
        Access::Bound(_) => json!([{"mutualTLS": [], "certificateBound": []}]),
        Access::Proved(_) => json!([{"mutualTLS": [], "dpop": []}]),
    }
}

fn success(operation: &Operation, status: u16, entity: &str) -> Value {
    let mut names = vec!["API-Version", "X-Request-Id", "Deprecation", "Sunset", "Link"];
    if matches!(operation.access, Access::Proved(_)) {
        names.push("DPoP-Nonce");
    }
    if mutates(operation) {
        names.extend(["Idempotency-Replayed", "Idempotency-Original-Date"]);
    }
    if operation.tagged {
        names.push("ETag");
    }
    if operation.waits {
        names.push("Preference-Applied");
    }
    if entity == "TenderSnapshot" {
        names.push("Location");
    }
    if status == 202 && entity == "TenderSnapshot" {
        names.push("Retry-After");
    }
    let headers: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), header(name))).collect();
    let about = if status == 202 { "Received; not yet decided." } else { "Done." };
    json!({"description": about, "headers": headers, "content": {"application/json": {"schema": component(entity)}}})
}

/// The one answer of every refusal, with the codes of the table that cross the wire.
fn problem() -> Value {
    let codes: Vec<Value> = Code::ALL
        .iter()
        .filter(|code| code.http_status() != 0)
        .map(|code| json!({"code": code.as_str(), "status": code.http_status(), "retryable": code.retry() != Retry::Never}))
        .collect();
    let headers = [
        "API-Version",
        "X-Request-Id",
        "Retry-After",
        "DPoP-Nonce",
        "WWW-Authenticate",
        "Idempotency-Replayed",
        "Idempotency-Original-Date",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
    ];
    let headers: Map<String, Value> = headers.into_iter().map(|name| (name.to_owned(), header(name))).collect();
    json!({
        "description": "A problem (RFC 9457). Branch on code, never on status.",
        "headers": headers,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_is_an_entity_and_every_id_is_unique() {
        let mut ids = std::collections::HashSet::new();
        for operation in OPERATIONS {
            assert!(ids.insert(operation.id), "{} stands there twice", operation.id);
            let bodies = operation.success.iter().map(|(_, entity)| *entity).chain(operation.request);
            for entity in bodies {
                let known = model::entity_named(entity).is_some() || entity == PAPER;
                assert!(known, "{}: no schema {entity}", operation.id);
            }
        }
    }

    #[test]
    fn every_reference_has_its_target_and_every_schema_is_open() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|inner| references(inner, found));
                }
                Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
                _ => {}
            }
        }
        let text = json();
        assert!(!text.contains("additionalProperties") && !text.contains("unevaluated"), "contract 5");
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 500);
        for target in found {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    }

    #[test]
    fn every_status_of_the_error_table_is_listed_somewhere_and_no_other() {
        let listed: std::collections::BTreeSet<u16> = OPERATIONS.iter().flat_map(refusals).collect();
        let table: std::collections::BTreeSet<u16> =
            Code::ALL.iter().map(|code| code.http_status()).filter(|status| *status != 0).collect();
        assert_eq!(listed, table);
    }
}
