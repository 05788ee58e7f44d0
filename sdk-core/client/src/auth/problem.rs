//! What an answer that is no success means. A refusal is the carrier's own only if it is `application/problem+json`
//! (RFC 9457) with a code of the contract; everything else may be a proxy's word, after a commit: `maybe_sent`
//! (contract 4c and 4h).

use gladhand_documents::error::{Code, Error, Sent, Violation};
use gladhand_protocol::proof::challenge::Challenge;
use http::{StatusCode, header};
use serde::Deserialize;

use super::discovery::shown;
use super::retry_after;
use crate::transport::HttpResponse;

/// A problem document, as far as we read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    code: String,
    title: Option<String>,
    detail: Option<String>,
    retry_after_s: Option<f64>,
    trace_id: Option<String>,
    tender_id: Option<String>,
    #[serde(default)]
    violations: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default)]
    path: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The problem and its code, if the answer is the carrier's own.
pub(super) fn read(answer: &HttpResponse) -> Option<(Code, Problem)> {
    let media = answer.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/problem+json") {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&answer.body).ok()?;
    // Codes of the SDK itself have no status: a peer cannot raise them.
    let code = Code::parse(&problem.code).filter(|code| code.http_status() != 0)?;
    Some((code, problem))
}

/// The error of an answer that is no success.
pub(super) fn error(operation: &str, answer: &HttpResponse, challenges: &[Challenge], now: jiff::Timestamp) -> Error {
    let status = answer.status;
    let mut error = match read(answer) {
        Some((code, problem)) => of_carrier(operation, code, problem, answer),
        None => of_stranger(operation, status, challenges),
    };
    error = error.with_status(status.as_u16());
    if let Some(ms) = retry_after::milliseconds(&answer.headers, now) {
        error = error.with_retry_after_ms(ms);
    }
    match answer.headers.get("x-request-id").and_then(|id| id.to_str().ok()) {
        Some(id) => error.with_request_id(shown(id)),
        None => error,
    }
}

fn of_carrier(operation: &str, code: Code, problem: Problem, answer: &HttpResponse) -> Error {
    let said = problem.detail.or(problem.title).map(|text| shown(&text)).unwrap_or_default();
    let message = if said.is_empty() { format!("{operation} was refused") } else { format!("{operation}: {said}") };
    // After a failure inside the carrier nobody knows what was done: read back first (contract 4h).
    let sent = match code {
        Code::InternalServerError | Code::BadGateway | Code::Timeout => Sent::MaybeSent,
        _ => Sent::Acknowledged,
    };
    let violations = problem.violations.into_iter().map(|rule| Violation {
        path: rule.path,
        code: rule.code,
        message: rule.message,
    });
    let mut error = Error::new(code, message)
        .sent(sent)
        .with_problem(String::from_utf8_lossy(&answer.body))
        .with_violations(violations.collect());
    if let Some(seconds) = problem.retry_after_s.filter(|seconds| (0.0..=86_400.0).contains(seconds)) {
        error = error.with_retry_after_ms((seconds * 1000.0) as u64);
    }
    if let Some(id) = problem.trace_id {
        error = error.with_trace_id(shown(&id));
    }
    match problem.tender_id {
        Some(id) => error.with_tender_id(shown(&id)),
        None => error,
    }
}

