//! Another party with a certificate of its own that can send anything: what a thief or a tamperer would. Also reads the
//! peers' control interfaces.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::Outcome;
use crate::pki::Pair;

/// An HTTP client with nothing of ours in it.
pub(crate) struct Stranger(reqwest::Client);

fn failed(error: impl std::fmt::Display) -> String {
    format!("the stranger's client: {error}")
}

impl Stranger {
    pub(crate) fn new(pair: &Pair, trust: &str) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trust.as_bytes()).map_err(failed)?).map_err(failed)?;
        let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).map_err(failed)?];
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(failed)?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(failed)?;
        let client = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy();
        Ok(Self(client.build().map_err(failed)?))
    }

    /// Sends exactly this; the status and the JSON of the answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Outcome<(u16, Value)> {
        let method = http::Method::from_bytes(method.as_bytes()).map_err(failed)?;
        let mut request = self.0.request(method, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.map_err(failed)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

/// One call of a control interface.
pub(crate) async fn control(method: &str, url: &str) -> Outcome<Value> {
    let method = http::Method::from_bytes(method.as_bytes()).map_err(failed)?;
    let client = reqwest::Client::builder().tls_backend_preconfigured(no_tls()?).no_proxy().build().map_err(failed)?;
    let answer = client.request(method, url).send().await.map_err(failed)?;
    let body = answer.bytes().await.map_err(failed)?;
    serde_json::from_slice(&body).map_err(failed)
}

/// reqwest wants a TLS configuration even where only plain HTTP is spoken.
fn no_tls() -> Outcome<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}
