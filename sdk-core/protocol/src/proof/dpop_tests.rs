use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;

use super::super::signer::Es256Key;
use super::*;

pub(crate) fn key() -> Arc<dyn Signer> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Arc::new(Es256Key::new(pair).unwrap())
}

pub(crate) fn public_jwk(signer: &dyn Signer) -> jsonwebtoken::jwk::Jwk {
    serde_json::from_str(&signer.jwk().to_json()).unwrap()
}

/// Header and claims, verified by an implementation that is not ours.
fn verified(jwt: &str, signer: &dyn Signer) -> (Value, Value) {
    let mut rules = Validation::new(Algorithm::ES256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    let claims = decode::<Value>(jwt, &DecodingKey::from_jwk(&public_jwk(signer)).unwrap(), &rules).unwrap().claims;
    let header = URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap();
    (serde_json::from_slice(&header).unwrap(), claims)
}

const PLAIN: Proof<'_> = Proof {
    method: "POST",
    htu: "https://server.example.com/token",
    jti: "-BwC3ESc6acc2lTc",
    issued_at: 1_562_262_616,
    access_token: None,
    nonce: None,
    body: None,
};

#[test]
fn at_the_token_endpoint_it_has_the_claims_of_rfc_9449_section_4_2_and_no_more() {
    let signer = key();
    let jwt = PLAIN.sign(&DpopKey::new(signer.clone())).unwrap();
    let (header, claims) = verified(&jwt, &*signer);
    assert_eq!(header["typ"], "dpop+jwt");
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header["jwk"].as_object().unwrap().keys().collect::<Vec<_>>(), ["crv", "kty", "x", "y"]);
    assert_eq!(
        claims,
        serde_json::json!({"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1_562_262_616})
    );
}

#[test]
fn at_the_resource_server_it_binds_token_nonce_and_body() {
    let signer = key();
    let proof = Proof {
        // RFC 9449 §7.1: the token whose hash the example gives.
        access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        nonce: Some("eyJ7S_zG.eyJH0-Z.HX4w-7v"),
        body: Some(b""),
        ..PLAIN
    };
    let (_, claims) = verified(&proof.sign(&DpopKey::new(signer.clone())).unwrap(), &*signer);
    assert_eq!(claims["ath"], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    assert_eq!(claims["nonce"], "eyJ7S_zG.eyJH0-Z.HX4w-7v");
    // SHA-256 of no bytes (FIPS 180-4).
    assert_eq!(claims["gh_body"], "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}

#[test]
fn rfc_9449_section_4_1_is_a_proof_of_this_shape() {
    // The example of the RFC, verified here and compared with a proof of ours that says the same.
    let jwt = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap();
    let public: jsonwebtoken::jwk::Jwk = serde_json::from_value(header["jwk"].clone()).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    let theirs = decode::<Value>(jwt, &DecodingKey::from_jwk(&public).unwrap(), &rules).unwrap().claims;
    let signer = key();
    let (_, ours) = verified(&PLAIN.sign(&DpopKey::new(signer.clone())).unwrap(), &*signer);
    assert_eq!(ours, theirs);
}

#[test]
fn hostile_text_stays_text() {
    let signer = key();
    let proof = Proof { jti: "a\",\"htm\":\"GET", nonce: Some("\\\u{1}\""), ..PLAIN };
    let (_, claims) = verified(&proof.sign(&DpopKey::new(signer.clone())).unwrap(), &*signer);
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["jti"], "a\",\"htm\":\"GET");
}

#[test]
fn debug_shows_the_public_half_only() {
    let shown = format!("{:?}", DpopKey::new(key()));
    assert!(shown.contains("Es256Key") && !shown.contains("pair"), "{shown}");
}
