//! Behind a gateway that ends TLS (RFC 9440): who it says the client is counts, and nobody else may say so.

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_sandbox::Options;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use support::{Answer, fingerprint, http, start, start_with};

#[tokio::test(flavor = "multi_thread")]
async fn the_pinned_gateway_speaks_for_its_clients_and_nobody_else_does() {
    let public = "https://api.carrier.test";
    let options =
        Options { trusted_hop: Some("issue".to_owned()), public_url: Some(public.to_owned()), ..Options::default() };
    let (sandbox, mut tms) = start_with(options);
    let dir = sandbox.dir();
    let field = |certificate: &str| {
        let der = CertificateDer::from_pem_file(dir.join(format!("{certificate}.pem"))).unwrap();
        format!(":{}:", STANDARD.encode(&der))
    };
    let toml = std::fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(toml.contains(&format!("base_url = \"{public}\"")), "{toml}");
    let listens = sandbox.url().to_owned();
    let metadata = Answer::of(tms.http.get(format!("{listens}/.well-known/oauth-authorization-server"))).await;
    assert_eq!(metadata.json()["issuer"], public);

    // As the gateway does it: its own connection, the client's certificate in a field.
    let gateway = http(dir, "hop");
    tms.url = public.to_owned();
    let form = tms.form("");
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let token = async |client: &reqwest::Client, named: Option<String>, body: String| {
        let request = client.post(format!("{listens}/oauth/token")).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::of(named.into_iter().fold(request, |request, named| request.header("client-cert", named))).await
    };
    let issued = token(&gateway, Some(field("client")), body).await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let issued = issued.json()["access_token"].as_str().unwrap().to_owned();
    let read = async |client: &reqwest::Client, named: Option<String>| {
        let request = client.get(format!("{listens}/v1/tenders")).bearer_auth(&issued);
        Answer::of(named.into_iter().fold(request, |request, named| request.header("client-cert", named))).await
    };
    assert_eq!(read(&gateway, Some(field("client"))).await.status, 200);
    assert_eq!(read(&gateway, Some(field("other"))).await.code(), "cert_mismatch");
    // The gateway itself is no client, and what it cannot name is nobody.
    for named in [None, Some(":bm90IGEgY2VydGlmaWNhdGU=:".to_owned()), Some("plain".to_owned())] {
        assert_eq!(read(&gateway, named).await.code(), "cert_mismatch");
    }
    // A client that names another counts as itself.
    let thief = http(dir, "other");
    assert_eq!(read(&thief, Some(field("client"))).await.code(), "cert_mismatch");
    assert_eq!(read(&tms.http, Some(field("other"))).await.status, 200);
    let facts = tms.look("/security").await;
    let stripped = facts["facts"].as_array().unwrap().iter().filter(|fact| fact["kind"] == "header_stripped");
    assert_eq!(stripped.count(), 2);
    let seen = tms.look("/fingerprints").await;
    let first = &seen["requests"][1];
    assert_eq!(first["fingerprint"], fingerprint(dir, "client"));
    assert_eq!(first["via"], fingerprint(dir, "hop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_the_field_is_nothing() {
    let (sandbox, tms) = start();
    let der = CertificateDer::from_pem_file(sandbox.dir().join("other.pem")).unwrap();
    let token = tms.bearer("").await;
    let request = tms.http.get(format!("{}/v1/tenders", tms.url)).bearer_auth(token);
    let answer = Answer::of(request.header("client-cert", format!(":{}:", STANDARD.encode(&der)))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(tms.look("/security").await["facts"][0]["kind"], json!("header_stripped"));
}
