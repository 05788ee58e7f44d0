//! Certificate authorities: P-256 throughout, made at start, gone with the folder they were written to. A root issues
//! intermediates, an intermediate issues leaves, and each of them signs a revocation list of its own (RFC 5280).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

use gladhand_documents::error::{Code, Error, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams,
    SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use crate::clock::Clock;
use crate::random;

/// An instant some seconds from now, in the type of rcgen, which this crate cannot name.
macro_rules! instant {
    ($now:expr, $offset:expr) => {
        date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs($now.saturating_add_signed($offset))
    };
}
/// A day in seconds.
pub const DAY_S: i64 = 86_400;

/// A certificate authority that can issue and revoke.
pub struct Authority {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    serial: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    /// What a peer that knows the root only needs besides the leaf.
    between: Vec<CertificateDer<'static>>,
    revoked: Mutex<Vec<Vec<u8>>>,
}

/// What a certificate shall say.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The subject's common name.
    pub common_name: String,
    /// URI names; an SVID has exactly one.
    pub uris: Vec<String>,
    /// DNS names.
    pub dns: Vec<String>,
    /// Whether it names 127.0.0.1.
    pub loopback: bool,
    /// Extended key usage serverAuth.
    pub server: bool,
    /// Extended key usage clientAuth.
    pub client: bool,
    /// Basic constraints CA:TRUE, which no leaf may have.
    pub authority: bool,
    /// Key usage keyCertSign, which no leaf may have.
    pub cert_sign: bool,
    /// CRL distribution points, each with one address.
    pub distribution_points: Vec<String>,
    /// Seconds from now at which it begins.
    pub from_s: i64,
    /// Seconds from now at which it ends.
    pub to_s: i64,
}

impl Wanted {
    /// A client of the carrier, for a month.
    pub fn client(common_name: &str, uri: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            uris: vec![uri.to_owned()],
            dns: Vec::new(),
            loopback: false,
            server: false,
            client: true,
            authority: false,
            cert_sign: false,
            distribution_points: Vec::new(),
            from_s: -DAY_S,
            to_s: 30 * DAY_S,
        }
    }

    /// The carrier: server, and client when it delivers webhooks.
    pub fn carrier(common_name: &str, uri: &str) -> Self {
        let names = Self { dns: vec!["localhost".to_owned()], loopback: true, ..Self::client(common_name, uri) };
        Self { server: true, ..names }
    }

    /// For `seconds` from now: a second ago is when it began, so that a third of its life is a third of what is left.
    pub fn lasting(self, seconds: i64) -> Self {
        Self { from_s: -1, to_s: seconds, ..self }
    }
}

/// A certificate with its chain and key.
#[derive(Clone)]
pub struct Pair {
    /// The certificate and its intermediates in PEM.
    pub certificate_pem: String,
    /// The PKCS#8 key in PEM.
    pub key_pem: String,
    /// SHA-256 of the certificate's DER, in lower-case hex.
    pub fingerprint: String,
    /// Unix seconds at which it ends.
    pub not_after: i64,
    /// Its serial number, as its issuer revokes it.
    pub serial: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl std::fmt::Debug for Pair {
    /// The key stays out of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl Pair {
    /// The chain as rustls wants it: leaf, then intermediates.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The key as rustls wants it.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    /// The key as PKCS#8 DER.
    pub fn key_der(&self) -> &[u8] {
        &self.key
    }
}

impl Authority {
    /// A new root, valid for a year.
    pub fn root(name: &str) -> Result<Self> {
        let (key, params) = (KeyPair::generate().map_err(failed)?, authority(name, 1));
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self::new(certificate.pem(), certificate.der().clone(), key, params, Vec::new()))
    }

    /// A new intermediate, valid for a year.
    pub fn intermediate(&self, name: &str) -> Result<Self> {
        let (key, params) = (KeyPair::generate().map_err(failed)?, authority(name, 0));
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let between = [certificate.der().clone()].into_iter().chain(self.between.iter().cloned()).collect();
        Ok(Self::new(certificate.pem(), certificate.der().clone(), key, params, between))
    }

    fn new(
        pem: String,
        der: CertificateDer<'static>,
        key: KeyPair,
        params: CertificateParams,
        between: Vec<CertificateDer<'static>>,
    ) -> Self {
        let serial = params.serial_number.as_ref().map(SerialNumber::to_bytes).unwrap_or_default();
        let key_pem = key.serialize_pem();
        Self { pem, key_pem, der, serial, issuer: Issuer::new(params, key), between, revoked: Mutex::default() }
    }

