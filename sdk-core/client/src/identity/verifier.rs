//! The one verifier of peers: path, validity, purpose, revocation and name, whichever kind of name it is. No library
//! checks SPIFFE names and revocation lists together (A§0.4), so the path is built with webpki here.

use std::fmt;
use std::sync::Arc;

use gladhand_documents::error::{Code, Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertRevocationListError, CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};

use super::{Anchors, RevocationLists, SpiffeId, Trust, svid};
use crate::config::CarrierConfig;

/// Which peer is the carrier. There is no "any".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorizer {
    /// Whoever has a certificate for the host that is dialled.
    DialledHost,
    /// Whoever has a certificate for this name, whatever is dialled.
    Name(ServerName<'static>),
    /// Whoever has one of these SPIFFE IDs, or one in these trust domains.
    Spiffe(Vec<SpiffeId>),
}

impl Authorizer {
    /// The authorizer that a carrier's settings name. Codes: `config_missing` for SPIFFE bundles without `spiffe_id`;
    /// `config_invalid` for a name of either kind at once.
    pub fn of(carrier: &CarrierConfig, trust: &Trust) -> Result<Self> {
        let key = |leaf: &str| format!("`carriers.{}.{leaf}`", carrier.name);
        match (&carrier.server_name, carrier.spiffe_id.as_slice(), trust) {
            (Some(_), [_, ..], _) => {
                let why =
                    format!("{} and {} are both set; the carrier has one name", key("server_name"), key("spiffe_id"));
                Err(Error::new(Code::ConfigInvalid, why))
            }
            (None, ids @ [_, ..], _) => Ok(Self::Spiffe(ids.to_vec())),
            (_, [], Trust::Bundles(_)) => {
                let why = format!("{} is not set: a SPIFFE peer is known by its ID alone", key("spiffe_id"));
                Err(Error::new(Code::ConfigMissing, why))
            }
            (None, [], Trust::Roots(_)) => Ok(Self::DialledHost),
            (Some(name), [], Trust::Roots(_)) => {
                let invalid = || Error::new(Code::ConfigInvalid, format!("{} is no host name", key("server_name")));
                ServerName::try_from(name.clone()).map(Self::Name).map_err(|_| invalid())
            }
        }
    }
}

/// Why a peer is refused, where rustls has no word for it.
#[derive(Debug)]
pub(crate) struct PeerRefused {
    pub(crate) code: Code,
    why: String,
}

impl fmt::Display for PeerRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for PeerRefused {}

fn refused(code: Code, why: impl Into<String>) -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(PeerRefused { code, why: why.into() }))).into()
}

/// Verifies a peer's certificate for one carrier.
#[derive(Debug)]
pub struct PeerVerifier {
    authorizer: Authorizer,
    trust: Trust,
    revocation: RevocationLists,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PeerVerifier {
    /// A verifier of peers that `authorizer` describes and `trust` vouches for.
    pub fn new(
        authorizer: Authorizer,
        trust: Trust,
        revocation: RevocationLists,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self { authorizer, trust, revocation, algorithms }
    }

    /// Checks everything but the handshake's signature. `dialled`: the host that was asked for.
    pub fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        match &self.authorizer {
            Authorizer::DialledHost => self.verify_named(leaf, intermediates, dialled, now),
            Authorizer::Name(name) => self.verify_named(leaf, intermediates, name, now),
            Authorizer::Spiffe(ids) => self.verify_spiffe(leaf, intermediates, ids, now),
        }
    }

    fn verify_named(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let Trust::Roots(anchors) = &self.trust else {
            return Err(refused(Code::PeerNotAuthorized, "SPIFFE bundles vouch for no host name"));
        };
        self.path(leaf, anchors, intermediates, now)?;
        EndEntityCert::try_from(leaf).and_then(|leaf| leaf.verify_is_valid_for_subject_name(name)).map_err(pki_error)
    }

    fn verify_spiffe(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ids: &[SpiffeId],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let id = svid::leaf_id(leaf)
            .map_err(|why| refused(Code::ServerCertificateUntrusted, format!("the peer's certificate {why}")))?;
        let domain = id.trust_domain();
        let stranger = || refused(Code::PeerNotAuthorized, format!("the peer is {id}, which is not the carrier"));
        if !ids.iter().any(|known| known.trust_domain() == domain) {
            return Err(stranger());
        }
        let anchors = match &self.trust {
            Trust::Roots(anchors) => anchors,
            // Its own trust domain's bundle alone: another domain's authority cannot vouch for it.
            Trust::Bundles(bundles) => bundles.get(domain).ok_or_else(|| {
                refused(Code::ServerCertificateUntrusted, format!("there is no bundle of the trust domain {domain}"))
            })?,
        };
        self.path(leaf, anchors, intermediates, now)?;
        if ids.iter().any(|known| known.covers(&id)) { Ok(()) } else { Err(stranger()) }
    }

    /// Path, validity, purpose and revocation; no name.
    pub(super) fn path(
        &self,
        leaf: &CertificateDer<'_>,
        anchors: &Anchors,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let leaf = EndEntityCert::try_from(leaf).map_err(pki_error)?;
        let lists: Option<Vec<&CertRevocationList<'_>>> = self.revocation.lists().map(|lists| lists.iter().collect());
        let revocation = match &lists {
            None => None,
            Some(lists) => {
                // No list at all says nothing of anyone.
                let options = RevocationOptionsBuilder::new(lists)
                    .map_err(|_| rustls::Error::from(CertificateError::UnknownRevocationStatus))?;
                let options = options
                    .with_depth(RevocationCheckDepth::Chain)
                    .with_status_policy(UnknownStatusPolicy::Deny)
                    .with_expiration_policy(ExpirationPolicy::Enforce);
                Some(options.build())
            }
        };
        let (algorithms, usage) = (self.algorithms.all, KeyUsage::server_auth());
        leaf.verify_for_usage(algorithms, anchors.anchors(), intermediates, now, usage, revocation, None)
            .map(drop)
            .map_err(pki_error)
    }
}

/// rustls' word for webpki's.
fn pki_error(error: webpki::Error) -> rustls::Error {
    use webpki::Error as E;
    match error {
        E::BadDer | E::BadDerTime | E::TrailingData(_) => CertificateError::BadEncoding.into(),
        E::CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before }.into(),
        E::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after }.into(),
        E::UnknownIssuer => CertificateError::UnknownIssuer.into(),
        E::CertNotValidForName(context) => {
            CertificateError::NotValidForNameContext { expected: context.expected, presented: context.presented }.into()
        }
        E::CertRevoked => CertificateError::Revoked.into(),
        E::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus.into(),
        E::CrlExpired { time, next_update } => {
            CertificateError::ExpiredRevocationListContext { time, next_update }.into()
        }
        E::IssuerNotCrlSigner => CertRevocationListError::IssuerInvalidForCrl.into(),
        E::InvalidCrlSignatureForPublicKey
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => CertRevocationListError::BadSignature.into(),
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature.into(),
        other => CertificateError::Other(OtherError(Arc::new(other))).into(),
    }
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, dialled, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
