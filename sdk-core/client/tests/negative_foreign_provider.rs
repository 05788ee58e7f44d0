//! The host program has installed a TLS provider of its own, and one that must never be used: everything works, and the
//! host's choice is as it was. A program of its own, because the choice is one per process.

mod support;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, aws_lc_rs};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use support::{Bench, express, text, until_state};

/// Panics wherever it is used.
#[derive(Debug)]
struct Foreign;

impl SecureRandom for Foreign {
    fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
        panic!("the host's provider was used")
    }
}

impl KeyProvider for Foreign {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        panic!("the host's provider was used")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n37_the_hosts_tls_provider_is_neither_used_nor_changed() {
    let foreign = CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        secure_random: &Foreign,
        key_provider: &Foreign,
        ..aws_lc_rs::default_provider()
    };
    foreign.install_default().unwrap();

    let bench = Bench::start();
    let (first, second) = (bench.client().await, bench.client().await);
    let tender = first.tender_create(bench.load("L-1"), express()).await.unwrap();
    let tender = until_state(&second, &text(&tender, "/tenderId"), "accepted").await;
    assert_eq!(text(&tender, "/receipt"), "proven");
    first.close().await;
    // The end of one client is not the end of the other.
    assert_eq!(text(&second.health().await.unwrap(), "/status"), "ok");
    second.close().await;

    let installed = CryptoProvider::get_default().unwrap();
    assert!(installed.cipher_suites.is_empty() && installed.kx_groups.is_empty());
}
