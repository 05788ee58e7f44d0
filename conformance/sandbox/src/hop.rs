//! A gateway in front that ends TLS (RFC 9440): its `Client-Cert` is believed if, and only if, the gateway's own
//! certificate is the pinned one. From anybody else the fields are taken off before anyone reads them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::peer::Peer;
use crate::security::Security;

const FIELDS: [&str; 2] = ["client-cert", "client-cert-chain"];

/// The pinned gateway, if there is one.
#[derive(Clone, Debug, Default)]
pub struct TrustedHop {
    fingerprint: Option<String>,
}

impl TrustedHop {
    /// Trusts the holder of the certificate with this SHA-256 (hex, colons allowed).
    pub fn new(fingerprint: Option<&str>) -> Self {
        let plain = |text: &str| text.replace(':', "").to_ascii_lowercase();
        Self { fingerprint: fingerprint.map(plain) }
    }

    /// Who the request comes from: the peer of the connection, or the one that the trusted gateway names. A gateway that
    /// names nobody, or names somebody illegibly, brings a request of nobody.
    pub fn identify(&self, peer: &Peer, headers: &mut HeaderMap, security: &Security) -> Peer {
        let trusted = self.fingerprint.as_ref().is_some_and(|pinned| *pinned == peer.fingerprint);
        let named: Vec<_> = headers.get_all(FIELDS[0]).iter().cloned().collect();
        let found = FIELDS.iter().filter(|field| headers.remove(**field).is_some()).count() > 0;
        if !trusted {
            if found {
                security.note("header_stripped", None, peer.fingerprint(), "client_cert_of_an_untrusted_hop");
            }
            return peer.clone();
        }
        let certificate = match named.as_slice() {
            [only] => only.to_str().ok().and_then(byte_sequence),
            _ => None,
        };
        certificate.as_deref().and_then(Peer::from_der).unwrap_or_else(|| {
            security.note("mismatch", None, peer.fingerprint(), "client_cert_missing_or_malformed");
            Peer::nobody()
        })
    }
}

/// A byte sequence of structured fields (RFC 8941 §3.3.5): base64 between colons.
fn byte_sequence(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim().strip_prefix(':')?.strip_suffix(':')?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::{Authority, Wanted};

    fn peer(uri: &str) -> (Peer, String) {
        let pair = Authority::root("x").unwrap().issue(&Wanted::client("x", uri)).unwrap();
        let der = pair.chain()[0].clone();
        (Peer::from_der(&der).unwrap(), format!(":{}:", STANDARD.encode(&der)))
    }

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|v| (http::header::HeaderName::from_static("client-cert"), v.parse().unwrap())).collect()
    }

    #[test]
    fn only_the_pinned_gateway_is_believed() {
        let (hop, _) = peer("spiffe://a/hop");
        let (client, field) = peer("spiffe://a/client");
        let security = Security::default();
        let pinned = TrustedHop::new(Some(&hop.fingerprint.to_uppercase()));
        let mut told = headers(&[&field]);
        assert_eq!(pinned.identify(&hop, &mut told, &security), client);
        assert!(told.is_empty());
        // Somebody else says the same, and a listener without a gateway hears it.
        for (door, from) in [(&pinned, &client), (&TrustedHop::default(), &hop)] {
            let mut told = headers(&[&field]);
            told.insert("client-cert-chain", field.parse().unwrap());
            assert_eq!(door.identify(from, &mut told, &security), *from);
            assert!(told.is_empty());
        }
        // Nothing, rubbish, or two of them.
        for values in [&[][..], &[":AAAA:"], &["plain"], &[&field, &field]] {
            assert_eq!(pinned.identify(&hop, &mut headers(values), &security), Peer::nobody());
        }
        assert_eq!(security.to_json(0)["facts"].as_array().unwrap().len(), 6);
    }
}
