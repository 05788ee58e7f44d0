//! Certificate authorities with intermediates, revocation lists and leaves of every kind, for the tests of the verifier.

use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CrlDistributionPoint,
    CrlIssuingDistributionPoint, DnType, ExtendedKeyUsagePurpose as Eku, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose as Ku, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

static SERIAL: AtomicU64 = AtomicU64::new(1000);

/// A root or an intermediate.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// What its leaves send beside themselves: the intermediates up to the root, PEM.
    above: String,
    pub(crate) serial: u64,
}

/// A leaf to be made. The default is a server's, valid now, for 127.0.0.1.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) names: Vec<SanType>,
    pub(crate) purposes: Vec<Eku>,
    pub(crate) usages: Vec<Ku>,
    pub(crate) is_ca: bool,
    /// Each the URIs of one distribution point.
    pub(crate) distribution_points: Vec<Vec<String>>,
    /// Valid from the first of January of this year to that of the other.
    pub(crate) from: i32,
    pub(crate) until: i32,
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            names: vec![SanType::IpAddress([127, 0, 0, 1].into())],
            purposes: vec![Eku::ServerAuth],
            usages: vec![Ku::DigitalSignature],
            is_ca: false,
            distribution_points: vec![],
            from: 2020,
            until: 2090,
        }
    }
}

impl Leaf {
    /// An X.509-SVID of these URIs.
    pub(crate) fn svid(uris: &[&str]) -> Self {
        let names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        Self { names, purposes: vec![Eku::ServerAuth, Eku::ClientAuth], ..Self::default() }
    }
}

/// A leaf: chain and key as PEM, and its serial number.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) serial: u64,
}

impl Issued {
    pub(crate) fn pair(&self) -> (String, String) {
        (self.chain.clone(), self.key.clone())
    }
}

/// A list to be made. The default revokes nobody and is valid now.
#[derive(Clone)]
pub(crate) struct List {
    pub(crate) revoked: Vec<u64>,
    pub(crate) this_update: i32,
    pub(crate) next_update: i32,
    /// The URIs of its issuing distribution point.
    pub(crate) point: Option<Vec<String>>,
}

impl Default for List {
    fn default() -> Self {
        Self { revoked: vec![], this_update: 2020, next_update: 2090, point: None }
    }
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        let (params, serial) = authority(name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, above: String::new(), serial }
    }

    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let (params, serial) = authority(name);
        let issuer = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer).unwrap();
        let above = format!("{}{}", issuer.pem(), self.above);
        Self { issuer, above, serial }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, leaf: &Leaf) -> Issued {
        let serial = SERIAL.fetch_add(1, Ordering::SeqCst);
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(serial));
        params.subject_alt_names.clone_from(&leaf.names);
        params.extended_key_usages.clone_from(&leaf.purposes);
        params.key_usages.clone_from(&leaf.usages);
        params.is_ca = if leaf.is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params.not_before = date_time_ymd(leaf.from, 1, 1);
        params.not_after = date_time_ymd(leaf.until, 1, 1);
        params.crl_distribution_points =
            leaf.distribution_points.iter().map(|uris| CrlDistributionPoint { uris: uris.clone() }).collect();
        let key = KeyPair::generate().unwrap();
        let chain = format!("{}{}", params.signed_by(&key, &*self.issuer).unwrap().pem(), self.above);
        Issued { chain, key: key.serialize_pem(), serial }
    }

    /// A client's SVID.
    pub(crate) fn client(&self) -> Issued {
        self.issue(&Leaf::svid(&["spiffe://sandbox.gladhand.test/tms/acme"]))
    }

    pub(crate) fn list(&self, list: &List) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(list.this_update, 1, 1),
            next_update: date_time_ymd(list.next_update, 1, 1),
            crl_number: SerialNumber::from(SERIAL.fetch_add(1, Ordering::SeqCst)),
            issuing_distribution_point: list.point.as_ref().map(|uris| CrlIssuingDistributionPoint {
                distribution_point: CrlDistributionPoint { uris: uris.clone() },
                scope: None,
            }),
            revoked_certs: list.revoked.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// A list that revokes these.
    pub(crate) fn revoke(&self, revoked: &[u64]) -> String {
        self.list(&List { revoked: revoked.to_vec(), ..List::default() })
    }
}

fn authority(name: &str) -> (CertificateParams, u64) {
    let serial = SERIAL.fetch_add(1, Ordering::SeqCst);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from(serial));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![Ku::KeyCertSign, Ku::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    (params, serial)
}
