//! Webhooks against a real carrier: late, twice, out of order, changed, of strangers, under changing keys; and the whole way
//! through a receiver on this machine.

mod support;

use gladhand::{Client, Code, CreateOptions, Document, Kind};
use support::{Bench, Receiver, express, soon, text, until_state};

type Message = (Vec<(String, String)>, String);

/// What the carrier would post about a tender.
fn messages(bench: &Bench, tender: &str, tamper: Option<&str>) -> Vec<Message> {
    let tamper = tamper.map_or_else(String::new, |how| format!(r#","tamper":"{how}""#));
    let answer = bench.post("/webhooks/messages", &format!(r#"{{"tenderId":"{tender}"{tamper}}}"#));
    let list = answer.at("/messages").unwrap();
    list.items()
        .map(|message| {
            let headers = message.get("headers").unwrap();
            let pairs = if headers.is_array() {
                headers
                    .items()
                    .map(|pair| {
                        (pair.at("/0").unwrap().text().unwrap().into(), pair.at("/1").unwrap().text().unwrap().into())
                    })
                    .collect()
            } else {
                headers.members().map(|(name, value)| (name.to_owned(), value.text().unwrap().into_owned())).collect()
            };
            (pairs, message.get("body").unwrap().text().unwrap().into_owned())
        })
        .collect()
}

async fn receive(client: &Client, message: &Message) -> gladhand::Result<Document> {
    client.receive(&message.0, message.1.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twice_and_out_of_order_is_once_and_in_order() {
    let bench = Bench::start();
    let client = bench.client().await;
    let load = bench.load("L-1").with_text("/mode", "standard").unwrap();
    let id = text(&client.tender_create(load, CreateOptions::new("aurora")).await.unwrap(), "/tenderId");
    // The first event is pulled.
    client.tender_get(&id).await.unwrap();
    bench.post("/decide", &format!(r#"{{"tenderId":"{id}","outcome":"accepted"}}"#));
    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#));
    let messages = messages(&bench, &id, None);
    assert_eq!(messages.len(), 3);
    let mut outcomes = Vec::new();
    for place in [2, 0, 2, 1, 1] {
        let receipt = receive(&client, &messages[place]).await.unwrap();
        assert_eq!(receipt.integer("/status"), Some(202));
        outcomes.push(text(&receipt, "/outcome"));
    }
    assert_eq!(outcomes, ["parked", "duplicate", "duplicate", "stored", "duplicate"]);
    let tenders = client.tender_list(Some("dispatched")).await.unwrap();
    assert_eq!((text(&tenders[0], "/sync"), tenders[0].integer("/lastSequence")), ("in_sync".into(), Some(3)));
    assert_eq!(client.reconcile().await.unwrap().integer("/differences"), Some(0));
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_carriers_is_refused() {
    let bench = Bench::start();
    let client = bench.client().await;
    let id = text(&client.tender_create(bench.load("L-1"), express()).await.unwrap(), "/tenderId");
    for (tamper, code) in [("body", Code::WebhookSignatureInvalid), ("key", Code::WebhookSignatureInvalid)] {
        let error = receive(&client, &messages(&bench, &id, Some(tamper))[0]).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, Kind::Security), "{tamper}: {error}");
    }
    let bare: Message = (Vec::new(), messages(&bench, &id, None)[0].1.clone());
    assert_eq!(receive(&client, &bare).await.unwrap_err().code(), Code::WebhookSignatureMissing);

    // A tender of the same account that another TMS of it sent: this journal knows nothing of it.
    let stranger = Client::connect(bench.config("other.db")).await.unwrap();
    let theirs = text(&stranger.tender_create(bench.load("L-9"), express()).await.unwrap(), "/tenderId");
    let error = receive(&client, &messages(&bench, &theirs, None)[0]).await.unwrap_err();
    assert_eq!((error.code(), error.http_status()), (Code::WebhookSourceForeign, Some(403)));
    // Our own history is whole before: otherwise that is named too.
    client.tender_get(&id).await.unwrap();
    // Reconciliation names it, takes it over as it is, and changes nothing there.
    let report = client.reconcile().await.unwrap();
    assert_eq!(text(&report, "/items/0/class"), "ORPHAN_REMOTE");
    assert_eq!((report.integer("/repairs"), report.integer("/differences")), (Some(1), Some(0)));
    stranger.close().await;
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn safety_comes_at_once() {
    let bench = Bench::start();
    let client = bench.client().await;
    let id = text(&client.tender_create(bench.load("L-1"), express()).await.unwrap(), "/tenderId");
    let mut safety = client.safety().await.unwrap();
    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#));
    bench.post(
        "/exception",
        &format!(
            r#"{{"tenderId":"{id}","exceptionId":"x-1","kind":"minimal_risk_stop","severity":"critical","openedAt":"2026-02-20T08:00:00Z","effect":"safety"}}"#
        ),
    );
    let all = messages(&bench, &id, None);
    // The last one, before its turn.
    let receipt = receive(&client, all.last().unwrap()).await.unwrap();
    assert!(["parked", "duplicate", "stored"].contains(&text(&receipt, "/outcome").as_str()));
    let event = soon("safety", safety.next()).await.unwrap().unwrap();
    assert_eq!(text(&event, "/data/exception/kind"), "minimal_risk_stop");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_keys_rotate_without_a_lost_event() {
    let bench = Bench::start();
    let client = bench.client().await;
    let id = text(&client.tender_create(bench.load("L-1"), express()).await.unwrap(), "/tenderId");
    let takes = async |client: &Client| {
        for message in messages(&bench, &id, None) {
            receive(client, &message).await.unwrap();
        }
    };
    takes(&client).await;
    bench.post("/webhooks/keys", r#"{"step":"announce"}"#);
    takes(&client).await;
    // Two signatures: one of a key that this client has not read of yet.
    bench.post("/webhooks/keys", r#"{"step":"both"}"#);
    assert_eq!(
        messages(&bench, &id, None)[0].0.iter().find(|(n, _)| n == "webhook-signature").unwrap().1.split(' ').count(),
        2
    );
    takes(&client).await;
    bench.post("/webhooks/keys", r#"{"step":"retire"}"#);
    client.close().await;
    // Whoever reads the keys now knows the new one only.
    let client = bench.client().await;
    takes(&client).await;
    // A shared secret proves nothing to a client that was not told of one for tests.
    bench.post("/webhooks/keys", r#"{"hmac":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#);
    let (mut headers, body) = messages(&bench, &id, None).remove(0);
    let signature = headers.iter_mut().find(|(name, _)| name == "webhook-signature").unwrap();
    signature.1 = signature.1.split(' ').find(|part| part.starts_with("v1,")).unwrap().to_owned();
    let symmetric = (headers, body);
    assert_eq!(receive(&client, &symmetric).await.unwrap_err().code(), Code::WebhookSignatureMissing);
    client.close().await;
    let config = gladhand::Config::builder()
        .toml(&std::fs::read_to_string(bench.sandbox.config_path()).unwrap(), bench.sandbox.dir())
        .set("journal.path", bench.journal("journal.db").display().to_string())
        .set("carriers.aurora.webhook_test_secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .build()
        .unwrap();
    let client = Client::connect(config).await.unwrap();
    assert_eq!(text(&receive(&client, &symmetric).await.unwrap(), "/outcome"), "duplicate");
    client.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrier_shakes_hands_sends_and_beats() {
    let bench = Bench::start();
    let client = bench.client().await;
    let receiver = Receiver::start(client.clone()).await;
    let put = client.webhook_subscribe("aurora", "s-1", &receiver.url, &[], "signature_only").await.unwrap();
    assert_eq!(client.webhook_get("aurora", "s-1").await.unwrap().as_str(), put.as_str());
    let load = bench.load("L-1").with_text("/mode", "standard").unwrap();
    let id = text(&client.tender_create(load, CreateOptions::new("aurora")).await.unwrap(), "/tenderId");
    bench.post("/decide", &format!(r#"{{"tenderId":"{id}","outcome":"accepted"}}"#));
    soon("the acceptance", async {
        // Nobody follows a feed here: it comes by webhook or not at all.
        while text(&client.tender_list(None).await.unwrap()[0], "/state") != "accepted" {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let seen = receiver.seen();
    assert_eq!((seen[0].0.as_str(), seen[0].1), ("OPTIONS", 200), "first the handshake");
    assert!(seen[1..].iter().all(|(method, status)| (method.as_str(), *status) == ("POST", 202)), "{seen:?}");

    // The last event is lost on its way; a minute later the heartbeat shows it.
    bench.post("/webhooks/network", r#"{"loss":1.0,"seed":1}"#);
    bench.post("/progress", &format!(r#"{{"tenderId":"{id}","to":"dispatched"}}"#));
    bench.post("/clock", r#"{"advanceS":61}"#);
    until_listed(&client, &id, "dispatched").await;
    assert_eq!(text(&client.webhook_delete("aurora", "s-1").await.unwrap(), "/subscriptionId"), "s-1");
    assert_eq!(client.webhook_get("aurora", "s-1").await.unwrap_err().code(), Code::NotFound);
    until_state(&client, &id, "dispatched").await;
    client.close().await;
}

async fn until_listed(client: &Client, id: &str, state: &str) {
    soon(state, async {
        loop {
            let list = client.tender_list(None).await.unwrap();
            if list.iter().any(|t| text(t, "/tenderId") == id && text(t, "/state") == state) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}
