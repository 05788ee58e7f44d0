//! Two instances of one carrier, each a process of its own: a proof, an assertion and a nonce mean the same at both.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{Answer, Tms, hash, http, key, key_for, random, tender};

struct Instance {
    child: Child,
    ready: Value,
}

impl Instance {
    fn start(arguments: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gladhand-sandbox"));
        for (name, value) in arguments {
            command.arg(name).arg(value);
        }
        let mut child = command.arg("--exit-with-parent").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn tms(&self) -> Tms {
        let dir = PathBuf::from(self.ready["dir"].as_str().unwrap());
        let pem = std::fs::read(dir.join("assertion-key.pem")).unwrap();
        Tms {
            url: self.ready["url"].as_str().unwrap().to_owned(),
            control: self.ready["control"].as_str().unwrap().to_owned(),
            client_id: "tms-acme".to_owned(),
            http: http(&dir, "client"),
            assertion_key: (
                jsonwebtoken::Algorithm::ES256,
                jsonwebtoken::EncodingKey::from_ec_pem(&pem).unwrap(),
                None,
            ),
            dpop_key: (jsonwebtoken::Algorithm::ES256, key_for(jsonwebtoken::Algorithm::ES256)),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Its standard input ends with the handle; it removes its files itself.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn pair() -> (Instance, Instance, Folder) {
    let root = Folder(std::env::temp_dir().join(format!("gladhand-{}", random())));
    let (shared, a, b) = (root.0.join("shared"), root.0.join("a"), root.0.join("b"));
    let first = Instance::start(&[("--shared-dir", &shared), ("--dir", &a)]);
    let second = Instance::start(&[("--shared-dir", &shared), ("--dir", &b), ("--ca-dir", &a)]);
    (first, second, root)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_one_instance_took_is_refused_by_the_other() {
    let (first, second, _root) = pair();
    let (here, there) = (first.tms(), second.tms());
    // One origin: that of the first, whichever process is asked.
    let origin = here.url.clone();
    let metadata = Answer::of(there.http.get(format!("{}/.well-known/oauth-authorization-server", there.url))).await;
    assert_eq!(metadata.json()["issuer"], origin.as_str());
    let token = here.bound("").await;
    let body = tender("t-1", "L-1", "express", "aurora-dal-hou-pool").to_string();
    let claims = json!({"ath": hash(token.as_bytes()), "gh_body": hash(body.as_bytes())});
    let send = |tms: &Tms, address: String, proof: &str, key: String| {
        let request = here.http.post(format!("{}/v1/tenders", tms.url)).header("host", address);
        let request = request.header("authorization", format!("DPoP {token}")).header("dpop", proof);
        request.header("content-type", "application/json").header("idempotency-key", key).body(body.clone())
    };
    let host = origin.trim_start_matches("https://").to_owned();
    let proof = here.proof("POST", &format!("{origin}/v1/tenders"), &claims);
    assert_eq!(Answer::of(send(&here, host.clone(), &proof, key("1"))).await.status, 200);
    let replayed = Answer::of(send(&there, host.clone(), &proof, key("2"))).await;
    assert_eq!((replayed.status.as_u16(), replayed.code().as_str()), (401, "pop_replayed"), "{}", replayed.text);
    assert_eq!(there.look("/security").await["facts"][0]["kind"], "replay");
    // The same token with a fresh proof is good there: it knows the key that signed it.
    let fresh = here.proof("POST", &format!("{origin}/v1/tenders"), &claims);
    let answer = Answer::of(send(&there, host, &fresh, key("3"))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_nonces_and_token_keys_are_known_to_both() {
    let (first, second, _root) = pair();
    let (mut here, mut there) = (first.tms(), second.tms());
    // An assertion is for the issuer, which is the first one's address.
    let (one, two) = (here.url.clone(), there.url.clone());
    there.url.clone_from(&one);
    let form = there.form("");
    let direct = async |tms: &Tms, url: &str, form: &[(String, String)], proof: Option<String>| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = tms.http.post(format!("{url}/oauth/token")).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::of(proof.into_iter().fold(request, |request, proof| request.header("dpop", proof))).await
    };
    // The second instance's client is known to the first, and its assertion counts once at both together.
    assert_eq!(direct(&there, &one, &form, None).await.status, 200);
    let again = direct(&there, &two, &form, None).await;
    assert_eq!(again.json()["error"], "invalid_client", "{}", again.text);
    assert!(again.text.contains("used before"), "{}", again.text);
    // A nonce of one is good at the other.
    let proof = |claims: Value| here.proof("POST", &format!("{one}/oauth/token"), &claims);
    let challenge = direct(&here, &one, &here.form(""), Some(proof(json!({})))).await;
    let nonce = challenge.header("dpop-nonce").to_owned();
    let answer = direct(&here, &two, &here.form(""), Some(proof(json!({"nonce": nonce})))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Each publishes the keys of both.
    here.http = http(Path::new(first.ready["dir"].as_str().unwrap()), "client");
    let mut sets = Vec::new();
    for url in [&one, &two] {
        let keys = Answer::of(here.http.get(format!("{url}/oauth/jwks"))).await.json();
        let mut kids: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string()).collect();
        kids.sort();
        sets.push(kids);
    }
    assert_eq!((sets[0].len(), &sets[0]), (2, &sets[1]));
}
