//! The authorization server's metadata (RFC 8414): fetched from where its issuer says, believed only if it names that
//! issuer, and used only where it points to an allowed origin.

use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_documents::json::Document as Json;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use url::Url;

use super::retry_after;
use crate::clock::Clock;
use crate::config::CarrierConfig;
use crate::transport::{HttpRequest, HttpResponse, MAX_ANSWER_BYTES, Transport};

/// How long metadata is used before it is read again.
pub(super) const LIFETIME: Duration = Duration::from_secs(3600);

/// What we need of the metadata.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// Where tokens are asked for: the mTLS alias where there is one (RFC 8705 §5).
    pub(super) token_endpoint: Url,
    /// Where the keys are that tokens are signed with.
    pub(super) jwks_uri: Option<Url>,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    mtls_endpoint_aliases: Option<Aliases>,
}

#[derive(Deserialize)]
struct Aliases {
    token_endpoint: Option<String>,
}

/// Reads and checks the metadata. Codes: `issuer_mismatch`, `endpoint_not_allowed`, `unexpected_answer`,
/// `token_unavailable`, and those of the transport.
pub(super) async fn read(carrier: &CarrierConfig, network: &dyn Transport, clock: &dyn Clock) -> Result<Metadata> {
    let url = address(&carrier.issuer)?;
    let answer = network.send(get(url.clone(), carrier.deadline)).await?;
    if answer.status != StatusCode::OK {
        return Err(refused(&url, &answer, clock));
    }
    accept(carrier, parse(&answer.body)?)
}

/// Reads the metadata; a member that stands there twice, at any depth, makes it none.
fn parse(bytes: &[u8]) -> Result<Document> {
    let unusable = |error: &dyn std::error::Error| {
        Error::new(Code::UnexpectedAnswer, "what was answered is not authorization server metadata").caused_by(error)
    };
    Json::parse(bytes).map_err(|error| unusable(&error))?;
    serde_json::from_slice(bytes).map_err(|error| unusable(&error))
}

fn accept(carrier: &CarrierConfig, document: Document) -> Result<Metadata> {
    // RFC 8414 §3.3: identical, character by character.
    if document.issuer != carrier.issuer {
        let why = format!("the metadata of `{}` names another issuer: `{}`", carrier.issuer, shown(&document.issuer));
        return Err(Error::new(Code::IssuerMismatch, why));
    }
    let endpoint =
        document.mtls_endpoint_aliases.and_then(|aliases| aliases.token_endpoint).or(document.token_endpoint);
    let Some(endpoint) = endpoint else {
        return Err(Error::new(
            Code::UnexpectedAnswer,
            format!("the metadata of `{}` has no token_endpoint", carrier.issuer),
        ));
    };
    Ok(Metadata {
        token_endpoint: allowed(carrier, "token_endpoint", &endpoint)?,
        jwks_uri: document.jwks_uri.map(|uri| allowed(carrier, "jwks_uri", &uri)).transpose()?,
    })
}

/// An address that the metadata names, if it is on an allowed origin.
fn allowed(carrier: &CarrierConfig, member: &str, text: &str) -> Result<Url> {
    let not_allowed = || {
        let why = format!("the metadata of `{}` names the {member} `{}`", carrier.issuer, shown(text));
        Error::new(Code::EndpointNotAllowed, why)
    };
    let url = Url::parse(text).map_err(|_| not_allowed())?;
    let origin = url.origin().ascii_serialization();
    let own = Url::parse(&carrier.issuer).map(|issuer| issuer.origin().ascii_serialization()).unwrap_or_default();
    let is_allowed = url.scheme() == "https"
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && (origin == own
            || origin == carrier.base_url.origin().ascii_serialization()
            || carrier.allowed_origins.contains(&origin));
    if is_allowed { Ok(url) } else { Err(not_allowed()) }
}

