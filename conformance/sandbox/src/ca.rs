//! The sandbox's own certificate authority: P-256 throughout, made at start, gone with the folder it was written to.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use gladhand_documents::error::{Code, Error, Result};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that can issue.
pub struct Authority {
    pem: String,
    key_pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The carrier: server, and client when it delivers webhooks.
    Carrier,
    /// A client of the carrier.
    Client,
}

/// A certificate with its key.
pub struct Pair {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The PKCS#8 key in PEM.
    pub key_pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Pair {
    /// The chain as rustls wants it.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.clone()]
    }

    /// The key as rustls wants it.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

impl Authority {
    /// A new authority, valid for a year.
    pub fn generate(name: &str) -> Result<Self> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        validity(&mut params, -1, 365);
        let certificate = params.self_signed(&key).map_err(failed)?;
        let (pem, der, key_pem) = (certificate.pem(), certificate.der().clone(), key.serialize_pem());
        Ok(Self { pem, key_pem, der, issuer: Issuer::new(params, key) })
    }

    /// The authority that another sandbox wrote to `dir`, so that two carriers share one trust root.
    pub fn load(dir: &Path) -> Result<Self> {
        let read = |file: &str| {
            std::fs::read_to_string(dir.join(file)).map_err(|e| {
                Error::new(Code::SandboxFailed, format!("cannot read `{file}` of the other sandbox")).caused_by(&e)
            })
        };
        let (pem, key_pem) = (read("ca.pem")?, read("ca-key.pem")?);
        let key = KeyPair::from_pem(&key_pem).map_err(failed)?;
        let der = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes())
            .map_err(|e| Error::new(Code::SandboxFailed, "`ca.pem` holds no certificate").caused_by(&e))?;
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(failed)?;
        Ok(Self { pem, key_pem, der, issuer })
    }

    /// The trust root in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The authority's key in PEM, for a second sandbox.
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The trust root in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Issues a certificate whose identity is `uri`, valid from `from_days` to `to_days` from today.
    pub fn issue(&self, usage: Usage, common_name: &str, uri: &str, (from_days, to_days): (i64, i64)) -> Result<Pair> {
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names.push(SanType::URI(uri.try_into().map_err(failed)?));
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        if usage == Usage::Carrier {
            params.subject_alt_names.push(SanType::DnsName("localhost".try_into().map_err(failed)?));
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, from_days, to_days);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Pair {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        })
    }
}

/// Sets the validity, in days from today; whole days are enough here.
fn validity(params: &mut CertificateParams, from_days: i64, to_days: i64) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let day = |days: i64| {
        let date = today.saturating_add(days.days());
        date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(from_days);
    params.not_after = day(to_days);
}

fn failed(error: rcgen::Error) -> Error {
    Error::new(Code::SandboxFailed, "a certificate could not be made").caused_by(&error)
}
