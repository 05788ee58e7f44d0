use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use bytes::Bytes;
use gladhand_protocol::proof::signer::{Es256Key, Signer};
use gladhand_protocol::proof::token::{Binding, Expected, check};
use gladhand_protocol::proof::{base64url, jws};
use http::HeaderMap;

use super::*;
use crate::auth::verifier::JsonWebToken;
use crate::clock::TestClock;
use crate::transport::{BoxFuture, HttpRequest, HttpResponse};

/// An issuer that publishes what it is told to.
#[derive(Debug)]
struct Issuer {
    answer: Mutex<(u16, String)>,
    cache_control: Mutex<Option<&'static str>>,
    asked: AtomicUsize,
}

impl Transport for Issuer {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse>> {
        assert_eq!(request.url.as_str(), "https://as.example/jwks");
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (status, body) = self.answer.lock().unwrap().clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            if status == 0 {
                return Err(Error::new(Code::Connect, "nobody there"));
            }
            let status = StatusCode::from_u16(status).unwrap();
            let mut headers = HeaderMap::new();
            if let Some(value) = *self.cache_control.lock().unwrap() {
                headers.insert(CACHE_CONTROL, value.parse().unwrap());
            }
            Ok(HttpResponse { status, headers, body: Bytes::from(body), facts: None })
        })
    }
}

struct World {
    issuer: Issuer,
    keys: RemoteKeys,
    clock: TestClock,
    security: SecurityLog,
    url: Url,
}

fn key() -> Es256Key {
    Es256Key::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()).unwrap()
}

