//! What a failed exchange means, read from the types in the chain of causes and never from a message.

use std::error::Error as Cause;
use std::{fmt, io};

use gladhand_documents::error::{Code, Error, Sent};
use hyper_util::client::legacy::Error as LegacyError;
use rustls::{AlertDescription, CertificateError};

use crate::identity::verifier::PeerRefused;

/// A refusal of ours on its way through a library's errors.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) Error);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.message())
    }
}

impl Cause for Refusal {}

/// Whether a pooled connection was found closed when the request was to be put on it, or another request's connection
/// that this one waited for came to nothing. Only to be believed together with [`super::tracked::Left`].
pub(super) fn was_stale(error: &LegacyError) -> bool {
    if tls_failure(error, "").is_some() {
        return false;
    }
    match find::<hyper::Error>(error) {
        Some(error) => error.is_canceled() || error.is_closed(),
        // A connection of its own that failed has a cause of the operating system or of ours.
        None => error.is_connect() && find::<io::Error>(error).is_none(),
    }
}

/// The error of a connection that could not be made.
pub(super) fn of_connection(error: &(dyn Cause + 'static), peer: &str) -> Error {
    let failure = tls_failure(error, peer);
    failure.unwrap_or_else(|| Error::new(Code::Connect, format!("no connection to {peer}")).caused_by(error))
}

/// The error of an answer that broke off.
pub(super) fn of_answer(error: &hyper::Error, peer: &str) -> Error {
    let lost = || Error::new(Code::ConnectionLost, format!("the connection to {peer} broke")).caused_by(error);
    tls_failure(error, peer).unwrap_or_else(lost).sent(Sent::MaybeSent)
}

/// The error of a failed exchange with `peer`. `left`: whether the request may have left. `silent`: whether the peer never
/// answered anything on this connection.
pub(super) fn of_exchange(error: &LegacyError, peer: &str, left: bool, silent: bool) -> Error {
    let sent = if error.is_connect() || !left { Sent::NotSent } else { Sent::MaybeSent };
    if let Some(failure) = tls_failure(error, peer) {
        return failure.sent(sent);
    }
    let failure = if error.is_connect() {
        Error::new(Code::Connect, format!("no connection to {peer}"))
    } else {
        let hint = ", before anything was answered on it: perhaps the client certificate was refused without a word";
        let hint = if silent { hint } else { "" };
        Error::new(Code::ConnectionLost, format!("the connection to {peer} broke{hint}"))
    };
    causes(failure, error).sent(sent)
}

/// The error of a TLS failure somewhere in the chain of causes, if there is one: for HTTP and gRPC alike.
pub fn tls_failure(error: &(dyn Cause + 'static), peer: &str) -> Option<Error> {
    if let Some(Refusal(refusal)) = find::<Refusal>(error) {
        return Some(refusal.clone());
    }
    let tls = match find::<rustls::Error>(error) {
        Some(tls) => tls.clone(),
        None => rustls::Error::AlertReceived(alert_in_text(error)?),
    };
    let (code, what) = match &tls {
        rustls::Error::InvalidCertificate(reason) => of_certificate(reason),
        rustls::Error::InvalidCertRevocationList(_) => {
            (Code::RevocationUnknown, "the revocation list that covers the peer's certificate is not acceptable")
        }
        rustls::Error::AlertReceived(alert) if ABOUT_OUR_CERTIFICATE.contains(alert) => {
            (Code::ClientCertificateRefused, "the peer refused the client certificate")
        }
        rustls::Error::NoCertificatesPresented => {
            (Code::ServerCertificateUntrusted, "the peer presented no certificate")
        }
        _ => (Code::TlsHandshake, "the TLS connection failed"),
    };
    Some(Error::new(code, format!("{peer}: {what}")).caused_by(&tls))
}

fn of_certificate(reason: &CertificateError) -> (Code, &'static str) {
    use CertificateError as E;
    match reason {
        E::Expired | E::ExpiredContext { .. } => (Code::ServerCertificateExpired, "the peer's certificate has expired"),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            (Code::ServerCertificateExpired, "the peer's certificate is not valid yet")
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            (Code::ServerNameMismatch, "the peer's certificate is for another name")
        }
        E::UnknownRevocationStatus | E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            (Code::RevocationUnknown, "no valid revocation list covers the peer's certificate")
        }
        E::Other(other) if other.0.downcast_ref::<PeerRefused>().is_some() => {
            let code = other.0.downcast_ref::<PeerRefused>().map_or(Code::PeerNotAuthorized, |refused| refused.code);
            (code, "the peer is not the carrier, or cannot prove it")
        }
        E::Revoked => (Code::ServerCertificateRevoked, "the peer's certificate is revoked"),
        E::UnknownIssuer => (Code::ServerCertificateUntrusted, "the peer's certificate leads to no configured root"),
        _ => (Code::ServerCertificateUntrusted, "the peer's certificate is not acceptable"),
    }
}

