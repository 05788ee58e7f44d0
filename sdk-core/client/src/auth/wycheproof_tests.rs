//! Wycheproof through our verifier: what attackers try on signatures and on keys. Every vector that is invalid must be refused,
//! without exception. A valid one may be refused only for a reason that stands in a table here, whose counts must match.

use std::collections::BTreeMap;

use gladhand_protocol::proof::base64url;
use gladhand_protocol::proof::compact::Signed;
use gladhand_protocol::proof::keyset::{KeySet, PublishedKey, Verification};
use serde_json::{Value, json};
use wycheproof::TestResult;

use super::verifier::{JsonWebToken, Verifier as _, is_authentic};

/// Why a valid vector is refused.
type Reasons = BTreeMap<&'static str, usize>;

fn reasons<const N: usize>(counted: [(&'static str, usize); N]) -> Reasons {
    counted.into_iter().collect()
}

const SYMMETRIC: &str = "HS256, HS384, HS512: a secret that both sides hold is never taken";
const NOT_OF_FAPI: &str = "RS384, RS512, PS384, PS512, ES512: not among ES256, PS256, EdDSA and the optional RS256";
const MALFORMED: &str = "characters that are not of base64url, which lenient readers skip (RFC 7515 §2 allows none)";
const ENCRYPTED: &str = "an encrypted token: five parts, which a client cannot and need not read";

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../conformance/vectors/wycheproof/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Whether a JWS is accepted with this key or set; else why not, where it is for a policy of ours.
fn accepted(text: &str, keys: &Value, allow_rs256: bool) -> Result<bool, &'static str> {
    let keys = if keys.get("keys").is_some() { keys.clone() } else { json!({ "keys": [keys] }) };
    let keys = KeySet::parse(keys.to_string().as_bytes()).unwrap_or_default();
    if text.split('.').count() == 5 {
        assert!(Signed::parse(text).is_err());
        return Err(ENCRYPTED);
    }
    let Ok(parts) = Signed::parse(text) else { return Err(MALFORMED) };
    match Verification::parse(parts.algorithm(), allow_rs256) {
        Some(algorithm) => Ok(is_authentic(&JsonWebToken, &keys, &parts, algorithm)),
        None if parts.algorithm().starts_with("HS") => Err(SYMMETRIC),
        None => Err(NOT_OF_FAPI),
    }
}

/// Runs a file; the number of vectors and the reasons for which valid ones were refused.
fn run(name: &str) -> (usize, Reasons) {
    let file = vectors(name);
    let (mut count, mut refused) = (0, Reasons::new());
    for group in file["testGroups"].as_array().unwrap() {
        let keys = group.get("public").unwrap_or(&group["private"]);
        for test in group["tests"].as_array().unwrap() {
            count += 1;
            let text = test.get("jws").or(test.get("jwe")).unwrap();
            // One of them is the JSON serialization, which is no text of three parts.
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            let outcome = accepted(&text, keys, true);
            match (test["result"].as_str().unwrap(), outcome) {
                ("valid", Ok(true)) | ("invalid", Ok(false) | Err(_)) => {}
                ("valid", Err(why)) => *refused.entry(why).or_default() += 1,
                (result, outcome) => panic!("{name} {} is {result}: {outcome:?}", test["tcId"]),
            }
            // Without the explicit setting RS256 is taken nowhere.
            if accepted(&text, keys, false) == Ok(true) {
                assert!(!text.starts_with(&base64url(r#"{"alg":"RS256"#)[..16]), "{name} {}", test["tcId"]);
            }
        }
    }
    assert_eq!(file["numberOfTests"].as_u64(), Some(count as u64), "{name} is whole");
    (count, refused)
}

#[test]
fn negative_n29_wycheproof_json_web_signatures() {
    assert_eq!(run("json_web_signature_test"), (401, reasons([(SYMMETRIC, 8), (MALFORMED, 2), (NOT_OF_FAPI, 20)])));
}

#[test]
fn negative_n29_wycheproof_json_web_keys() {
    assert_eq!(run("json_web_key_test"), (26, reasons([(SYMMETRIC, 4)])));
}

#[test]
fn negative_n29_wycheproof_json_web_crypto() {
    assert_eq!(run("json_web_crypto_test"), (83, reasons([(SYMMETRIC, 2), (ENCRYPTED, 2)])));
}

/// One vector of a primitive: key, message, signature, what is expected of it.
fn primitive(key: &Value, algorithm: Verification, message: &[u8], signature: &[u8]) -> bool {
    let set = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
    let key: Option<&PublishedKey> = set.candidates(None, algorithm).next();
    key.is_some_and(|key| JsonWebToken.holds(key, algorithm, message, signature))
}

fn expect(what: &str, id: usize, result: TestResult, accepted: bool, acceptable: &mut usize) {
    match result {
        TestResult::Valid => assert!(accepted, "{what} {id} is valid"),
        TestResult::Invalid => assert!(!accepted, "{what} {id} is invalid"),
        // Valid by the letter, and weak: we take none of them.
        TestResult::Acceptable => {
            *acceptable += 1;
            assert!(!accepted, "{what} {id} is weak");
        }
    }
}

/// A number without leading zeros, in base64url.
fn number(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    base64url(&bytes[zeros..])
}

#[test]
fn negative_n29_wycheproof_ecdsa_p_256_in_the_form_of_jose() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut count, mut acceptable) = (0, 0);
    for group in set.test_groups {
        // SEC1 uncompressed: 0x04, x, y.
        let point: &[u8] = group.key.key.as_ref();
        let key = json!({"kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])});
        for test in group.tests {
            count += 1;
            let accepted = primitive(&key, Verification::Es256, test.msg.as_ref(), test.sig.as_ref());
            expect("ES256", test.tc_id, test.result, accepted, &mut acceptable);
        }
    }
    assert_eq!((count, acceptable), (set.number_of_tests, 0));
}

#[test]
fn negative_n29_wycheproof_ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut count, mut acceptable) = (0, 0);
    for group in set.test_groups {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(group.key.pk.as_ref() as &[u8])});
        for test in group.tests {
            count += 1;
            let accepted = primitive(&key, Verification::EdDsa, test.msg.as_ref(), test.sig.as_ref());
            expect("EdDSA", test.tc_id, test.result, accepted, &mut acceptable);
        }
    }
    assert_eq!((count, acceptable), (set.number_of_tests, 0));
}