    /// An authority that another sandbox wrote: its certificate and key in PEM. `root` says whether it is one.
    pub fn load(pem: &str, key_pem: &str, root: bool) -> Result<Self> {
        let key = KeyPair::from_pem(key_pem).map_err(failed)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| Error::new(Code::SandboxFailed, "the authority's file holds no certificate").caused_by(&e))?;
        let serial = x509_parser::parse_x509_certificate(&der).map(|(_, parsed)| parsed.raw_serial().to_vec());
        let serial =
            serial.map_err(|e| Error::new(Code::SandboxFailed, "the authority's certificate").caused_by(&e))?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(failed)?;
        let between = if root { Vec::new() } else { vec![der.clone()] };
        let (pem, key_pem) = (pem.to_owned(), key_pem.to_owned());
        Ok(Self { pem, key_pem, der, serial, issuer, between, revoked: Mutex::default() })
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key in PEM, for a second sandbox.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The serial number by which its issuer revokes it.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Issues a certificate.
    pub fn issue(&self, wanted: &Wanted) -> Result<Pair> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        let serial = serial();
        params.serial_number = Some(SerialNumber::from(serial.clone()));
        params.distinguished_name.push(DnType::CommonName, wanted.common_name.as_str());
        for uri in &wanted.uris {
            params.subject_alt_names.push(SanType::URI(uri.as_str().try_into().map_err(failed)?));
        }
        for name in &wanted.dns {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().map_err(failed)?));
        }
        if wanted.loopback {
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        }
        let usages = [
            (wanted.client, ExtendedKeyUsagePurpose::ClientAuth),
            (wanted.server, ExtendedKeyUsagePurpose::ServerAuth),
        ];
        params.extended_key_usages = usages.into_iter().filter(|(on, _)| *on).map(|(_, usage)| usage).collect();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if wanted.cert_sign {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        // CA:FALSE is written out: workloads ask an SVID for the extension (X509-SVID §4.1).
        params.is_ca = if wanted.authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        let points = wanted.distribution_points.iter();
        params.crl_distribution_points =
            points.map(|address| CrlDistributionPoint { uris: vec![address.clone()] }).collect();
        params.use_authority_key_identifier_extension = true;
        let now = Clock::default().unix();
        validity(&mut params, now, wanted.from_s, wanted.to_s);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        let chain: Vec<_> = [certificate.der().clone()].into_iter().chain(self.between.iter().cloned()).collect();
        let mut certificate_pem = certificate.pem();
        if !self.between.is_empty() {
            certificate_pem.push_str(&self.pem);
        }
        Ok(Pair {
            certificate_pem,
            key_pem: key.serialize_pem(),
            fingerprint: fingerprint(certificate.der()),
            not_after: now as i64 + wanted.to_s,
            serial,
            chain,
            key: key.serialize_der(),
        })
    }

    /// Revokes what it issued under this serial number; its next list says so.
    pub fn revoke(&self, serial: &[u8]) {
        let mut revoked = self.revoked.lock().expect("revoked serial numbers");
        if !revoked.iter().any(|known| known == serial) {
            revoked.push(serial.to_vec());
        }
    }

    /// Forgets every revocation.
    pub fn forgive(&self) {
        self.revoked.lock().expect("revoked serial numbers").clear();
    }

    /// Its revocation list, issued `from_s` seconds from now and due again `to_s` seconds from now.
    pub fn list(&self, from_s: i64, to_s: i64) -> Result<CertificateRevocationListDer<'static>> {
        let now = Clock::default().unix();
        let since = instant!(now, from_s);
        let revoked = self.revoked.lock().expect("revoked serial numbers");
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial.clone()),
            revocation_time: since,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: since,
            next_update: instant!(now, to_s),
            // Rises with time, as RFC 5280 §5.2.3 wants it.
            crl_number: SerialNumber::from(now),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer).map_err(failed)?.into())
    }
}

/// SHA-256 of a certificate's DER in lower-case hex: how this sandbox names certificates.
pub fn fingerprint(certificate: &[u8]) -> String {
    hex::encode(Sha256::digest(certificate))
}

fn authority(name: &str, below: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial()));
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, Clock::default().unix(), -DAY_S, 365 * DAY_S);
    params
}

/// Sixteen random bytes, positive and without leading zeros in DER.
fn serial() -> Vec<u8> {
    let mut bytes = random::bytes::<16>();
    bytes[0] = bytes[0] & 0x3f | 0x40;
    bytes.to_vec()
}

fn validity(params: &mut CertificateParams, now: u64, from_s: i64, to_s: i64) {
    params.not_before = instant!(now, from_s);
    params.not_after = instant!(now, to_s);
}

fn failed(error: rcgen::Error) -> Error {
    Error::new(Code::SandboxFailed, "a certificate could not be made").caused_by(&error)
}
