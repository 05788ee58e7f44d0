use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};

use super::super::base64url;
use super::*;

const X: &str = "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY";
const Y: &str = "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEwXlSTZU";

fn rsa(size: KeySize) -> String {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(RsaKeyPair::generate(size).unwrap().public_key());
    format!(r#""kty":"RSA","e":"{}","n":"{}""#, base64url(public.e), base64url(public.n))
}

fn set(keys: &[String]) -> KeySet {
    let keys: Vec<String> = keys.iter().map(|key| format!("{{{key}}}")).collect();
    KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

fn ec(more: &str) -> String {
    format!(r#""kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"{more}"#)
}

#[test]
fn negative_n29_decoys_of_the_same_kid_are_told_apart() {
    let okp = format!(r#""kty":"OKP","crv":"Ed25519","x":"{X}","kid":"k""#);
    let rsa = format!(r#"{},"kid":"k""#, rsa(KeySize::Rsa2048));
    let set = set(&[
        format!("{rsa},\"alg\":\"RS256\""),
        ec(r#","kid":"k","use":"enc""#),
        ec(r#","kid":"k","alg":"ES384""#),
        ec(r#","kid":"k","alg":"ECDH-ES""#),
        okp,
        ec(r#","kid":"k","alg":"ES256","use":"sig""#),
        ec(r#","kid":"other","alg":"ES256""#),
        r#""kty":"oct","k":"AAAA","kid":"k","alg":"ES256""#.to_owned(),
    ]);
    let of = |id, algorithm| set.candidates(id, algorithm).collect::<Vec<_>>();
    let es256 = of(Some("k"), Verification::Es256);
    assert_eq!(es256.len(), 1);
    assert_eq!(es256[0].algorithm.as_deref(), Some("ES256"));
    assert!(matches!(of(Some("k"), Verification::EdDsa)[..], [PublishedKey { jwk: Jwk::Okp { .. }, .. }]));
    assert_eq!(of(Some("k"), Verification::Rs256).len(), 1);
    assert!(of(Some("k"), Verification::Ps256).is_empty(), "the key is for RS256");
    assert!(of(Some("nobody"), Verification::Es256).is_empty());
    assert_eq!(of(None, Verification::Es256).len(), 2, "a token that names no key");
}

#[test]
fn negative_n29_keys_that_cannot_sign_are_left_out() {
    let short = format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, base64url([0x80; 128]));
    let modulus = base64url([0xb5; 256]);
    for key in [
        ec(r#","use":"enc""#),
        ec(r#","key_ops":["encrypt"]"#),
        ec(r#","key_ops":"verify""#),
        ec(r#","use":7"#),
        ec(r#","kid":7"#),
        format!(r#""kty":"EC","crv":"P-384","x":"{X}","y":"{Y}""#),
        format!(r#""kty":"EC","crv":"P-256","x":"{X}""#),
        format!(r#""kty":"EC","crv":"P-256","x":"{X}AA","y":"{Y}""#),
        format!(r#""kty":"EC","crv":"P-256","x":"{X}=","y":"{Y}""#),
        format!(r#""kty":"OKP","crv":"X25519","x":"{X}""#),
        r#""kty":"oct","k":"AAAA""#.to_owned(),
        short,
        format!(r#""kty":"RSA","e":"AQ","n":"{modulus}""#),
        format!(r#""kty":"RSA","e":"AQAA","n":"{modulus}""#),
        format!(r#""kty":"RSA","e":"AQAB","n":"AA{modulus}""#),
    ] {
        assert!(set(std::slice::from_ref(&key)).is_empty(), "{key}");
    }
    assert_eq!(set(&[rsa(KeySize::Rsa2048)]).len(), 1);
    assert_eq!(set(&[ec(r#","key_ops":["verify"]"#)]).len(), 1);
}

#[test]
fn negative_n29_only_asymmetric_algorithms_can_be_asked_for() {
    for name in ["none", "None", "", "HS256", "HS384", "HS512", "es256", "ES256K", "RS1", "RS512", "PS512", "ES384"] {
        assert_eq!(Verification::parse(name, true), None, "{name}");
    }
    assert_eq!(Verification::parse("RS256", false), None);
    assert_eq!(Verification::parse("RS256", true), Some(Verification::Rs256));
    assert_eq!(Verification::parse("Ed25519", false), Some(Verification::EdDsa));
}

#[test]
fn what_is_no_key_set_is_none_and_a_large_one_is_cut() {
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[{"kty":"EC","kty":"EC"}]}"#]
    {
        assert_eq!(KeySet::parse(text.as_bytes()), None, "{text}");
    }
    assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().is_empty());
    let many = set(&vec![ec(r#","kid":"k""#); MAX_KEYS + 1]);
    assert_eq!(many.len(), MAX_KEYS);
    assert_eq!(many.candidates(Some("k"), Verification::Es256).count(), MAX_CANDIDATES);
}
