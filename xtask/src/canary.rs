//! The canary scan: nothing that a test run printed, in any language, may hold a token, assertion, proof, nonce or key.
//!
//! Sandbox carriers append every secret that they issue or see to the file that `GLADHAND_CANARIES` names; the whole
//! output is searched for each of them, and for the shapes that secrets have.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::shell::Result;

/// Shorter ones would be found by chance.
const SHORTEST: usize = 12;

/// The file that carriers write to. Empty at the start.
pub(crate) fn file(target: &Path) -> Result<PathBuf> {
    let path = target.join("canaries.txt");
    std::fs::create_dir_all(target)
        .and_then(|()| std::fs::write(&path, ""))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// What of an output is secret: descriptions that do not repeat it. `canaries`: the text of the file.
pub(crate) fn scan(output: &str, canaries: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (number, line) in output.lines().enumerate() {
        if let Some(shape) = shape(line) {
            found.insert(format!("line {}: {shape}", number + 1));
        }
    }
    let canaries: BTreeSet<&str> = canaries.lines().filter(|line| line.len() >= SHORTEST).collect();
    for canary in canaries {
        // The kind stands before the secret, so that the finding need not repeat it.
        let (kind, secret) = canary.split_once(' ').unwrap_or(("secret", canary));
        if secret.len() >= SHORTEST && output.contains(secret) {
            found.insert(format!("a {kind} that a carrier issued or saw"));
        }
    }
    found.into_iter().collect()
}

/// The shape of a secret in a line: a private key, or a compact JWS whose header is JSON (RFC 7515 §7.1).
fn shape(line: &str) -> Option<&'static str> {
    if line.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let jws = line.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).any(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.windows(3).any(|w| w[0].starts_with("eyJ") && w[1].starts_with("eyJ") && w[2].len() > 40)
    });
    jws.then_some("a signed token, assertion or proof")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_by_shape_and_by_value() {
        let signature = "a".repeat(86);
        let output = format!("fine\nauthorization: DPoP eyJhbGciOiJ.eyJpc3MiOi.{signature}\nnonce=abcdefghijkl\n");
        assert_eq!(
            scan(&output, "nonce abcdefghijkl\nnonce zzzzzzzzzzzz\nx y\n"),
            ["a nonce that a carrier issued or saw", "line 2: a signed token, assertion or proof"]
        );
        assert_eq!(scan("-----BEGIN EC PRIVATE KEY-----", ""), ["line 1: a private key"]);
        assert!(scan("eyJhbGciOiJ.eyJpc3MiOi.short", "").is_empty());
        assert!(scan("test a_nonce_is_kept ... ok", "nonce abcdefghijkl").is_empty());
    }
}
