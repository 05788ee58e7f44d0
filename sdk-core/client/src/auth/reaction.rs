//! What an answer that is no success asks of us: a nonce, another token, or nothing that would help.

use gladhand_documents::error::{Code, Error};
use gladhand_protocol::proof::challenge::{self, Challenge};
use gladhand_protocol::proof::signer::Algorithm;
use http::{StatusCode, header};

use super::call::Profile;
use super::discovery::shown;
use super::{problem, skew};
use crate::clock::Clock;
use crate::observe::Activity;
use crate::transport::HttpResponse;

/// What would help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// The nonce that came with the answer.
    Nonce,
    /// A new token.
    Token,
    Nothing,
}

/// Every challenge of an answer, over all its `WWW-Authenticate` fields.
pub(super) fn challenges(answer: &HttpResponse) -> Vec<Challenge> {
    let values = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(challenge::parse).collect()
}

/// What this answer asks of a call of this profile.
pub(super) fn to(answer: &HttpResponse, challenges: &[Challenge], profile: Profile, ours: Algorithm) -> Reaction {
    if answer.status != StatusCode::UNAUTHORIZED || unsupported(challenges, ours).is_some() {
        return Reaction::Nothing;
    }
    // Of several challenges, the one of the scheme that we came with is about us.
    let scheme = if profile == Profile::Dpop { "dpop" } else { "bearer" };
    let error_of = |challenge: &'_ Challenge| challenge.parameter("error").map(str::to_owned);
    let said = challenges.iter().filter(|challenge| challenge.scheme == scheme).find_map(error_of);
    let said = said.or_else(|| challenges.iter().find_map(error_of));
    match (said.as_deref(), problem::read(answer).map(|(code, _)| code)) {
        (Some("use_dpop_nonce"), _) | (_, Some(Code::UseDpopNonce)) => Reaction::Nonce,
        (_, Some(Code::TokenExpired | Code::TokenInvalid)) | (Some("invalid_token"), None) => Reaction::Token,
        _ => Reaction::Nothing,
    }
}

/// The algorithms that a DPoP challenge lists (RFC 9449 §7.1), if ours is not one of them.
fn unsupported(challenges: &[Challenge], ours: Algorithm) -> Option<&str> {
    let listed = challenges.iter().filter(|challenge| challenge.scheme == "dpop").find_map(|c| c.parameter("algs"))?;
    let mut names = listed.split_ascii_whitespace().peekable();
    // An empty list says nothing.
    names.peek()?;
    names.all(|name| Algorithm::parse(name) != Some(ours)).then_some(listed)
}

/// The error with what may have caused it: an algorithm that the server does not take, a clock that is wrong.
pub(super) fn explained(
    error: Error,
    answer: &HttpResponse,
    challenges: &[Challenge],
    ours: Algorithm,
    clock: &dyn Clock,
) -> Error {
    if answer.status != StatusCode::UNAUTHORIZED {
        return error;
    }
    if let Some(listed) = unsupported(challenges, ours) {
        let why = format!("the server takes proofs by {}, and `dpop_algorithm` is {}", shown(listed), ours.as_str());
        let refused = Error::new(Code::PopInvalid, error.message()).sent(error.sent_state()).with_note(&why);
        let refused = refused.with_status(answer.status.as_u16());
        return match error.request_id() {
            Some(id) => refused.with_request_id(id),
            None => refused,
        };
    }
    match skew::diagnosis(&answer.headers, clock.now()) {
        Some(skew) => error.with_note(&skew),
        None => error,
    }
}

/// What a refused call means for the security log.
pub(super) fn activity(code: Code) -> Option<Activity> {
    match code {
        Code::PopReplayed => Some(Activity::Replay),
        Code::CertMismatch => Some(Activity::BindingMismatch),
        Code::TokenExpired | Code::TokenInvalid | Code::PopInvalid | Code::PopMissing | Code::ScopeMissing => {
            Some(Activity::CallNotAuthorized)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;
    use crate::clock::TestClock;

    fn answer(fields: &[&str]) -> HttpResponse {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::WWW_AUTHENTICATE, field.parse().unwrap());
        }
        HttpResponse { status: StatusCode::UNAUTHORIZED, headers, body: Bytes::new(), facts: None }
    }

    fn reaction(fields: &[&str], profile: Profile) -> Reaction {
        let answer = answer(fields);
        to(&answer, &challenges(&answer), profile, Algorithm::Es256)
    }

    #[test]
    fn negative_n27_of_several_challenges_the_one_of_our_scheme_counts_whatever_its_case() {
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let nonce = format!(r#"{scheme} error="use_dpop_nonce", algs="ES256 PS256""#);
            let bearer = r#"Bearer realm="a, b", error="invalid_token""#;
            let both = format!("{bearer}, {nonce}");
            for fields in [&[nonce.as_str()][..], &[bearer, &nonce], &[&nonce, bearer], &[&both]] {
                assert_eq!(reaction(fields, Profile::Dpop), Reaction::Nonce, "{fields:?}");
            }
        }
        let both = [r#"DPoP error="use_dpop_nonce""#, r#"Bearer error="invalid_token""#];
        assert_eq!(reaction(&both, Profile::CertificateBound), Reaction::Token);
        assert_eq!(reaction(&["Basic realm=x"], Profile::Dpop), Reaction::Nothing);
        assert_eq!(reaction(&[r#"Bearer error="invalid_token""#], Profile::Dpop), Reaction::Token, "an older server");
    }

    #[test]
    fn negative_n27_the_list_of_algorithms_is_honoured() {
        let without = [r#"DPoP error="use_dpop_nonce", algs="PS256 EdDSA""#];
        assert_eq!(reaction(&without, Profile::Dpop), Reaction::Nothing, "a nonce would not help");
        let answer = answer(&without);
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        let error = Error::new(Code::UseDpopNonce, "tenders.create: 401");
        let error = explained(error, &answer, &challenges(&answer), Algorithm::Es256, &clock);
        assert_eq!(error.code(), Code::PopInvalid);
        assert!(error.message().contains("PS256 EdDSA") && error.message().contains("ES256"), "{error}");
        for list in ["ES256", "PS256 ES256", "", " "] {
            let field = format!(r#"DPoP error="use_dpop_nonce", algs="{list}""#);
            assert_eq!(reaction(&[&field], Profile::Dpop), Reaction::Nonce, "{list:?}");
        }
    }
}
