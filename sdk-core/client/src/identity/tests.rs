use std::path::Path;

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rcgen::KeyPair;

use super::*;
use crate::clock::TestClock;
use crate::config::PemSource;
use crate::secret::Secret;
use crate::testing::Ca;

fn clock() -> TestClock {
    TestClock::at("2026-02-20T08:00:00Z".parse().unwrap())
}

fn inline(text: impl Into<String>) -> PemSource {
    PemSource::Inline(Secret::new(text))
}

fn config(certificate: PemSource, key: &str, trust: &str) -> IdentityConfig {
    let pem = PemIdentity { certificate, private_key: inline(key), trust: inline(trust) };
    IdentityConfig { source: IdentitySource::Pem(pem), crl: None }
}

fn load(certificate: &str, key: &str, trust: &str) -> Result<Material> {
    Material::load(&config(inline(certificate), key, trust), &clock())
}

#[test]
fn a_matching_pair_inside_its_validity_is_taken() {
    let ca = Ca::new();
    let (certificate, key) = ca.client("spiffe://sandbox.gladhand.test/tms/acme");
    let identity = load(&certificate, &key, &ca.pem()).unwrap();
    assert_eq!(identity.facts().uris(), ["spiffe://sandbox.gladhand.test/tms/acme"]);
    assert_eq!(identity.facts().thumbprint().len(), 43);
    assert!(!format!("{identity:?}").contains("PRIVATE"));
}

#[test]
fn a_key_is_read_in_each_of_its_three_forms() {
    let (ca, pem) = (Ca::new(), |label: &str, der: &[u8]| {
        let body = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    });
    let elliptic = KeyPair::generate().unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, elliptic.serialized_der()).unwrap();
    let sec_1: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    assert!(load(&ca.client_with(&elliptic), &pem("EC PRIVATE KEY", sec_1.as_ref()), &ca.pem()).is_ok());
    assert!(load(&ca.client_with(&elliptic), &pem("PRIVATE KEY", elliptic.serialized_der()), &ca.pem()).is_ok());

    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    // PKCS#8 wraps PKCS#1 in 26 bytes of algorithm and lengths when the modulus has 2048 bits.
    assert!(load(&ca.client_with(&rsa), &pem("RSA PRIVATE KEY", &rsa.serialized_der()[26..]), &ca.pem()).is_ok());
    assert!(load(&ca.client_with(&rsa), &pem("PRIVATE KEY", rsa.serialized_der()), &ca.pem()).is_ok());
}

#[test]
fn a_foreign_key_is_refused() {
    let ca = Ca::new();
    let ((certificate, _), (_, key)) = (ca.client("spiffe://a/b"), ca.client("spiffe://a/c"));
    assert_eq!(load(&certificate, &key, &ca.pem()).unwrap_err().code(), Code::KeyMismatch);
}

#[test]
fn a_certificate_outside_its_validity_is_refused_before_any_connection() {
    let ca = Ca::new();
    for (from, to) in [((2020, 1, 1), (2026, 2, 20)), ((2026, 2, 21), (2030, 1, 1))] {
        let (certificate, key) = ca.client_valid("spiffe://a/b", from, to);
        let error = load(&certificate, &key, &ca.pem()).unwrap_err();
        assert_eq!(error.code(), Code::CertificateExpired);
        assert!(error.message().contains("2026-02-2"), "{error}");
    }
}

#[test]
fn an_encrypted_key_gets_a_clear_refusal() {
    let ca = Ca::new();
    let (certificate, _) = ca.client("spiffe://a/b");
    for key in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let error = load(&certificate, key, &ca.pem()).unwrap_err();
        assert_eq!(error.code(), Code::CertificateUnreadable);
        assert!(error.message().contains("is encrypted"), "{error}");
        assert!(error.message().contains("identity.private_key"), "{error}");
    }
}

#[test]
fn what_is_no_pem_is_named() {
    let ca = Ca::new();
    let (certificate, key) = ca.client("spiffe://a/b");
    for (certificate, key, trust, setting) in [
        ("", key.as_str(), ca.pem(), "identity.certificate"),
        (&certificate, "", ca.pem(), "identity.private_key"),
        (&certificate, &key, String::new(), "identity.trust"),
    ] {
        let error = load(certificate, key, &trust).unwrap_err();
        assert_eq!(error.code(), Code::CertificateUnreadable);
        assert!(error.message().contains(setting), "{error}");
    }
    let file = PemSource::File(Path::new("/nowhere/client.pem").to_owned());
    let error = Material::load(&config(file, &key, &ca.pem()), &clock()).unwrap_err();
    assert!(error.message().contains("/nowhere/client.pem"), "{error}");
}
