//! What a broken stream means, as an error of the one table.

use gladhand_documents::error::{Code, Error, Sent};
use gladhand_documents::telemetry::wire::{GoAway, GoAwayReason};
use tonic::Status;

use crate::transport::tls_failure;

/// The trailer that carries a code of the error table.
const CODE: &str = "gladhand-code";

/// The error of a stream that ended with a status.
pub(super) fn of_status(status: &Status, peer: &str) -> Error {
    if let Some(failure) = tls_failure(status, peer) {
        return failure.sent(Sent::NotSent);
    }
    let named = status.metadata().get(CODE).and_then(|code| code.to_str().ok()).and_then(Code::parse);
    let code = named.unwrap_or(match status.code() {
        tonic::Code::Unauthenticated => Code::TokenInvalid,
        tonic::Code::PermissionDenied => Code::TelemetryRefused,
        tonic::Code::Unavailable => Code::Connect,
        tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
        tonic::Code::ResourceExhausted => Code::RateLimited,
        tonic::Code::InvalidArgument | tonic::Code::Unimplemented | tonic::Code::NotFound => Code::UnexpectedAnswer,
        _ => Code::ConnectionLost,
    });
    Error::new(code, format!("{peer}: {}", status.message())).caused_by(status).sent(Sent::Acknowledged)
}

/// The error of a stream that the collector ended.
pub(super) fn of_go_away(end: &GoAway, peer: &str) -> Error {
    let code = match end.reason() {
        GoAwayReason::TokenExpired => Code::TokenExpired,
        GoAwayReason::Shutdown | GoAwayReason::Unspecified => Code::ConnectionLost,
        GoAwayReason::ProtocolViolation => Code::UnexpectedAnswer,
        GoAwayReason::Superseded | GoAwayReason::Unauthorized => Code::TelemetryRefused,
    };
    let reason = end.reason().as_str_name().trim_start_matches("GO_AWAY_REASON_").to_ascii_lowercase();
    let error = Error::new(code, format!("{peer} ended the stream: {reason}, {}", end.detail)).sent(Sent::Acknowledged);
    if end.retry_after_ms > 0 { error.with_retry_after_ms(end.retry_after_ms.into()) } else { error }
}

/// Whether another token may help.
pub(super) fn is_about_the_token(error: &Error) -> bool {
    matches!(error.code(), Code::TokenExpired | Code::TokenInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_other_side_wins() {
        let mut status = Status::permission_denied("no");
        assert_eq!(of_status(&status, "x").code(), Code::TelemetryRefused);
        status.metadata_mut().insert(CODE, tonic::metadata::MetadataValue::from_static("data_sharing_denied"));
        assert_eq!(of_status(&status, "x").code(), Code::DataSharingDenied);
        assert_eq!(of_status(&Status::unavailable("no"), "x").code(), Code::Connect);
    }

    #[test]
    fn an_end_says_why_and_for_how_long() {
        let reason = GoAwayReason::Shutdown as i32;
        let error = of_go_away(&GoAway { reason, retry_after_ms: 250, detail: "soon".into() }, "https://c");
        assert_eq!((error.code(), error.retry_after_ms()), (Code::ConnectionLost, Some(250)));
        assert_eq!(error.message(), "https://c ended the stream: shutdown, soon");
    }
}
