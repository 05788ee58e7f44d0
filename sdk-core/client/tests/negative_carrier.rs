//! Revocation between a whole client and a whole carrier, with certificates in files and from a SPIFFE Workload API.

mod support;

use std::time::Duration;

use gladhand::{Client, Code, Config, Document};
use gladhand_sandbox::{Options, Sandbox};
use support::{Bench, soon, text};

/// A carrier whose configurations name its revocation lists; with `spiffe` they take the identity from an agent.
fn bench(spiffe: bool) -> Bench {
    let socket = std::env::temp_dir().join(gladhand_sandbox::random::id("gh-") + ".sock");
    let options = Options { crl: true, spiffe_socket: spiffe.then_some(socket), ..Options::default() };
    Bench { sandbox: Sandbox::start(options).unwrap() }
}

async fn other(bench: &Bench) -> Client {
    let config = Config::builder().file(bench.sandbox.dir().join("other.toml")).build().unwrap();
    Client::connect(config).await.unwrap()
}

async fn call(client: &Client) -> Result<(), Code> {
    let lane = r#"{"origin":{"lat":32.8,"lon":-96.8},"destination":{"lat":29.8,"lon":-95.4}}"#;
    let found = client.capacity_search(Document::parse(lane).unwrap()).await.map_err(|error| error.code())?;
    match found.text("/failures/0/code") {
        Some(code) => Err(Code::parse(&code).unwrap()),
        None => Ok(()),
    }
}

/// Calls until the outcome is as wanted.
async fn until(client: &Client, what: &str, wanted: Result<(), Code>) {
    soon(what, async {
        while call(client).await != wanted {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

async fn carriers_certificates(spiffe: bool) {
    let bench = bench(spiffe);
    let client = bench.client().await;
    assert_eq!(call(&client).await, Ok(()));
    // A leaf, at once for new connections.
    bench.post("/tls", r#"{"certificate":"revoked","hangUp":true}"#);
    until(&client, "the revoked leaf", Err(Code::ServerCertificateRevoked)).await;
    bench.post("/tls", r#"{"certificate":"rotate","hangUp":true}"#);
    until(&client, "a leaf in order", Ok(())).await;
    // Its issuer.
    bench.post("/crl", r#"{"revoke":"intermediate"}"#);
    bench.post("/tls", r#"{"hangUp":true}"#);
    until(&client, "the revoked intermediate", Err(Code::ServerCertificateRevoked)).await;
    bench.post("/crl", r#"{"forgive":true}"#);
    until(&client, "an intermediate in order", Ok(())).await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n04_a_carrier_that_was_revoked_is_refused_in_webpki_mode() {
    carriers_certificates(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n04_a_carrier_that_was_revoked_is_refused_in_spiffe_mode() {
    carriers_certificates(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn negative_n04_one_revoked_workload_leaves_the_others_working_and_recovers_with_a_new_svid() {
    let bench = bench(true);
    let (client, other) = (bench.client().await, other(&bench).await);
    assert_eq!((call(&client).await, call(&other).await), (Ok(()), Ok(())));
    let svid = text(&bench.control("/spiffe", None), "/svids/0/fingerprint");
    bench.post("/crl", &format!(r#"{{"revoke":"{svid}"}}"#));
    bench.post("/tls", r#"{"hangUp":true}"#);
    // The first call may still find its connection hung up, which is nothing that the carrier refused.
    soon("the refused handshake", async {
        loop {
            assert!(call(&client).await.is_err());
            if bench.control("/security", None).at("/facts/0").is_some() {
                return;
            }
        }
    })
    .await;
    assert_eq!(call(&other).await, Ok(()));
    let facts = bench.control("/security", None);
    assert_eq!((text(&facts, "/facts/0/kind"), text(&facts, "/facts/0/fingerprint")), ("revoked".into(), svid));
    bench.post("/spiffe", r#"{"rotate":true}"#);
    until(&client, "the new SVID", Ok(())).await;
    client.close().await;
    other.close().await;
}
