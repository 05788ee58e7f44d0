//! A signed token taken apart (RFC 7515 §7.1), strictly: three parts, base64url without padding, white space or stray bits,
//! JSON without duplicate members, no extension that must be understood. It trusts nothing of what it reads: header members
//! that carry or point to keys (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use gladhand_documents::json::Document;

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// A signed text in its parts, whatever it says. Nothing of it is verified.
#[derive(Clone)]
pub struct Signed<'a> {
    algorithm: String,
    key_id: Option<String>,
    input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A token in its parts. Nothing of it is verified.
#[derive(Clone)]
pub struct Compact<'a> {
    parts: Signed<'a>,
    claims: Document,
}

/// Whether a text means to be a signed JWT: three parts, the first of which is JSON with an `alg`, however it is spelt.
/// Everything else is opaque to a client.
pub fn means_to_be_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let lenient = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let bytes = lenient.decode(header.replace('+', "-").replace('/', "_"));
    bytes.ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok()).is_some_and(|header| {
        // A header that no parser of ours takes later is refused there, not passed as opaque here.
        header.get("alg").is_some()
    })
}

impl<'a> Compact<'a> {
    /// Takes a token apart, or says what is wrong with it.
    pub fn parse(token: &'a str) -> Result<Self, &'static str> {
        let parts = Signed::parse(token)?;
        let claims = Document::parse(&parts.payload).map_err(|_| "has claims that are not plain JSON")?;
        if !claims.root().is_object() {
            return Err("has claims that are no object");
        }
        Ok(Self { parts, claims })
    }

    /// The claims.
    pub fn claims(&self) -> &Document {
        &self.claims
    }

    /// Header and signature.
    pub fn parts(&self) -> &Signed<'a> {
        &self.parts
    }
}

impl<'a> Signed<'a> {
    /// Takes a compact serialization apart, or says what is wrong with it.
    pub fn parse(token: &'a str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err("is too large");
        }
        let (signed, signature) = token.rsplit_once('.').ok_or("has no three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("has no three parts")?;
        if payload.contains('.') {
            return Err("has more than three parts");
        }
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "is not base64url without padding");
        let (algorithm, key_id) = read_header(&decode(header)?)?;
        Ok(Self { algorithm, key_id, input: signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// `alg` as it stands there.
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// `kid`.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What the signature is over.
    pub fn signed(&self) -> &'a str {
        self.input
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl std::fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.fmt(f)
    }
}

impl std::fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// `alg` and `kid` of a protected header.
fn read_header(bytes: &[u8]) -> Result<(String, Option<String>), &'static str> {
    let header = Document::parse(bytes).map_err(|_| "has a header that is not plain JSON")?;
    let root = header.root();
    if !root.is_object() {
        return Err("has a header that is no object");
    }
    // RFC 7515 §4.1.11: whoever does not understand what is critical must refuse. We understand no extension, and RFC 7797
    // (`b64`) is one.
    if root.get("crit").is_some() || root.get("b64").is_some() {
        return Err("has a header with an extension that must be understood");
    }
    let text = |name: &str| match root.get(name) {
        None => Ok(None),
        Some(value) => {
            value.text().map(|text| Some(text.into_owned())).ok_or("has a header with a member of a wrong type")
        }
    };
    Ok((text("alg")?.ok_or("has no alg")?, text("kid")?))
}

#[cfg(test)]
mod tests {
    use super::super::base64url;
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        format!("{}.{}.{}", base64url(header), base64url(claims), base64url("sig"))
    }

    #[test]
    fn a_token_is_taken_apart() {
        let text = token(r#"{"alg":"ES256","kid":"k1","jku":"https://evil.example","jwk":{"kty":"EC"}}"#, r#"{"a":1}"#);
        let compact = Compact::parse(&text).unwrap();
        let parts = compact.parts();
        assert_eq!((parts.algorithm(), parts.key_id()), ("ES256", Some("k1")));
        assert_eq!((compact.claims().as_str(), parts.signature()), (r#"{"a":1}"#, &b"sig"[..]));
        assert_eq!(parts.signed(), text.rsplit_once('.').unwrap().0);
    }

    #[test]
    fn negative_n29_a_token_that_is_not_strictly_one_is_refused() {
        let good = token(r#"{"alg":"ES256"}"#, "{}");
        let (head, rest) = good.split_once('.').unwrap();
        let padded = base64::engine::general_purpose::URL_SAFE.encode(r#"{"alg":"ES256" }"#);
        assert!(padded.ends_with('='));
        for (text, why) in [
            (format!("{head}.{rest}.x"), "three parts"),
            (head.to_owned(), "three parts"),
            (format!("{padded}.{rest}"), "base64url"),
            (format!(" {good}"), "base64url"),
            (format!("{good}\n"), "base64url"),
            (good.replacen('.', "\n.", 1), "base64url"),
            (format!("{}.{rest}", head.replace('J', "+")), "base64url"),
            (token(r#"{"alg":"ES256","alg":"none"}"#, "{}"), "plain JSON"),
            (token(r#"{"alg":"ES256"}"#, r#"{"iss":"a","iss":"b"}"#), "plain JSON"),
            (token(r#"{"alg":"ES256","crit":["exp"]}"#, "{}"), "extension"),
            (token(r#"{"alg":"ES256","crit":[]}"#, "{}"), "extension"),
            (token(r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, "{}"), "extension"),
            (token(r#"{"alg":"ES256","b64":true}"#, "{}"), "extension"),
            (token(r#"{"alg":["ES256"]}"#, "{}"), "wrong type"),
            (token(r#"{"alg":"ES256","kid":7}"#, "{}"), "wrong type"),
            (token(r#"{"kid":"k"}"#, "{}"), "no alg"),
            (token("[]", "{}"), "no object"),
            (token(r#"{"alg":"ES256"}"#, "[]"), "no object"),
            (token(r#"{"alg":"ES256"}"#, &format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_TOKEN_BYTES))), "too large"),
        ] {
            let refused = Compact::parse(&text).unwrap_err();
            assert!(refused.contains(why), "{refused}: {text:.80}");
        }
        // Bits that no byte needs would let one token have two spellings.
        let mut stray = good.clone();
        stray.pop();
        stray.push('1');
        assert_eq!(base64url("sig").len() % 4, 0, "three bytes leave no stray bits");
        let two = format!("{head}.{}.{}", rest.split_once('.').unwrap().0, "c2k");
        assert!(Compact::parse(&two).is_ok());
        assert!(Compact::parse(&format!("{}l", &two[..two.len() - 1])).is_err());
    }

    #[test]
    fn what_means_to_be_a_token_is_not_opaque() {
        let padded = base64::engine::general_purpose::URL_SAFE.encode(r#"{"alg":"ES256" }"#);
        for text in
            [token(r#"{"alg":"none"}"#, "{}"), format!("{padded}.e30=.AA=="), token(r#"{"alg":1,"alg":2}"#, "x")]
        {
            assert!(means_to_be_jwt(&text), "{text}");
        }
        for text in ["opaque", "a.b.c", "", "e30.e30.e30", "e30.e30.e30.e30", "eyJhbGciOiJub25lIn0.a"] {
            assert!(!means_to_be_jwt(text), "{text}");
        }
    }
}
