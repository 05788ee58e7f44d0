//! What makes a certificate an X.509-SVID leaf (X509-SVID §2, §4 and §5.1).

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::SpiffeId;

/// The SPIFFE ID of a leaf. The error says which rule it breaks.
pub(super) fn leaf_id(der: &[u8]) -> Result<SpiffeId, &'static str> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| "is not X.509")?;
    let constraints = certificate.basic_constraints().map_err(|_| "has unreadable constraints")?;
    if constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("is the certificate of an authority, not of a workload");
    }
    let usage = certificate.key_usage().map_err(|_| "has an unreadable key usage")?;
    if usage.is_some_and(|usage| usage.value.key_cert_sign() || usage.value.crl_sign()) {
        return Err("may sign certificates or revocation lists, which a workload's must not");
    }
    let names = certificate.subject_alternative_name().map_err(|_| "has unreadable names")?;
    let names = names.as_ref().map_or(&[][..], |names| names.value.general_names.as_slice());
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let id = match (uris.next(), uris.next()) {
        (Some(uri), None) => SpiffeId::parse(uri).map_err(|_| "has a URI that is no SPIFFE ID")?,
        (None, _) => return Err("has no SPIFFE ID"),
        (Some(_), Some(_)) => return Err("has more than one URI"),
    };
    if id.has_path() { Ok(id) } else { Err("names a whole trust domain, not a workload") }
}
