//! Negative cases of SPIFFE peers, each against a TLS server.

use std::collections::BTreeMap;

use gladhand_documents::error::{Code, Sent};
use rcgen::{KeyUsagePurpose as Usage, SanType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::material::signing_key;
use super::{Anchors, Material, RevocationLists, Trust};
use crate::testing::{Authority, Leaf, Party, Reply, Seen, Server, Tls, get};

const ID: &str = "spiffe://carrier.example/api";

fn ok(_: &Seen) -> Reply {
    Reply::Answer(200, vec![], "fine".to_owned())
}

fn anchors(roots: &[&Authority]) -> Anchors {
    Anchors::new(roots.iter().map(|root| CertificateDer::from_pem_slice(root.pem().as_bytes()).unwrap()).collect())
        .unwrap()
}

/// Our side, with these bundles.
fn material(party: &Party, bundles: &[(&str, &[&Authority])]) -> Material {
    let chain = CertificateDer::pem_slice_iter(party.pair.0.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(party.pair.1.as_bytes()).unwrap();
    let bundles: BTreeMap<_, _> =
        bundles.iter().map(|(domain, roots)| ((*domain).to_owned(), anchors(roots))).collect();
    Material::new(chain, signing_key(&key, "test").unwrap(), Trust::Bundles(bundles), RevocationLists::none()).unwrap()
}

/// What a request to a server with this leaf comes to, for someone who knows the carrier by `known`.
async fn outcome(
    issuer: &Authority,
    leaf: &Leaf,
    known: &[&str],
    bundles: &[(&str, &[&Authority])],
) -> Result<(), Code> {
    let server = Server::start(Tls::with(issuer.issue(leaf).pair(), issuer.pem()), ok).await;
    let mut party = Party::of(issuer, &server.url);
    party.settings = party.settings.clone().spiffe_id(known.iter().copied());
    let generation = party.generation_of(material(&party, bundles)).unwrap();
    match generation.http().send(get(&server.url)).await {
        Ok(answer) => {
            let leaf_uris: Vec<String> = leaf
                .names
                .iter()
                .filter_map(|name| if let SanType::URI(uri) = name { Some(uri.to_string()) } else { None })
                .collect();
            assert_eq!(answer.facts.unwrap().peer_uris, leaf_uris);
            Ok(())
        }
        Err(error) => {
            assert_eq!(error.sent_state(), Sent::NotSent);
            assert!(server.seen().is_empty(), "refused before a byte of the request");
            Err(error.code())
        }
    }
}

#[tokio::test]
async fn negative_n05_the_carriers_id_is_taken_exactly_or_by_its_trust_domain() {
    let root = Authority::root("carrier.example");
    let bundles: &[(&str, &[&Authority])] = &[("carrier.example", &[&root])];
    let svid = Leaf::svid(&[ID]);
    assert_eq!(outcome(&root, &svid, &[ID], bundles).await, Ok(()));
    assert_eq!(outcome(&root, &svid, &["spiffe://carrier.example"], bundles).await, Ok(()));
    assert_eq!(outcome(&root, &svid, &["spiffe://other.example/x", ID], bundles).await, Ok(()));
}

#[tokio::test]
async fn negative_n05_another_trust_domain_is_refused() {
    let (root, other) = (Authority::root("carrier.example"), Authority::root("other.example"));
    let bundles: &[(&str, &[&Authority])] = &[("carrier.example", &[&root]), ("other.example", &[&other])];
    let svid = Leaf::svid(&["spiffe://other.example/api"]);
    assert_eq!(outcome(&other, &svid, &[ID], bundles).await, Err(Code::PeerNotAuthorized));
    assert_eq!(outcome(&other, &svid, &["spiffe://carrier.example"], bundles).await, Err(Code::PeerNotAuthorized));
}

#[tokio::test]
async fn negative_n05_an_authority_of_another_trust_domain_cannot_vouch_for_the_carrier() {
    let (root, other) = (Authority::root("carrier.example"), Authority::root("other.example"));
    let bundles: &[(&str, &[&Authority])] = &[("carrier.example", &[&root]), ("other.example", &[&other])];
    let forged = outcome(&other, &Leaf::svid(&[ID]), &[ID], bundles).await;
    assert_eq!(forged, Err(Code::ServerCertificateUntrusted));
}

#[tokio::test]
async fn negative_n05_the_right_trust_domain_with_another_path_is_refused() {
    let root = Authority::root("carrier.example");
    let bundles: &[(&str, &[&Authority])] = &[("carrier.example", &[&root])];
    for path in ["spiffe://carrier.example/ap", "spiffe://carrier.example/api/v2", "spiffe://carrier.example/API"] {
        assert_eq!(outcome(&root, &Leaf::svid(&[path]), &[ID], bundles).await, Err(Code::PeerNotAuthorized), "{path}");
    }
}

#[tokio::test]
async fn negative_n05_a_leaf_that_is_no_svid_is_refused() {
    let root = Authority::root("carrier.example");
    let bundles: &[(&str, &[&Authority])] = &[("carrier.example", &[&root])];
    let svid = Leaf::svid(&[ID]);
    let dns = vec![SanType::DnsName("carrier.example".try_into().unwrap()), SanType::IpAddress([127, 0, 0, 1].into())];
    for (leaf, what) in [
        (Leaf::svid(&[ID, "spiffe://carrier.example/second"]), "two URIs"),
        (Leaf::svid(&[ID, "https://carrier.example/"]), "a further URI that is no SPIFFE ID"),
        (Leaf { names: dns, ..svid.clone() }, "a certificate for a host alone"),
        (Leaf { is_ca: true, ..svid.clone() }, "an authority"),
        (Leaf { usages: vec![Usage::DigitalSignature, Usage::KeyCertSign], ..svid.clone() }, "keyCertSign"),
        (Leaf { usages: vec![Usage::DigitalSignature, Usage::CrlSign], ..svid.clone() }, "cRLSign"),
        (Leaf::svid(&["spiffe://carrier.example"]), "a whole trust domain"),
        (Leaf::svid(&["spiffe://Carrier.example/api"]), "an ID that is none"),
        (Leaf { until: 2021, ..svid.clone() }, "an expired one"),
    ] {
        let expected = match what {
            "an expired one" => Code::ServerCertificateExpired,
            _ => Code::ServerCertificateUntrusted,
        };
        assert_eq!(outcome(&root, &leaf, &["spiffe://carrier.example"], bundles).await, Err(expected), "{what}");
    }
    // Beside a SPIFFE ID, names of other kinds are allowed.
    let mut both = svid.clone();
    both.names.push(SanType::DnsName("carrier.example".try_into().unwrap()));
    assert_eq!(outcome(&root, &both, &[ID], bundles).await, Ok(()));
}

#[tokio::test]
async fn negative_n05_without_its_bundle_a_trust_domain_is_refused() {
    let (root, ours) = (Authority::root("carrier.example"), Authority::root("partner.example"));
    let svid = Leaf::svid(&[ID]);
    let federated: &[(&str, &[&Authority])] = &[("partner.example", &[&ours]), ("carrier.example", &[&root])];
    assert_eq!(outcome(&root, &svid, &[ID], federated).await, Ok(()));
    let alone: &[(&str, &[&Authority])] = &[("partner.example", &[&ours])];
    assert_eq!(outcome(&root, &svid, &[ID], alone).await, Err(Code::ServerCertificateUntrusted));
}

#[tokio::test]
async fn negative_n05_without_the_carriers_id_nothing_is_connected() {
    let root = Authority::root("carrier.example");
    let party = Party::of(&root, &"https://carrier.example/".parse().unwrap());
    let error = party.generation_of(material(&party, &[("carrier.example", &[&root])])).unwrap_err();
    assert_eq!(error.code(), Code::ConfigMissing);
    assert!(error.message().contains("carriers.aurora.spiffe_id"), "{error}");
    let mut both = party;
    both.settings = both.settings.clone().spiffe_id([ID]).server_name("carrier.example");
    let error = both.generation_of(material(&both, &[("carrier.example", &[&root])])).unwrap_err();
    assert_eq!(error.code(), Code::ConfigInvalid);
}
