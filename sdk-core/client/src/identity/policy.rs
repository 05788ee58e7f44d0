//! The TLS policy, published (identity §1): what a connection of ours may negotiate, as constants that the configuration
//! is built from and as an API.

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::config::TlsMinimum;

/// What is allowed, by the names of the IANA registries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsPolicy {
    /// The versions, highest first.
    pub versions: Vec<&'static str>,
    /// The cipher suites, preferred first.
    pub cipher_suites: Vec<String>,
    /// The key exchange groups, preferred first.
    pub key_exchange: Vec<String>,
    /// Session resumption: never, since a resumed session keeps the identity that it began with.
    pub resumption: bool,
    /// Early data (0-RTT): never.
    pub early_data: bool,
    /// Whether a server that does not ask for our certificate is refused.
    pub client_authentication: bool,
}

/// The policy with this minimum. It is the same for HTTP and gRPC.
pub fn tls_policy(minimum: TlsMinimum) -> TlsPolicy {
    let provider = provider(minimum);
    TlsPolicy {
        versions: match minimum {
            TlsMinimum::Tls13 => vec!["TLSv1_3"],
            TlsMinimum::Tls12 => vec!["TLSv1_3", "TLSv1_2"],
        },
        cipher_suites: provider.cipher_suites.iter().map(|suite| name_of(*suite)).collect(),
        key_exchange: provider.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect(),
        resumption: false,
        early_data: false,
        client_authentication: true,
    }
}

/// The name of a suite as IANA spells it.
pub(crate) fn name_of(suite: SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// The suites of TLS 1.3 (RFC 8446 §B.4), then those of BCP 195 for TLS 1.2 (RFC 9325 §4.2).
pub(super) fn provider(minimum: TlsMinimum) -> CryptoProvider {
    use aws_lc_rs::cipher_suite as suite;
    let mut cipher_suites =
        vec![suite::TLS13_AES_256_GCM_SHA384, suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_CHACHA20_POLY1305_SHA256];
    if minimum == TlsMinimum::Tls12 {
        cipher_suites.extend([
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ]);
    }
    CryptoProvider {
        cipher_suites,
        kx_groups: vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ],
        ..aws_lc_rs::default_provider()
    }
}

/// The versions, for rustls.
pub(super) fn versions(minimum: TlsMinimum) -> Vec<&'static SupportedProtocolVersion> {
    match minimum {
        TlsMinimum::Tls13 => vec![&rustls::version::TLS13],
        TlsMinimum::Tls12 => vec![&rustls::version::TLS13, &rustls::version::TLS12],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_EXCHANGE: [&str; 4] = ["X25519MLKEM768", "X25519", "secp256r1", "secp384r1"];

    #[test]
    fn the_default_is_tls_1_3_alone() {
        let policy = tls_policy(TlsMinimum::default());
        assert_eq!(policy.versions, ["TLSv1_3"]);
        let suites = ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"];
        assert_eq!(policy.cipher_suites, suites);
        assert_eq!(policy.key_exchange, KEY_EXCHANGE);
        assert!(!policy.resumption && !policy.early_data && policy.client_authentication);
    }

    #[test]
    fn tls_1_2_has_the_four_suites_of_bcp_195_and_no_other() {
        let policy = tls_policy(TlsMinimum::Tls12);
        assert_eq!(policy.versions, ["TLSv1_3", "TLSv1_2"]);
        let suites = [
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ];
        assert_eq!(policy.cipher_suites[3..], suites);
        assert_eq!(policy.key_exchange, KEY_EXCHANGE);
    }
}
