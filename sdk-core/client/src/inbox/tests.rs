//! The inbox in virtual time, over a carrier that answers as the test says and signs with keys of ours.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gladhand_documents::error::{Code, Kind};
use gladhand_documents::json::Value;
use gladhand_protocol::tender::ids;
use http::Method;

use crate::auth::Request;
use crate::clock::Clock as _;
use crate::tender::tests::{Bench, DISCOVERY, SECOND, Scripted, ok, snapshot_of, text, unreachable};

type Fields = Vec<(String, String)>;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn tender_id() -> String {
    ids::tender_id(&ids::Scope { environment: "sandbox", tenant: "acme", carrier: "aurora" }, "L-1", 1)
}

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new() -> Self {
        Self(Ed25519KeyPair::generate().unwrap())
    }

    fn published(&self, name: &str, more: &str) -> String {
        let public = STANDARD.encode(self.0.public_key().as_ref());
        format!(r#"{{"keyId":"{name}","publicKey":"whpk_{public}"{more}}}"#)
    }

    fn headers(&self, id: &str, at: i64, body: &str) -> Fields {
        let signature = self.0.sign(format!("{id}.{at}.{body}").as_bytes());
        fields(&[
            ("content-type", "application/cloudevents+json; charset=utf-8"),
            ("webhook-id", id),
            ("webhook-timestamp", &at.to_string()),
            ("webhook-signature", &format!("v1a,{}", STANDARD.encode(signature.as_ref()))),
        ])
    }
}

fn discovery(keys: &[String]) -> String {
    DISCOVERY.replace(r#""webhookKeys":[]"#, &format!(r#""webhookKeys":[{}]"#, keys.join(",")))
}

/// A client with one pending tender, at a carrier that publishes these keys.
async fn bench(keys: &[String]) -> (Bench, String) {
    let id = tender_id();
    let name = id.clone();
    let script = move |request: &Request| match request.method {
        Method::POST => snapshot_of(&name, "pending", &[event(&name, 1, "tender.received")]),
        _ => unreachable(),
    };
    let mut carrier = Scripted::new(script);
    carrier.discovery = discovery(keys);
    let bench = Bench::with(carrier).await;
    bench.create().await.unwrap();
    (bench, id)
}

fn event(id: &str, sequence: u64, kind: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"e-{sequence}","source":"https://carrier.test/tenders/{id}","type":"gladhand.{kind}.v1","subject":"L-1","time":"2026-02-20T08:00:00Z","recordedtime":"2026-02-20T08:00:00Z","sequence":"{sequence:020}","partitionkey":"{id}","data":{{"loadId":"L-1","tenderId":"{id}","eventSequence":{sequence},"status":"x","sourceSystem":"c"}}}}"#
    )
}

#[tokio::test]
async fn the_handshake_is_for_configured_carriers_only() {
    let bench = Bench::new(|_| unreachable()).await;
    let shake = |pairs: &[(&str, &str)]| bench.client.inbox_handshake(&fields(pairs));
    for origin in ["carrier.test", "Carrier.Test:443"] {
        let answer = shake(&[("WebHook-Request-Origin", origin), ("webhook-request-rate", "120")]).unwrap();
        assert_eq!((answer.integer("/status"), text(&answer, "/carrier")), (Some(200), "aurora".into()));
        let said: Vec<(String, String)> = (0..3)
            .map(|at| (text(&answer, &format!("/headers/{at}/name")), text(&answer, &format!("/headers/{at}/value"))))
            .collect();
        assert_eq!(said[0], ("WebHook-Allowed-Origin".to_owned(), origin.to_owned()), "as it was sent");
        assert_eq!(said[1], ("WebHook-Allowed-Rate".to_owned(), "120".to_owned()));
        assert_eq!(said[2].0, "Allow");
    }
    let unasked = shake(&[("webhook-request-origin", "carrier.test")]).unwrap();
    assert_eq!(text(&unasked, "/headers/1/value"), "*");
    for foreign in ["evil.test", "carrier.test.evil", "carrier.test:8443", "*", "https://carrier.test"] {
        let error = shake(&[("webhook-request-origin", foreign)]).unwrap_err();
        assert_eq!((error.code(), error.http_status()), (Code::WebhookSourceForeign, Some(403)), "{foreign}");
    }
    for broken in [
        vec![],
        vec![("webhook-request-origin", "")],
        vec![("webhook-request-origin", "carrier.test"), ("webhook-request-origin", "evil.test")],
        vec![("webhook-request-origin", "carrier.test"), ("webhook-request-rate", "0")],
        vec![("webhook-request-origin", "carrier.test"), ("webhook-request-rate", "many")],
    ] {
        assert_eq!(shake(&broken).unwrap_err().code(), Code::SchemaInvalid, "{broken:?}");
    }
}

