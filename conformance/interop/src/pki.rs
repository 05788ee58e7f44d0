//! A certificate authority made at run time: nothing here outlives the suite.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Outcome;

/// A root with its key.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    issued: std::cell::Cell<u64>,
}

/// A certificate with its key.
pub(crate) struct Pair {
    /// PEM.
    pub(crate) certificate: String,
    /// PKCS#8 PEM.
    pub(crate) key: String,
    pub(crate) der: Vec<u8>,
    serial: u64,
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("a certificate cannot be made: {error}")
}

impl Authority {
    pub(crate) fn new(name: &str) -> Outcome<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(failed)?).map_err(failed)?;
        Ok(Self { issuer, issued: std::cell::Cell::new(0) })
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A client with this URI as its name.
    pub(crate) fn client(&self, uri: &str) -> Outcome<Pair> {
        self.issue(vec![uri_name(uri)?], "client", &[ExtendedKeyUsagePurpose::ClientAuth])
    }

    /// A server at localhost and 127.0.0.1, with these URIs. It may be a client too: peers call each other.
    pub(crate) fn server(&self, uris: &[&str]) -> Outcome<Pair> {
        let mut names = vec![
            SanType::DnsName("localhost".try_into().map_err(failed)?),
            SanType::IpAddress(std::net::Ipv4Addr::LOCALHOST.into()),
        ];
        for uri in uris {
            names.push(uri_name(uri)?);
        }
        self.issue(names, "server", &[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth])
    }

    fn issue(&self, names: Vec<SanType>, common_name: &str, usages: &[ExtendedKeyUsagePurpose]) -> Outcome<Pair> {
        let serial = self.issued.get() + 1;
        self.issued.set(serial);
        let now = std::time::SystemTime::now();
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.serial_number = Some(SerialNumber::from(serial));
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = (now - std::time::Duration::from_secs(300)).into();
        params.not_after = (now + std::time::Duration::from_secs(86_400)).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages.to_vec();
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &*self.issuer).map_err(failed)?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().to_vec(), serial })
    }

    /// A list that revokes these.
    pub(crate) fn crl(&self, revoked: &[&Pair]) -> Outcome<String> {
        let now = std::time::SystemTime::now();
        let params = CertificateRevocationListParams {
            this_update: (now - std::time::Duration::from_secs(300)).into(),
            next_update: (now + std::time::Duration::from_secs(86_400)).into(),
            crl_number: SerialNumber::from(self.issued.get() + 1),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|pair| RevokedCertParams {
                    serial_number: SerialNumber::from(pair.serial),
                    revocation_time: (now - std::time::Duration::from_secs(60)).into(),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).map_err(failed)?.pem().map_err(failed)
    }
}

impl Authority {
    /// Puts a list that revokes these in place of what was there; it appears whole.
    pub(crate) fn write_crl(&self, revoked: &[&Pair], path: &Path) -> Outcome {
        // The number of a list only ever grows (RFC 5280 §5.2.3).
        self.issued.set(self.issued.get() + 1);
        let new = path.with_extension("new");
        let step = std::fs::write(&new, self.crl(revoked)?).and_then(|()| std::fs::rename(&new, path));
        step.map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Pair {
    /// base64url of the SHA-256, as in `x5t#S256`.
    pub(crate) fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.der))
    }

    /// The SHA-256 in hexadecimal, as proxies show it.
    pub(crate) fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(&self.der))
    }

    /// Puts both files in place of what was there, the key first; each appears whole.
    pub(crate) fn write(&self, certificate: &Path, key: &Path) -> Outcome {
        for (path, text) in [(key, &self.key), (certificate, &self.certificate)] {
            let new = path.with_extension("new");
            let step = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
            step.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

/// A P-256 key that signs assertions.
pub(crate) struct AssertionKey(KeyPair);

impl AssertionKey {
    pub(crate) fn new() -> Outcome<Self> {
        KeyPair::generate().map(Self).map_err(failed)
    }

    /// PKCS#8 PEM.
    pub(crate) fn private(&self) -> String {
        self.0.serialize_pem()
    }

    /// As a client publishes it: its `kid` is its thumbprint (RFC 7638).
    pub(crate) fn jwk(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.0.public_key_raw();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig" })
    }
}

fn uri_name(uri: &str) -> Outcome<SanType> {
    Ok(SanType::URI(uri.try_into().map_err(failed)?))
}