/// The alerts that a server sends when it does not like the client's certificate (RFC 8446 §6.2). `decrypt_error` is
/// one of them: a signature of ours or of our chain did not hold.
const ABOUT_OUR_CERTIFICATE: &[AlertDescription] = &[
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    AlertDescription::DecryptError,
    AlertDescription::CertificateRequired,
    AlertDescription::NoCertificate,
];

/// The alerts about the TLS policy.
const ABOUT_THE_POLICY: &[AlertDescription] = &[
    AlertDescription::HandshakeFailure,
    AlertDescription::ProtocolVersion,
    AlertDescription::InsufficientSecurity,
    AlertDescription::NoApplicationProtocol,
    AlertDescription::UnrecognisedName,
];

/// In TLS 1.3 the server judges our certificate after its own handshake is done, so the alert arrives as a read error,
/// and h2 keeps of a read error no more than its kind and its text. Compared with the very text that rustls makes.
fn alert_in_text(error: &(dyn Cause + 'static)) -> Option<AlertDescription> {
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let mut alerts = ABOUT_OUR_CERTIFICATE.iter().chain(ABOUT_THE_POLICY);
        if let Some(alert) = alerts.find(|alert| rustls::Error::AlertReceived(**alert).to_string() == text) {
            return Some(*alert);
        }
        next = error.source();
    }
    None
}

/// The first cause of type `T`. `io::Error` hides the error it wraps from `source()`, so it is opened.
fn find<'a, T: Cause + 'static>(error: &'a (dyn Cause + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|inner| find::<T>(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The chain of causes without the client's own first line, which says nothing.
fn causes(failure: Error, error: &LegacyError) -> Error {
    match error.source() {
        Some(cause) => failure.caused_by(cause),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: rustls::Error) -> Option<Code> {
        let wrapped = io::Error::other(io::Error::other(error));
        tls_failure(&wrapped, "carrier.example").map(|error| error.code())
    }

    #[test]
    fn each_reason_has_its_code() {
        use rustls::Error as E;
        for (error, expected) in [
            (E::InvalidCertificate(CertificateError::Expired), Code::ServerCertificateExpired),
            (E::InvalidCertificate(CertificateError::NotValidYet), Code::ServerCertificateExpired),
            (E::InvalidCertificate(CertificateError::NotValidForName), Code::ServerNameMismatch),
            (E::InvalidCertificate(CertificateError::UnknownIssuer), Code::ServerCertificateUntrusted),
            (E::InvalidCertificate(CertificateError::BadSignature), Code::ServerCertificateUntrusted),
            (E::InvalidCertificate(CertificateError::Revoked), Code::ServerCertificateRevoked),
            (E::AlertReceived(AlertDescription::CertificateRequired), Code::ClientCertificateRefused),
            (E::AlertReceived(AlertDescription::UnknownCA), Code::ClientCertificateRefused),
            (E::AlertReceived(AlertDescription::HandshakeFailure), Code::TlsHandshake),
            (E::DecryptError, Code::TlsHandshake),
        ] {
            assert_eq!(code(error), Some(expected));
        }
    }

    #[test]
    fn a_failure_without_tls_is_none() {
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(tls_failure(&error, "carrier.example").is_none());
    }
}
