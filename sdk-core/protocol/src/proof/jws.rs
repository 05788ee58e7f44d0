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
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, UnparsedPublicKey,
    };

    use super::super::base64url;
    use super::super::signer::{Ed25519Key, Es256Key};
    use super::*;

    #[test]
    fn rfc_7515_appendix_a_3_has_the_form_that_we_make() {
        // ECDSA signatures differ each time: ours and the example's are checked by the same key, and look alike.
        let (x, y, d) = (
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        );
        let payload = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let public = [&[4][..], &decode(x), &decode(y)].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &decode(d), &public);
        let ours = sign(&base64url(r#"{"alg":"ES256"}"#), payload, &Es256Key::new(pair.unwrap()).unwrap()).unwrap();
        let example = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let (signed, _) = example.rsplit_once('.').unwrap();
        assert!(ours.starts_with(&format!("{signed}.")) && ours.len() == example.len());
        for jws in [ours.as_str(), example] {
            let (signed, signature) = jws.rsplit_once('.').unwrap();
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
            assert!(key.verify(signed.as_bytes(), &decode(signature)).is_ok());
        }
    }

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
