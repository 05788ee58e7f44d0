//! A certificate authority for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};

/// A root with its key.
pub(crate) struct Ca(CertifiedIssuer<'static, KeyPair>);

type Date = (i32, u8, u8);

const FROM: Date = (2020, 1, 1);
const TO: Date = (2090, 1, 1);

impl Ca {
    pub(crate) fn new() -> Self {
        Self::named("test root")
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client certificate with this URI, and its key, as PEM.
    pub(crate) fn client(&self, uri: &str) -> (String, String) {
        self.client_valid(uri, FROM, TO)
    }

    pub(crate) fn client_valid(&self, uri: &str, from: Date, to: Date) -> (String, String) {
        let name = SanType::URI(uri.try_into().unwrap());
        self.issue(vec![name], ExtendedKeyUsagePurpose::ClientAuth, from, to)
    }

    /// A server certificate for this host name and 127.0.0.1, and its key, as PEM.
    pub(crate) fn server(&self, host: &str) -> (String, String) {
        self.server_valid(host, FROM, TO)
    }

    pub(crate) fn server_valid(&self, host: &str, from: Date, to: Date) -> (String, String) {
        let name = match host.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.try_into().unwrap()),
        };
        self.issue(vec![name], ExtendedKeyUsagePurpose::ServerAuth, from, to)
    }

    /// A client certificate for this key.
    pub(crate) fn client_with(&self, key: &KeyPair) -> String {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(key, &*self.0).unwrap().pem()
    }

    fn issue(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose, from: Date, to: Date) -> (String, String) {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &*self.0).unwrap().pem(), key.serialize_pem())
    }
}