#[tokio::test]
async fn a_sequence_used_again_is_quarantined_and_answered() {
    let signer = Signer::new();
    let (bench, id) = bench(&[signer.published("k", "")]).await;
    let mut security = bench.client.security_events();
    let at = bench.clock.now().as_second();
    let genuine = event(&id, 1, "tender.received");
    let forged = genuine.replace(r#""status":"x""#, r#""status":"y""#);
    for (body, outcome) in
        [(&genuine, "stored"), (&genuine, "duplicate"), (&forged, "quarantined"), (&forged, "duplicate")]
    {
        let receipt = bench.client.receive(&signer.headers("m", at, body), body.as_bytes()).await.unwrap();
        assert_eq!((text(&receipt, "/outcome"), receipt.integer("/status")), (outcome.into(), Some(202)));
    }
    let tender = bench.client.tender_list(None).await.unwrap().remove(0);
    assert_eq!((text(&tender, "/sync"), tender.boolean("/loadReleased")), ("diverged".into(), Some(false)));
    let event = security.next().await.unwrap();
    assert_eq!((text(&event, "/message"), text(&event, "/unmapped/sequence")), ("sequence_reused".into(), "1".into()));
}

#[tokio::test]
async fn keys_rotate_and_end() {
    let (old, new) = (Signer::new(), Signer::new());
    // The old one is good until 08:10; the new one from 08:05 on.
    let keys = [
        old.published("old", r#","notAfter":"2026-02-20T08:10:00Z""#),
        new.published("new", r#","notBefore":"2026-02-20T08:05:00Z","notAfter":"2026-03-20T08:00:00Z""#),
    ];
    let (bench, id) = bench(&keys).await;
    let body = event(&id, 1, "tender.received");
    let receive = async |signer: &Signer| {
        let headers = signer.headers("m", bench.clock.now().as_second(), &body);
        bench.client.receive(&headers, body.as_bytes()).await.map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(receive(&old).await, Ok(()));
    assert_eq!(receive(&new).await, Err(Code::WebhookSignatureInvalid), "before its time");
    bench.clock.advance(Duration::from_secs(400));
    assert_eq!((receive(&old).await, receive(&new).await), (Ok(()), Ok(())), "both during the rotation");
    // Both sign one message, and one of them is known: enough.
    let at = bench.clock.now().as_second();
    let pair = [Signer::new(), new].map(|signer| {
        let fields = signer.headers("m", at, &body);
        fields.into_iter().find(|(name, _)| name == "webhook-signature").unwrap().1
    });
    let mut headers = old.headers("m", at, &body);
    headers.retain(|(name, _)| name != "webhook-signature");
    headers.push(("webhook-signature".to_owned(), pair.join(" ")));
    assert!(bench.client.receive(&headers, body.as_bytes()).await.is_ok());
    bench.clock.advance(Duration::from_secs(300));
    assert_eq!(receive(&old).await, Err(Code::WebhookSignatureInvalid), "it has ended");

    let status = bench.client.identity_status().unwrap();
    let expiries = status.at("/expiries").unwrap();
    let ended = expiries.items().find(|e| e.get("id").and_then(Value::text).as_deref() == Some("old")).unwrap();
    assert_eq!(ended.get("subject").and_then(Value::text).as_deref(), Some("webhook_key"));
    // About a hundred seconds ago; the test's clock runs while it waits.
    let end: jiff::Timestamp = "2026-02-20T08:10:00Z".parse().unwrap();
    let left = (end.as_second() - bench.clock.now().as_second()).to_string();
    assert_eq!(ended.get("secondsLeft").and_then(Value::number), Some(left.as_str()));
}

#[tokio::test]
async fn a_message_from_another_time_names_the_offset_and_the_feed_carries_on() {
    let signer = Signer::new();
    let (bench, id) = bench(&[signer.published("k", "")]).await;
    let mut security = bench.client.security_events();
    let body = event(&id, 1, "tender.received");
    let feed = format!(r#"{{"events":[{body}],"cursor":"c1","logEpoch":"e1"}}"#);
    bench.script(move |request| match request.path.as_str() {
        path if path.starts_with("/v1/events") => ok(200, &feed),
        _ => unreachable(),
    });
    let now = bench.clock.now().as_second();
    for good in [now - 300, now + 300] {
        assert!(bench.client.receive(&signer.headers("m", good, &body), body.as_bytes()).await.is_ok());
    }
    let error = bench.client.receive(&signer.headers("m", now - 360, &body), body.as_bytes()).await.unwrap_err();
    assert_eq!(error.code(), Code::ClockSkew);
    assert!(error.message().contains("360 s behind"), "{error}");
    let event = security.next().await.unwrap();
    assert_eq!(
        (text(&event, "/message"), text(&event, "/status_code")),
        ("webhook_refused".into(), "clock_skew".into())
    );
    bench
        .pass(SECOND / 10, async {
            while bench.asked(&Method::GET, "/v1/events").is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
}

#[tokio::test]
async fn a_heartbeat_shows_that_the_last_event_was_lost() {
    let signer = Signer::new();
    let (bench, id) = bench(&[signer.published("k", "")]).await;
    let received = event(&id, 1, "tender.received");
    let feed = format!(r#"{{"events":[{received}],"cursor":"c1","logEpoch":"e1"}}"#);
    bench.script(move |request| match request.path.as_str() {
        "/v1/events" => ok(200, &feed),
        "/v1/events?cursor=c1" => ok(200, r#"{"events":[],"cursor":"c1","logEpoch":"e1"}"#),
        _ => unreachable(),
    });
    let beat = |cursor: &str, source: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"h-1","source":"{source}/webhook-subscriptions/s-1","type":"gladhand.subscription.heartbeat.v1","time":"2026-02-20T08:00:00Z","data":{{"subscriptionId":"s-1","cursor":"{cursor}","logEpoch":"e1"}}}}"#
        )
    };
    let at = bench.clock.now().as_second();
    let receive = async |body: String| bench.client.receive(&signer.headers("m", at, &body), body.as_bytes()).await;
    let receipt = receive(beat("c1", "https://carrier.test")).await.unwrap();
    assert_eq!((text(&receipt, "/outcome"), receipt.integer("/status")), ("heartbeat".into(), Some(202)));
    bench.until(SECOND / 10, &id, |t| t.integer("/lastSequence") == Some(1)).await;
    bench
        .pass(SECOND / 10, async {
            while bench.asked(&Method::GET, "/v1/events?cursor=c1").is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let reads = bench.asked(&Method::GET, "/v1/events").len();
    // Where nothing is new, nothing is read.
    receive(beat("c1", "https://carrier.test")).await.unwrap();
    bench.pass(SECOND / 10, tokio::time::sleep(Duration::from_millis(20))).await;
    assert_eq!(bench.asked(&Method::GET, "/v1/events").len(), reads);
    let foreign = receive(beat("c9", "https://other.test")).await.unwrap_err();
    assert_eq!(foreign.code(), Code::WebhookSourceForeign);
}

#[tokio::test]
async fn only_whole_signed_events_of_bearable_size_are_taken() {
    let signer = Signer::new();
    let (bench, id) = bench(&[signer.published("k", "")]).await;
    let at = bench.clock.now().as_second();
    let body = event(&id, 1, "tender.received");
    let mut binary = signer.headers("m", at, &body);
    binary[0].1 = "application/json".to_owned();
    let error = bench.client.receive(&binary, body.as_bytes()).await.unwrap_err();
    assert_eq!((error.code(), error.http_status()), (Code::UnsupportedMedia, Some(415)));
    let big = format!("{body}{}", " ".repeat((256 << 10) + 1 - body.len()));
    let error = bench.client.receive(&signer.headers("m", at, &big), big.as_bytes()).await.unwrap_err();
    assert_eq!((error.code(), error.http_status()), (Code::TooLarge, Some(413)));
    let most = format!("{body}{}", " ".repeat((256 << 10) - body.len()));
    assert!(bench.client.receive(&signer.headers("m", at, &most), most.as_bytes()).await.is_ok());
    let garbage = "{\"type\":";
    let error = bench.client.receive(&signer.headers("m", at, garbage), garbage.as_bytes()).await.unwrap_err();
    assert_eq!(error.code(), Code::MalformedJson);
    let error = bench.client.receive(&Signer::new().headers("m", at, &body), body.as_bytes()).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::WebhookSignatureInvalid, Kind::Security));
}

#[tokio::test]
async fn a_webhook_may_close_the_last_gap() {
    let signer = Signer::new();
    let (bench, id) = bench(&[signer.published("k", "")]).await;
    let at = bench.clock.now().as_second();
    let (one, two) = (event(&id, 1, "tender.received"), event(&id, 2, "tender.accepted"));
    for (body, outcome) in [(&two, "parked"), (&two, "duplicate"), (&one, "stored")] {
        let receipt = bench.client.receive(&signer.headers("m", at, body), body.as_bytes()).await.unwrap();
        assert_eq!(text(&receipt, "/outcome"), outcome);
    }
    let tender = bench.client.tender_list(None).await.unwrap().remove(0);
    assert_eq!((text(&tender, "/state"), text(&tender, "/sync")), ("accepted".into(), "in_sync".into()));
}

#[tokio::test]
async fn a_subscription_is_put_read_and_ended_and_its_address_is_https() {
    let bench = Bench::new(|request: &Request| {
        let answer = |url: &str| {
            format!(r#"{{"schemaVersion":"1.0.0","subscriptionId":"s-1","url":"{url}","types":[],"mtls":"required"}}"#)
        };
        match (&request.method, request.body.as_ref()) {
            (&Method::PUT, Some(body)) => ok(200, std::str::from_utf8(body).unwrap()),
            (&Method::GET | &Method::DELETE, None) => ok(200, &answer("https://tms.test/hook")),
            (method, body) => panic!("{method} with content {body:?}"),
        }
    })
    .await;
    let gh = &bench.client;
    let put = async |url: &str, mtls: &str| gh.webhook_subscribe("aurora", "s-1", url, &[], mtls).await;
    assert!(put("https://tms.test/hook", "required").await.is_ok());
    assert!(put("https://tms.test/other", "required").await.is_ok());
    assert!(put("https://tms.test/hook", "required").await.is_ok());
    let keys = bench.asked(&Method::PUT, "/v1/webhook-subscriptions/s-1");
    assert!(keys[0] != keys[2] && keys[1] != keys[2], "the key of an earlier change answers for no later one");
    assert!(put("http://127.0.0.1:8080/hook", "signature_only").await.is_ok(), "a receiver on this machine");
    for (url, mtls) in [
        ("http://tms.test/hook", "signature_only"),
        ("http://127.0.0.1:8080/hook", "required"),
        ("https://user:secret@tms.test/hook", "required"),
        ("https://tms.test/hook#here", "required"),
        ("/hook", "required"),
        ("ftp://tms.test/hook", "required"),
    ] {
        let error = put(url, mtls).await.unwrap_err();
        assert_eq!((error.code(), error.violations()[0].path.as_str()), (Code::SchemaInvalid, "/url"), "{url}");
        assert!(!error.message().contains("secret"));
    }
    assert_eq!(text(&gh.webhook_get("aurora", "s-1").await.unwrap(), "/url"), "https://tms.test/hook");
    assert_eq!(text(&gh.webhook_delete("aurora", "s-1").await.unwrap(), "/subscriptionId"), "s-1");
    assert!(bench.asked(&Method::DELETE, "/v1/webhook-subscriptions/s-1")[0].is_some(), "with its idempotency key");
    assert_eq!(gh.webhook_get("nobody", "s-1").await.unwrap_err().code(), Code::CarrierUnknown);
}