/// The well-known address goes between host and path (RFC 8414 §3.1).
fn address(issuer: &str) -> Result<Url> {
    let mut url = Url::parse(issuer).map_err(|error| {
        Error::new(Code::ConfigInvalid, format!("issuer `{issuer}` is no address")).caused_by(&error)
    })?;
    let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

pub(super) fn get(url: Url, deadline: Duration) -> HttpRequest {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    HttpRequest { method: Method::GET, url, headers, body: bytes::Bytes::new(), deadline, max_answer: MAX_ANSWER_BYTES }
}

pub(super) fn refused(url: &Url, answer: &HttpResponse, clock: &dyn Clock) -> Error {
    let temporary = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
    let code = if temporary { Code::TokenUnavailable } else { Code::UnexpectedAnswer };
    let error =
        Error::new(code, format!("{url} answered {}", answer.status.as_u16())).with_status(answer.status.as_u16());
    match retry_after::milliseconds(&answer.headers, clock.now()) {
        Some(ms) => error.with_retry_after_ms(ms),
        None => error,
    }
}

/// A peer's text in a message: short, and printable.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CarrierSettings, Config};

    fn carrier() -> CarrierConfig {
        let pem = "-----BEGIN X-----";
        let aurora = CarrierSettings::new("https://api.example", "c")
            .tls_client_auth()
            .issuer("https://as.example/tenant")
            .allowed_origins(["https://mtls.as.example:8443"]);
        let builder = Config::builder().environment("e").tenant("t").journal_path("j").carrier("aurora", aurora);
        builder.certificate(pem).private_key(pem).trust(pem).build().unwrap().carriers["aurora"].clone()
    }

    fn outcome(json: &str) -> Result<String, Code> {
        parse(json.as_bytes())
            .and_then(|document| accept(&carrier(), document))
            .map(|metadata| metadata.token_endpoint.into())
            .map_err(|error| error.code())
    }

    #[test]
    fn rfc_8414_section_3_1() {
        for (issuer, expected) in [
            ("https://example.com", "https://example.com/.well-known/oauth-authorization-server"),
            ("https://example.com/", "https://example.com/.well-known/oauth-authorization-server"),
            ("https://example.com/issuer1", "https://example.com/.well-known/oauth-authorization-server/issuer1"),
        ] {
            assert_eq!(address(issuer).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn negative_n12_the_mtls_alias_is_preferred_and_not_needed() {
        let both = r#"{"issuer":"https://as.example/tenant","token_endpoint":"https://as.example/token",
                       "mtls_endpoint_aliases":{"token_endpoint":"https://mtls.as.example:8443/token"}}"#;
        assert_eq!(outcome(both).unwrap(), "https://mtls.as.example:8443/token");
        let plain = r#"{"issuer":"https://as.example/tenant","token_endpoint":"https://api.example/token","mtls_endpoint_aliases":{}}"#;
        assert_eq!(outcome(plain).unwrap(), "https://api.example/token");
    }

    #[test]
    fn negative_n11_another_issuer_or_origin_is_refused() {
        let with = |issuer: &str, endpoint: &str| format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#);
        for issuer in ["https://as.example", "https://as.example/tenant/", "https://AS.example/tenant", ""] {
            assert_eq!(outcome(&with(issuer, "https://as.example/token")), Err(Code::IssuerMismatch), "{issuer}");
        }
        for endpoint in [
            "https://evil.example/token",
            "http://as.example/token",
            "https://as.example:8443/token",
            "https://as.example.evil.example/token",
            "https://u@as.example/token",
            "/token",
        ] {
            let outcome = outcome(&with("https://as.example/tenant", endpoint));
            assert_eq!(outcome, Err(Code::EndpointNotAllowed), "{endpoint}");
        }
        assert_eq!(outcome(r#"{"issuer":"https://as.example/tenant"}"#), Err(Code::UnexpectedAnswer));
        for endpoint in ["https://evil.example/jwks", "http://as.example/jwks", "https://u:p@as.example/jwks"] {
            let metadata = with("https://as.example/tenant", "https://as.example/token")
                .replace('}', &format!(r#","jwks_uri":"{endpoint}"}}"#));
            assert_eq!(outcome(&metadata), Err(Code::EndpointNotAllowed), "{endpoint}");
        }
    }

    #[test]
    fn negative_n11_what_is_no_metadata_is_refused() {
        for text in [
            "",
            "<html>",
            "[]",
            r#"{"issuer":7}"#,
            r#"{"issuer":"https://as.example/tenant","issuer":"https://evil.example"}"#,
            r#"{"issuer":"https://as.example/tenant","token_endpoint":"https://as.example/t","x":1,"x":2}"#,
            r#"{"issuer":"https://as.example/tenant","token_endpoint":"https://as.example/t","x":{"y":1,"y":2}}"#,
        ] {
            assert_eq!(outcome(text), Err(Code::UnexpectedAnswer), "{text}");
        }
    }
}