fn set(keys: &[(&str, &Es256Key)]) -> String {
    let keys: Vec<String> =
        keys.iter().map(|(id, key)| key.jwk().to_json().replacen('{', &format!(r#"{{"kid":"{id}","#), 1)).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn token(id: &str, key: &Es256Key) -> String {
    let claims = br#"{"iss":"i","aud":"a","cnf":{"jkt":"k"}}"#;
    jws::sign(&base64url(format!(r#"{{"alg":"ES256","kid":"{id}"}}"#)), claims, key).unwrap()
}

impl World {
    fn new(body: String) -> Self {
        let clock = TestClock::at("2026-02-20T08:00:00Z".parse().unwrap());
        Self {
            issuer: Issuer {
                answer: Mutex::new((200, body)),
                cache_control: Mutex::default(),
                asked: AtomicUsize::new(0),
            },
            keys: RemoteKeys::new(Arc::new(JsonWebToken)),
            security: SecurityLog::new(Arc::new(clock.clone())),
            clock,
            url: "https://as.example/jwks".parse().unwrap(),
        }
    }

    async fn check(&self, token: &str) -> Option<Code> {
        let expected = Expected { issuer: "i", audience: "a", binding: Binding::Key("k"), allow_rs256: false };
        let checked = check(token, expected).unwrap().unwrap();
        let source = Source {
            issuer: "i",
            carrier: "aurora",
            url: &self.url,
            network: &self.issuer,
            clock: &self.clock,
            deadline: Duration::from_secs(5),
            security: &self.security,
        };
        self.keys.check(&checked, source).await.err().map(|error| error.code())
    }

    fn publish(&self, status: u16, body: &str) {
        *self.issuer.answer.lock().unwrap() = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.issuer.asked.load(Ordering::SeqCst)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_set_is_read_once_in_five_minutes_however_many_tokens_come() {
    let signer = key();
    let world = World::new(set(&[("k1", &signer)]));
    let good = token("k1", &signer);
    let many = (0..100).map(|_| world.check(&good));
    assert!(futures_util::future::join_all(many).await.iter().all(Option::is_none));
    world.advance(299);
    assert_eq!(world.check(&good).await, None);
    assert_eq!(world.asked(), 1);
    world.advance(1);
    assert_eq!(world.check(&good).await, None);
    assert_eq!(world.asked(), 2);
    let expiry = world.keys.expiry("i", "aurora").unwrap();
    assert_eq!(
        (expiry.from.to_string(), expiry.until.to_string()),
        ("2026-02-20T08:05:00Z".into(), "2026-02-20T08:10:00Z".into())
    );
}

#[tokio::test]
async fn an_issuer_that_says_so_is_asked_more_often_but_never_less_often() {
    let signer = key();
    let good = token("k1", &signer);
    for (said, seconds) in [
        ("public, max-age=10", 10),
        ("max-age=0", 2),
        ("max-age=86400", 300),
        ("no-store", 300),
        ("max-age=soon", 300),
        ("MAX-AGE=\"20\"", 20),
    ] {
        let world = World::new(set(&[("k1", &signer)]));
        *world.issuer.cache_control.lock().unwrap() = Some(said);
        assert_eq!(world.check(&good).await, None);
        world.advance(seconds - 1);
        assert_eq!(world.check(&good).await, None);
        assert_eq!(world.asked(), 1, "{said}");
        world.advance(1);
        assert_eq!(world.check(&good).await, None);
        assert_eq!(world.asked(), 2, "{said}");
    }
}

#[tokio::test]
async fn negative_n30_ten_thousand_unknown_kids_ask_once_in_thirty_seconds_and_evict_nothing() {
    let signer = key();
    let world = World::new(set(&[("k1", &signer)]));
    let good = token("k1", &signer);
    assert_eq!(world.check(&good).await, None);
    world.advance(30);
    for i in 0..10_000 {
        assert_eq!(world.check(&token_of(&good, i)).await, Some(Code::TokenSignatureInvalid));
    }
    assert_eq!(world.asked(), 2, "one more in this half minute");
    assert_eq!(world.check(&good).await, None, "the good key is still there");
    world.advance(29);
    assert_eq!(world.check(&token_of(&good, 1)).await, Some(Code::TokenSignatureInvalid));
    assert_eq!(world.asked(), 2);
    world.advance(1);
    assert_eq!(world.check(&token_of(&good, 1)).await, Some(Code::TokenSignatureInvalid));
    assert_eq!(world.asked(), 3);
}

/// A token that names another key; its signature is worth nothing, which nobody gets to see.
fn token_of(good: &str, i: usize) -> String {
    let (_, rest) = good.split_once('.').unwrap();
    format!("{}.{rest}", base64url(format!(r#"{{"alg":"ES256","kid":"random-{i}"}}"#)))
}

#[tokio::test]
async fn negative_n30_an_empty_set_cools_down_as_well() {
    let signer = key();
    let world = World::new(r#"{"keys":[]}"#.to_owned());
    let good = token("k1", &signer);
    for _ in 0..100 {
        assert_eq!(world.check(&good).await, Some(Code::TokenSignatureInvalid));
    }
    assert_eq!(world.asked(), 1);
    world.publish(200, &set(&[("k1", &signer)]));
    world.advance(29);
    assert_eq!(world.check(&good).await, Some(Code::TokenSignatureInvalid));
    world.advance(1);
    assert_eq!(world.check(&good).await, None);
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_rotated_key_is_found_also_under_its_old_name() {
    let (old, new) = (key(), key());
    let world = World::new(set(&[("k1", &old)]));
    assert_eq!(world.check(&token("k1", &old)).await, None);
    world.publish(200, &set(&[("k1", &new)]));
    world.advance(30);
    assert_eq!(world.check(&token("k1", &new)).await, None);
    assert_eq!(world.check(&token("k1", &old)).await, Some(Code::TokenSignatureInvalid), "it is no longer published");
}

#[tokio::test]
async fn negative_n30_the_last_good_set_serves_an_hour_when_the_issuer_fails() {
    let signer = key();
    for (status, body) in [(503, ""), (200, "<html>"), (200, r#"{"keys":{}}"#), (302, ""), (404, ""), (0, "")] {
        let world = World::new(set(&[("k1", &signer)]));
        let good = token("k1", &signer);
        assert_eq!(world.check(&good).await, None);
        world.publish(status, body);
        world.advance(3599);
        assert_eq!(world.check(&good).await, None, "{status} {body}");
        world.advance(1);
        let code = world.check(&good).await.unwrap();
        let expected = [Code::TokenUnavailable, Code::UnexpectedAnswer, Code::Connect];
        assert!(expected.contains(&code), "{status} {body}: {code}");
        world.publish(200, &set(&[("k1", &signer)]));
        world.advance(10);
        assert_eq!(world.check(&good).await, None, "{status} {body}: it recovers");
    }
}

#[tokio::test]
async fn an_issuer_in_trouble_is_not_stormed() {
    let signer = key();
    let world = World::new(String::new());
    world.publish(503, "");
    for _ in 0..1000 {
        assert_eq!(world.check(&token("k1", &signer)).await, Some(Code::TokenUnavailable));
    }
    assert_eq!(world.asked(), 1);
}