fn of_stranger(operation: &str, status: StatusCode, challenges: &[Challenge]) -> Error {
    let number = status.as_u16();
    let reason = challenges.iter().find_map(|challenge| challenge.parameter("error"));
    // A resource server says in the challenge what it did not like (RFC 6750 §3.1, RFC 9449 §7.1).
    let (code, what) = match (number, reason) {
        (401 | 403, Some("invalid_token")) => (Code::TokenInvalid, "the token was not accepted"),
        (401, Some("use_dpop_nonce")) => (Code::UseDpopNonce, "the proof was refused for its nonce again"),
        (401, Some("invalid_dpop_proof")) => (Code::PopInvalid, "the proof was not accepted"),
        (401 | 403, Some("insufficient_scope")) => (Code::ScopeMissing, "the token's scope does not suffice"),
        (500..=599, _) => (Code::BadGateway, "the answer is not the carrier's"),
        (300..=399, _) => (Code::UnexpectedAnswer, "redirects are not followed"),
        _ => (Code::UnexpectedAnswer, "the answer is not of the contract"),
    };
    Error::new(code, format!("{operation}: {number}, {what}")).sent(Sent::MaybeSent)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gladhand_documents::error::Retry;
    use http::HeaderMap;

    use super::*;

    fn answer(status: u16, media: &str, body: &str) -> HttpResponse {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        headers.insert("x-request-id", "r-1".parse().unwrap());
        HttpResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            facts: None,
        }
    }

    fn of(status: u16, media: &str, body: &str) -> Error {
        error("tenders.create", &answer(status, media, body), &[], jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_problem_of_the_contract_is_the_carriers_own() {
        let error = of(
            422,
            "application/problem+json; charset=utf-8",
            r#"{"type":"about:blank","status":422,"code":"weight_exceeded","detail":"81000 lb","traceId":"t","tenderId":"t-1",
                "violations":[{"path":"/commodities/0/weight","code":"max","message":"at most 80000"}],"new":{"a":1}}"#,
        );
        assert_eq!(error.code(), Code::WeightExceeded);
        assert_eq!(error.sent_state(), Sent::Acknowledged);
        assert_eq!(error.http_status(), Some(422));
        assert_eq!(error.tender_id(), Some("t-1"));
        assert_eq!(error.trace_id(), Some("t"));
        assert_eq!(error.request_id(), Some("r-1"));
        assert_eq!(error.violations()[0].path, "/commodities/0/weight");
        assert!(error.problem().unwrap().contains("\"new\""));
        assert!(error.message().contains("81000 lb"));
    }

    #[test]
    fn a_wait_is_read_from_header_or_document() {
        let body = r#"{"code":"capacity_backpressure","retryAfterS":2.5}"#;
        assert_eq!(of(503, "application/problem+json", body).retry_after_ms(), Some(2500));
        let mut with_header = answer(503, "application/problem+json", body);
        with_header.headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
        let error = error("x", &with_header, &[], jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(error.retry_after_ms(), Some(7000));
        assert_eq!(error.retry(), Retry::After);
        assert_eq!(error.sent_state(), Sent::Acknowledged);
    }

    #[test]
    fn everything_else_may_be_a_proxys_word() {
        for (status, media, body, code) in [
            (404, "text/html", "<h1>not found</h1>", Code::UnexpectedAnswer),
            (404, "application/json", r#"{"code":"not_found"}"#, Code::UnexpectedAnswer),
            (404, "application/problem+json", r#"{"title":"not found"}"#, Code::UnexpectedAnswer),
            (404, "application/problem+json", r#"{"code":"no_such_code"}"#, Code::UnexpectedAnswer),
            (404, "application/problem+json", r#"{"code":"journal_corrupt"}"#, Code::UnexpectedAnswer),
            (404, "application/problem+json", "not json", Code::UnexpectedAnswer),
            (429, "text/plain", "slow down", Code::UnexpectedAnswer),
            (302, "text/html", "", Code::UnexpectedAnswer),
            (503, "text/html", "", Code::BadGateway),
            (502, "application/problem+json", "", Code::BadGateway),
        ] {
            let error = of(status, media, body);
            assert_eq!(error.code(), code, "{status} {body}");
            assert_eq!(error.sent_state(), Sent::MaybeSent, "{status} {body}");
            assert!(error.problem().is_none());
        }
    }

    #[test]
    fn a_failure_inside_the_carrier_leaves_it_open() {
        for (status, code) in [(500, "internal"), (502, "bad_gateway"), (504, "timeout")] {
            let error = of(status, "application/problem+json", &format!(r#"{{"code":"{code}"}}"#));
            assert_eq!(error.code().as_str(), code);
            assert_eq!(error.sent_state(), Sent::MaybeSent);
        }
    }
}
