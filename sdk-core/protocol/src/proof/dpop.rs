//! DPoP proofs (RFC 9449): one signed statement per attempt, that this key makes this request with this token and, for
//! Gladhand, with these bytes.

use std::fmt::Write as _;
use std::sync::Arc;

use gladhand_documents::error::Result;

use super::signer::{Algorithm, Signer};
use super::{base64url, jws, push_base64url_sha256, push_json_string};

/// A key that proves possession. Its protected header and thumbprint are made once.
#[derive(Clone, Debug)]
pub struct DpopKey {
    signer: Arc<dyn Signer>,
    encoded_header: Arc<str>,
    thumbprint: Arc<str>,
}

impl DpopKey {
    /// Takes a signing key over.
    pub fn new(signer: Arc<dyn Signer>) -> Self {
        let header =
            format!(r#"{{"typ":"dpop+jwt","alg":"{}","jwk":{}}}"#, signer.algorithm().as_str(), signer.jwk().to_json());
        let (encoded_header, thumbprint) = (base64url(header).into(), signer.jwk().thumbprint().into());
        Self { signer, encoded_header, thumbprint }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// The thumbprint that a token of this key carries as `cnf.jkt` (RFC 9449 §6.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// What one proof says.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The method of the request (`htm`).
    pub method: &'a str,
    /// The address of the request, as [`super::htu::normalise`] gives it (`htu`).
    pub htu: &'a str,
    /// Unique per proof, at least 96 random bits (`jti`, RFC 9449 §4.2).
    pub jti: &'a str,
    /// When the proof is made: seconds since 1970 (`iat`).
    pub issued_at: i64,
    /// The access token that goes with it; none at the token endpoint (`ath`).
    pub access_token: Option<&'a str>,
    /// The nonce that the server asked for (RFC 9449 §8 and §9).
    pub nonce: Option<&'a str>,
    /// The content as it is sent, where there is any (`gh_body`, contract 4f).
    pub body: Option<&'a [u8]>,
}

impl Proof<'_> {
    /// The proof as the value of the `DPoP` header.
    pub fn sign(&self, key: &DpopKey) -> Result<String> {
        // One allocation: names and punctuation, two hashes, the texts.
        let texts = self.jti.len() + self.method.len() + self.htu.len() + self.nonce.map_or(0, str::len);
        let mut claims = String::with_capacity(texts + 192);
        claims.push_str(r#"{"jti":"#);
        push_json_string(&mut claims, self.jti);
        claims.push_str(r#","htm":"#);
        push_json_string(&mut claims, self.method);
        claims.push_str(r#","htu":"#);
        push_json_string(&mut claims, self.htu);
        // Writing to a string cannot fail.
        let _ = write!(claims, r#","iat":{}"#, self.issued_at);
        if let Some(token) = self.access_token {
            claims.push_str(r#","ath":""#);
            push_base64url_sha256(&mut claims, token.as_bytes());
            claims.push('"');
        }
        if let Some(nonce) = self.nonce {
            claims.push_str(r#","nonce":"#);
            push_json_string(&mut claims, nonce);
        }
        if let Some(body) = self.body {
            claims.push_str(r#","gh_body":""#);
            push_base64url_sha256(&mut claims, body);
            claims.push('"');
        }
        claims.push('}');
        jws::sign(&key.encoded_header, claims.as_bytes(), &*key.signer)
    }
}

#[cfg(test)]
#[path = "dpop_tests.rs"]
pub(crate) mod tests;
