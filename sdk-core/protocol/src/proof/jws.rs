//! The compact serialization of a JSON Web Signature (RFC 7515 §7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::error::Result;

use super::signer::Signer;

/// Signs `payload` under a protected header that is already base64url: `header.payload.signature`.
pub fn sign(encoded_header: &str, payload: &[u8], signer: &dyn Signer) -> Result<String> {
    // 86 characters of signature and two dots.
    let mut jws = String::with_capacity(encoded_header.len() + payload.len() * 4 / 3 + 92);
    jws.push_str(encoded_header);
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut jws);
    let signature = signer.sign(jws.as_bytes())?;
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
    Ok(jws)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::Ed25519KeyPair;

    use super::super::base64url;
    use super::super::signer::Ed25519Key;
    use super::*;

    #[test]
    fn rfc_8037_appendix_a_4() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = Ed25519Key::new(Ed25519KeyPair::from_seed_unchecked(&seed).unwrap());
        let jws = sign(&base64url(r#"{"alg":"EdDSA"}"#), b"Example of Ed25519 signing", &key).unwrap();
        assert_eq!(
            jws,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }
}
