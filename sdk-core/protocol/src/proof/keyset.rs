//! Key sets that others publish (RFC 7517 §5), and which of their keys may have made a signature: chosen by `kid`, algorithm,
//! key type and use together, since servers pad their sets with decoys of the same `kid` (FAPI 2.0 §5.4.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gladhand_documents::json::{Document, Value};

use super::jwk::Jwk;
use super::roca;

/// The most keys of a set that are read.
pub const MAX_KEYS: usize = 100;

/// The most keys that are tried for one signature.
pub const MAX_CANDIDATES: usize = 8;

/// An algorithm that a signature may have been made by. There is no other: neither `none` nor any `HS*` can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verification {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: only where it is explicitly allowed.
    Rs256,
}

impl Verification {
    /// The algorithm of this JOSE name. `None` for one that is never taken, and for RS256 unless it is allowed.
    pub fn parse(name: &str, allow_rs256: bool) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "PS256" => Some(Self::Ps256),
            "RS256" if allow_rs256 => Some(Self::Rs256),
            _ => None,
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Es256 => &["ES256"],
            Self::EdDsa => &["EdDSA", "Ed25519"],
            Self::Ps256 => &["PS256"],
            Self::Rs256 => &["RS256"],
        }
    }
}

/// A published public key that signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    jwk: Jwk,
    id: Option<String>,
    algorithm: Option<String>,
}

impl PublishedKey {
    /// Reads a JWK. `None` for a key that cannot have signed anything we take: symmetric, for encryption, of another curve,
    /// too short, malformed.
    pub fn read(value: Value<'_>) -> Option<Self> {
        let text = |name: &str| match value.get(name) {
            None => Some(None),
            Some(member) => member.text().map(|text| Some(text.into_owned())),
        };
        let uses_it_for_signatures = text("use")?.is_none_or(|purpose| purpose == "sig")
            && value
                .get("key_ops")
                .is_none_or(|ops| ops.is_array() && ops.items().any(|op| op.text().is_some_and(|op| op == "verify")));
        if !uses_it_for_signatures {
            return None;
        }
        let required = |name: &str| text(name)?;
        let jwk = match required("kty")?.as_str() {
            "EC" => Jwk::Ec { crv: required("crv")?, x: required("x")?, y: required("y")? },
            "OKP" => Jwk::Okp { crv: required("crv")?, x: required("x")? },
            "RSA" => Jwk::Rsa { e: required("e")?, n: required("n")? },
            _ => return None,
        };
        is_sound(&jwk).then_some(Self { jwk, id: text("kid")?, algorithm: text("alg")? })
    }

    /// The key itself.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// Its `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it may have signed by this algorithm.
    pub fn fits(&self, algorithm: Verification) -> bool {
        let of_type = matches!(
            (&self.jwk, algorithm),
            (Jwk::Ec { .. }, Verification::Es256)
                | (Jwk::Okp { .. }, Verification::EdDsa)
                | (Jwk::Rsa { .. }, Verification::Ps256 | Verification::Rs256)
        );
        of_type && self.algorithm.as_deref().is_none_or(|name| algorithm.names().contains(&name))
    }
}

/// Lengths and ranges (RFC 7518 §6). Whether an EC point lies on its curve is checked where it is used.
fn is_sound(jwk: &Jwk) -> bool {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    match jwk {
        Jwk::Ec { crv, x, y } => crv == "P-256" && bytes(x).len() == 32 && bytes(y).len() == 32,
        Jwk::Okp { crv, x } => crv == "Ed25519" && bytes(x).len() == 32,
        Jwk::Rsa { e, n } => {
            let (e, n) = (bytes(e), bytes(n));
            let bits = n.first().map_or(0, |top| n.len() * 8 - top.leading_zeros() as usize);
            // An exponent of one signs nothing (Wycheproof); an even one is no exponent.
            let exponent = e.len() <= 8 && e.last().is_some_and(|last| last % 2 == 1) && e != [1];
            n.first() != Some(&0) && (2048..=8192).contains(&bits) && exponent && !roca::is_vulnerable(&n)
        }
    }
}

/// A published set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<PublishedKey>);

impl KeySet {
    /// Reads a set; keys that cannot sign are left out. `None` where the text is no key set: not JSON, duplicate members, no
    /// array `keys`.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let document = Document::parse(bytes).ok()?;
        let keys = document.at("/keys").filter(|keys| keys.is_array())?;
        Some(Self(keys.items().take(MAX_KEYS).filter_map(PublishedKey::read).collect()))
    }

    /// How many keys can sign.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key can sign.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have made a signature. A token that names no key may be of any.
    pub fn candidates<'a>(
        &'a self,
        key_id: Option<&'a str>,
        algorithm: Verification,
    ) -> impl Iterator<Item = &'a PublishedKey> {
        let named = move |key: &&PublishedKey| key_id.is_none_or(|id| key.id() == Some(id));
        self.0.iter().filter(named).filter(move |key| key.fits(algorithm)).take(MAX_CANDIDATES)
    }
}

#[cfg(test)]
#[path = "keyset_tests.rs"]
mod tests;
