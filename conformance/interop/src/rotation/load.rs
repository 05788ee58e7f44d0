//! Sixteen callers: most read with certificate-bound tokens, some tender with DPoP-bound ones, none pauses for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gladhand::auth::{Authorized, Caller as _, Profile, Request};
use gladhand::{Client, CreateOptions, Document};
use http::Method;
use tokio::task::JoinHandle;

use super::Stand;
use crate::checks::Checks;
use crate::oidc_provider::shown;

const READERS: usize = 13;
const TENDERERS: usize = 3;
/// Leaves the processor to the others: it is the rotation that is measured.
const PAUSE: Duration = Duration::from_millis(10);

const SEARCH: &str =
    r#"{"schemaVersion":"1.0.0","origin":{"lat":32.7767,"lon":-96.797},"destination":{"lat":29.7604,"lon":-95.3698}}"#;

/// Callers at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Counts>>,
}

/// What came of the calls.
#[derive(Default)]
pub(super) struct Counts {
    calls: usize,
    failures: Vec<String>,
}

impl Load {
    pub(super) fn start(client: &Client, stand: &Stand) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = Vec::new();
        let authorized = client.authorized("aurora").ok().flatten();
        for _ in 0..READERS {
            callers.push(tokio::spawn(read(authorized.clone(), stop.clone())));
        }
        for number in 0..TENDERERS {
            callers.push(tokio::spawn(tender(client.clone(), stand.sandbox.clone(), number, stop.clone())));
        }
        Self { stop, callers }
    }

    pub(super) async fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Counts::default();
        for caller in self.callers {
            match caller.await {
                Ok(counts) => {
                    all.calls += counts.calls;
                    all.failures.extend(counts.failures);
                }
                Err(error) => all.failures.push(error.to_string()),
            }
        }
        all
    }
}

impl Counts {
    fn note<T>(&mut self, outcome: Result<T, String>) {
        self.calls += 1;
        if let Err(why) = outcome {
            self.failures.push(why);
        }
    }

    pub(super) fn judge(&self, what: &str, checks: &mut Checks) {
        let failed = self.failures.len();
        let first = self.failures.first().map_or("", |why| why);
        checks.holds(
            &format!("{what}: of {} calls of {} callers none failed", self.calls, READERS + TENDERERS),
            failed == 0 && self.calls > 500,
            format!("{failed} failed: {first}"),
        );
    }
}

async fn read(caller: Option<Authorized>, stop: Arc<AtomicBool>) -> Counts {
    let mut counts = Counts::default();
    while let Some(caller) = caller.as_ref().filter(|_| !stop.load(Ordering::Relaxed)) {
        let request = Request::new(
            "capacity.search",
            Method::POST,
            "/v1/capacity/search",
            Profile::CertificateBound,
            "capacity:read",
        );
        counts.note(caller.call(request.body(SEARCH.as_bytes().to_vec())).await.map_err(shown));
        tokio::time::sleep(PAUSE).await;
    }
    counts
}

async fn tender(client: Client, sandbox: Arc<gladhand::Sandbox>, number: usize, stop: Arc<AtomicBool>) -> Counts {
    let mut counts = Counts::default();
    let offer = match fleet(&sandbox, number).await {
        Ok(offer) => offer,
        Err(why) => {
            counts.failures.push(why);
            return counts;
        }
    };
    for load in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (sandbox, id, offer) = (sandbox.clone(), format!("L-{number}-{load}"), offer.clone());
        let path = format!("/load?loadId={id}&capacityId={offer}");
        let document = tokio::task::spawn_blocking(move || sandbox.control(&path, None)).await;
        let Ok(Ok(document)) = document else {
            counts.failures.push("the carrier gives no load".to_owned());
            break;
        };
        let options = CreateOptions::new("aurora").wait(Duration::from_secs(10));
        let outcome = client.tender_create(document, options).await.map_err(shown);
        counts.note(outcome.and_then(|tender| match tender.text("/state").as_deref() {
            Some("accepted") => Ok(()),
            _ => Err(format!("the tender of {id} is {}", tender.as_str())),
        }));
        tokio::time::sleep(10 * PAUSE).await;
    }
    counts
}

/// An offer with room for all the loads of one caller.
async fn fleet(sandbox: &Arc<gladhand::Sandbox>, number: usize) -> Result<String, String> {
    let (sandbox, id) = (sandbox.clone(), format!("fleet-{number}"));
    let published = tokio::task::spawn_blocking(move || {
        let state = sandbox.control("/state", None)?;
        let now: jiff::Timestamp = state.text("/now").unwrap_or_default().parse().unwrap_or_default();
        let end = jiff::Timestamp::from_second(now.as_second() + 20 * 86_400).unwrap_or(jiff::Timestamp::MAX);
        let window = format!(r#"{{"start":"{now}","end":"{end}"}}"#);
        let offer = format!(
            r#"{{"capacityId":"{id}","vehicleType":"tractor-std","autonomyLevel":"L4","availableWindow":{window},"route":[{{"from":{{"lat":32.7767,"lon":-96.797}},"to":{{"lat":29.7604,"lon":-95.3698}}}}],"constraints":{{"maxWeightLbs":80000,"hazmat":false}},"rate":{{"currency":"USD","amount":1250.00}},"quantity":100000}}"#
        );
        sandbox.control("/capacity", Some(&Document::parse(offer)?)).map(|_| id)
    });
    published.await.map_err(|error| error.to_string())?.map_err(shown)
}
