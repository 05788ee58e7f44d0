//! The peer verifier over NIST's PKITS, the sections on revocation lists (`conformance/vectors/pkits`). It may be stricter
//! than the suite, in the cases of [`STRICTER`] and in no other; it may never be laxer.

use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use serde::Deserialize;

use super::verifier::{Authorizer, PeerVerifier};
use super::{Anchors, RevocationLists, Trust};

/// Cases that PKITS calls valid and that are refused here: section, the error, and why that is right for us.
const STRICTER: &[(&str, &str, &str)] = &[
    (
        "4.4.19",
        "BadSignature",
        "an authority that signs lists with another key than certificates: one key per authority",
    ),
    (
        "4.14.1",
        "UnknownRevocationStatus",
        "a distribution point named by directory: only points named by URI are matched",
    ),
    ("4.14.4", "UnknownRevocationStatus", "as 4.14.1, relative to the list's issuer"),
    ("4.14.5", "UnsupportedCrlIssuingDistributionPoint", "a list whose point is named relative to its issuer"),
    ("4.14.7", "UnsupportedCrlIssuingDistributionPoint", "as 4.14.5"),
    ("4.14.13", "UnsupportedCrlIssuingDistributionPoint", "a list for authorities alone whose point has no name"),
    ("4.14.18", "UnsupportedRevocationReasonsPartitioning", "lists divided by reason: several lists for one answer"),
    ("4.14.19", "UnsupportedRevocationReasonsPartitioning", "as 4.14.18"),
    ("4.14.22", "UnsupportedIndirectCrl", "a list that speaks for certificates of other authorities"),
    ("4.14.24", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.14.25", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.14.28", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.14.29", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.14.30", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.14.33", "UnsupportedIndirectCrl", "as 4.14.22"),
    ("4.15.2", "UnsupportedDeltaCrl", "a list of changes since another list: whole lists alone are taken"),
    ("4.15.5", "UnsupportedDeltaCrl", "as 4.15.2"),
    ("4.15.7", "UnsupportedDeltaCrl", "as 4.15.2"),
    ("4.15.8", "UnsupportedDeltaCrl", "as 4.15.2"),
];

#[derive(Deserialize)]
struct Index {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    section: String,
    leaf: String,
    authorities: Vec<String>,
    lists: Vec<String>,
    valid: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/pkits")
}

fn certificate(name: &str) -> CertificateDer<'static> {
    std::fs::read(folder().join("certs").join(name)).unwrap().into()
}

/// Whether the verifier takes the leaf of this case; the error where it does not.
fn outcome(case: &Case) -> Result<(), String> {
    let lists: Vec<CertificateRevocationListDer<'_>> =
        case.lists.iter().map(|name| std::fs::read(folder().join("crls").join(name)).unwrap().into()).collect();
    // A list that is not understood denies everyone: the client does not start with it, or keeps the last good ones.
    let revocation = RevocationLists::new(&lists).map_err(|error| format!("{error:?}"))?;
    let anchors = Anchors::new(vec![certificate("TrustAnchorRootCertificate.crt")]).unwrap();
    let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
    let verifier = PeerVerifier::new(Authorizer::DialledHost, Trust::Roots(anchors.clone()), revocation, algorithms);
    let authorities: Vec<_> = case.authorities.iter().map(|name| certificate(name)).collect();
    // 1 June 2026: inside the validity of the suite.
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_780_272_000));
    verifier.path(&certificate(&case.leaf), &anchors, &authorities, now).map_err(|error| format!("{error:?}"))
}

#[test]
fn negative_n04_pkits_every_case_about_revocation_lists() {
    let index: Index = serde_json::from_slice(&std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    assert_eq!(index.cases.len(), 68);
    let mut wrong = Vec::new();
    for case in &index.cases {
        let outcome = outcome(case);
        let stricter = STRICTER.iter().find(|(section, _, _)| *section == case.section);
        let as_told = match (&outcome, stricter) {
            (Ok(()), None) => case.valid,
            (Err(_), None) => !case.valid,
            (Err(error), Some((_, expected, _))) => case.valid && error.contains(expected),
            (Ok(()), Some(_)) => false,
        };
        if !as_told {
            wrong.push(format!("{} {} valid={}: {outcome:?}", case.section, case.leaf, case.valid));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn negative_n04_pkits_what_is_revoked_is_refused_for_that_reason() {
    let index: Index = serde_json::from_slice(&std::fs::read(folder().join("index.json")).unwrap()).unwrap();
    for section in ["4.4.2", "4.4.3", "4.4.15", "4.4.18"] {
        let case = index.cases.iter().find(|case| case.section == section).unwrap();
        assert_eq!(outcome(case).unwrap_err(), "InvalidCertificate(Revoked)", "{section}");
    }
}