#[test]
fn negative_n29_wycheproof_rsa_pss_2048() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let set = TestSet::load(TestName::RsaPss2048Sha256Mgf1SaltLen32).unwrap();
    let (mut count, mut acceptable) = (0, 0);
    for group in set.test_groups {
        let key = json!({"kty": "RSA", "n": number(&group.key.n), "e": number(&group.key.e)});
        for test in group.tests {
            count += 1;
            let accepted = primitive(&key, Verification::Ps256, test.msg.as_ref(), test.sig.as_ref());
            expect("PS256", test.tc_id, test.result, accepted, &mut acceptable);
        }
    }
    assert_eq!((count, acceptable), (set.number_of_tests, 0));
}

#[test]
fn negative_n29_wycheproof_rsa_pkcs_1_2048() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let set = TestSet::load(TestName::Rsa2048Sha256).unwrap();
    let (mut count, mut acceptable) = (0, 0);
    for group in set.test_groups {
        let key = json!({"kty": "RSA", "n": number(&group.key.n), "e": number(&group.key.e)});
        for test in group.tests {
            count += 1;
            let accepted = primitive(&key, Verification::Rs256, test.msg.as_ref(), test.sig.as_ref());
            expect("RS256", test.tc_id, test.result, accepted, &mut acceptable);
        }
    }
    // Acceptable: a DigestInfo without its NULL, which PKCS #1 tolerates and RFC 7518 has no need of.
    assert_eq!((count, acceptable), (set.number_of_tests, 1));
}
