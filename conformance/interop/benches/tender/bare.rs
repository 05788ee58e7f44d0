//! reqwest and nothing else: the same mTLS, the same kind of token, a fresh proof for each call. It keeps nothing, checks
//! nothing of the answer but its status, and would tender twice after a crash.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use gladhand_protocol::proof::base64url;
use gladhand_protocol::proof::dpop::{DpopKey, Proof};
use gladhand_protocol::proof::signer;
use http::HeaderMap;
use reqwest::{Client, Response};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::measure::measure;
use crate::{Outcome, Task};

/// As the sandbox registers its first client.
const CLIENT: &str = "tms-acme";

struct Bare {
    http: Client,
    provider: CryptoProvider,
    key: DpopKey,
    /// The address of the tenders.
    url: String,
    token: String,
    nonce: Mutex<Option<String>>,
}

pub(crate) async fn run(task: &Task) -> Outcome<String> {
    let bare = Arc::new(Bare::connect(Path::new(task.get("folder")?), task.get("base")?).await?);
    let plan = task.plan()?;
    let prefix = task.get("prefix")?;
    let loads = task.loads(&plan)?.into_iter().enumerate().map(|(number, load)| tender(prefix, number, &load));
    let loads: Arc<Vec<(String, String)>> = Arc::new(loads.collect());
    measure(plan, move |number| {
        let (bare, loads) = (bare.clone(), loads.clone());
        async move {
            let (key, body) = &loads[number];
            bare.tender(key, body).await
        }
    })
    .await
}

/// What the client of this repository fills in: a key, and the members of the tender that are the sender's own.
fn tender(prefix: &str, number: usize, load: &str) -> (String, String) {
    let id = format!("bare-tender-{prefix}-{number}");
    let own = format!(r#"{{"schemaVersion":"1.0.0","tenderId":"{id}","revision":1,"mode":"express","#);
    (id, load.replacen('{', &own, 1))
}

impl Bare {
    async fn connect(folder: &Path, base: &str) -> Outcome<Self> {
        let pair = rcgen::KeyPair::generate()?;
        let mut bare = Self {
            http: http(folder)?,
            provider: aws_lc_rs::default_provider(),
            key: DpopKey::new(signer::from_der(pair.serialized_der())?),
            url: format!("{base}/v1/tenders"),
            token: String::new(),
            nonce: Mutex::default(),
        };
        bare.token = bare.ask(base).await?;
        Ok(bare)
    }

    /// A token for the key; the second time with the nonce that the first answer brought.
    async fn ask(&self, base: &str) -> Outcome<String> {
        let url = format!("{base}/oauth/token");
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&scope=tender%3Awrite&resource={base}");
        let mut answer = String::new();
        for _ in 0..2 {
            let request = self.http.post(&url).header("content-type", "application/x-www-form-urlencoded");
            let response = request.header("dpop", self.proof(&url, None, None)?).body(form.clone()).send().await?;
            self.keep(response.headers());
            answer = response.text().await?;
            let token = serde_json::from_str::<serde_json::Value>(&answer)?;
            if let Some(token) = token["access_token"].as_str() {
                return Ok(token.to_owned());
            }
        }
        Err(format!("no token: {answer}").into())
    }

    async fn tender(&self, key: &str, body: &str) -> Outcome<()> {
        let mut answer = self.send(key, body).await?;
        // The first call of all has no nonce yet.
        if answer.status() == 401 {
            answer = self.send(key, body).await?;
        }
        let (status, body) = (answer.status(), answer.bytes().await?);
        if status == 200 { Ok(()) } else { Err(format!("{status} {}", String::from_utf8_lossy(&body)).into()) }
    }

    async fn send(&self, key: &str, body: &str) -> Outcome<Response> {
        let request = self
            .http
            .post(&self.url)
            .header("content-type", "application/json")
            .header("prefer", "wait=20")
            .header("idempotency-key", format!("\"{key}\""))
            .header("authorization", format!("DPoP {}", self.token))
            .header("dpop", self.proof(&self.url, Some(&self.token), Some(body.as_bytes()))?);
        let answer = request.body(body.to_owned()).send().await?;
        self.keep(answer.headers());
        Ok(answer)
    }

    fn keep(&self, headers: &HeaderMap) {
        if let Some(nonce) = headers.get("dpop-nonce").and_then(|value| value.to_str().ok()) {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
        }
    }

    fn proof(&self, url: &str, token: Option<&str>, body: Option<&[u8]>) -> Outcome<String> {
        let mut unique = [0; 16];
        self.provider.secure_random.fill(&mut unique).map_err(|_| "no randomness")?;
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let proof = Proof {
            method: "POST",
            htu: url,
            jti: &base64url(unique),
            issued_at: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() as i64,
            access_token: token,
            nonce: nonce.as_deref(),
            body,
        };
        Ok(proof.sign(&self.key)?)
    }
}

/// reqwest with the identity of the sandbox's first client.
pub(crate) fn http(folder: &Path) -> Outcome<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem"))?)?;
    let chain = CertificateDer::pem_file_iter(folder.join("client.pem"))?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("client-key.pem"))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Client::builder().tls_backend_preconfigured(config).no_proxy().build()?)
}
