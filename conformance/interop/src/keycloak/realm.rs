//! The realm: clients that authenticate by assertion or by certificate, with DPoP or certificate-bound tokens or both.

use serde_json::{Value, json};

/// What tokens are for; only a name, the resource server compares it.
pub(super) const AUDIENCE: &str = "https://carrier.interop.gladhand.test";

/// The realm `interop`. `jwks`: our published assertion keys. `subject`: the DN of our certificate.
pub(super) fn realm(jwks: &Value, subject: &str) -> Value {
    let scope = |name: &str| json!({ "name": name, "protocol": "openid-connect", "attributes": { "include.in.token.scope": "true" } });
    json!({
        "realm": "interop",
        "enabled": true,
        "sslRequired": "all",
        "accessTokenLifespan": 300,
        // Made at the start: a key that appears with the first token that needs it would not be in anyone's cache.
        "components": { "org.keycloak.keys.KeyProvider": [
            key("rs256", "rsa-generated", &json!({ "algorithm": ["RS256"] })),
            key("ps256", "rsa-generated", &json!({ "algorithm": ["PS256"] })),
            key("es256", "ecdsa-generated", &json!({ "ecdsaEllipticCurveKey": ["P-256"] })),
            key("eddsa", "eddsa-generated", &json!({ "eddsaEllipticCurveKey": ["Ed25519"] })),
            key("encryption", "rsa-enc-generated", &json!({ "algorithm": ["RSA-OAEP"] })),
            key("hs512", "hmac-generated", &json!({ "algorithm": ["HS512"] })),
        ]},
        "clientScopes": [scope("tender:write"), scope("capacity:read")],
        "clients": [
            client("jwt-dpop", Authentication::Assertion(jwks), &["dpop.bound.access.tokens"]),
            client("x509-bound", Authentication::Subject(subject), &["tls.client.certificate.bound.access.tokens"]),
            client("x509-dpop", Authentication::Subject(subject), &["dpop.bound.access.tokens"]),
            client("jwt-both", Authentication::Assertion(jwks), &[
                "dpop.bound.access.tokens",
                "tls.client.certificate.bound.access.tokens",
            ]),
            client("jwt-none", Authentication::Assertion(jwks), &[]),
            signed(client("jwt-ps256", Authentication::Assertion(jwks), &["dpop.bound.access.tokens"]), "PS256"),
            signed(client("jwt-eddsa", Authentication::Assertion(jwks), &["dpop.bound.access.tokens"]), "EdDSA"),
            // What Keycloak signs by unless told otherwise.
            signed(client("jwt-rs256", Authentication::Assertion(jwks), &["dpop.bound.access.tokens"]), "RS256"),
            client("x509-other", Authentication::Subject("CN=somebody else"), &[]),
        ],
    })
}

enum Authentication<'a> {
    Assertion(&'a Value),
    Subject(&'a str),
}

fn client(id: &str, authentication: Authentication<'_>, bindings: &[&str]) -> Value {
    let (kind, mut attributes) = match authentication {
        Authentication::Assertion(jwks) => (
            "client-jwt",
            json!({
                "use.jwks.string": "true",
                "jwks.string": jwks.to_string(),
                "token.endpoint.auth.signing.alg": "ES256",
            }),
        ),
        Authentication::Subject(subject) => (
            "client-x509",
            json!({
                "x509.subjectdn": subject,
                "x509.allow.regex.pattern.comparison": "false",
            }),
        ),
    };
    attributes["access.token.header.type.rfc9068"] = json!("true");
    attributes["access.token.signed.response.alg"] = json!("ES256");
    for binding in bindings {
        attributes[*binding] = json!("true");
    }
    json!({
        "clientId": id,
        "enabled": true,
        "protocol": "openid-connect",
        "publicClient": false,
        "clientAuthenticatorType": kind,
        "serviceAccountsEnabled": true,
        "standardFlowEnabled": false,
        "attributes": attributes,
        "defaultClientScopes": [],
        "optionalClientScopes": ["tender:write", "capacity:read"],
        "protocolMappers": [
            mapper("audience", "oidc-audience-mapper", json!({ "included.custom.audience": AUDIENCE })),
            mapper("subject", "oidc-sub-mapper", json!({})),
            mapper("client", "oidc-hardcoded-claim-mapper", json!({
                "claim.name": "client_id",
                "claim.value": id,
                "jsonType.label": "String",
            })),
        ],
    })
}

fn key(name: &str, provider: &str, config: &Value) -> Value {
    let mut config = config.clone();
    config["priority"] = json!(["100"]);
    json!({ "name": name, "providerId": provider, "subComponents": {}, "config": config })
}

/// The same with tokens signed by another algorithm.
fn signed(mut client: Value, algorithm: &str) -> Value {
    client["attributes"]["access.token.signed.response.alg"] = json!(algorithm);
    client
}

fn mapper(name: &str, kind: &str, mut config: Value) -> Value {
    config["access.token.claim"] = json!("true");
    config["introspection.token.claim"] = json!("true");
    json!({ "name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config })
}
