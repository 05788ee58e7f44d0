//! The network: the transport of the client, and what becomes of each message on its way.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gladhand::transport::{BoxFuture, HttpRequest, HttpResponse, Transport};
use gladhand::{Error, Result, Sent};
use gladhand_documents::error::Code;
use gladhand_sandbox::faults::{Fault, How, When};
use http::{HeaderMap, StatusCode};
use tokio::time::{sleep, timeout};

use crate::plan::Defect;
use crate::rng::Rng;
use crate::setting::CARRIERS;
use crate::world::World;

/// The way from one process of the TMS to one carrier.
pub(crate) struct Wire {
    world: Arc<World>,
    lane: usize,
    /// Set when the process has died: nothing leaves it any more, and nothing arrives.
    dead: Arc<AtomicBool>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("to", &CARRIERS[self.lane]).finish_non_exhaustive()
    }
}

/// What becomes of one exchange.
#[derive(Debug)]
struct Fate {
    refused: bool,
    request_lost: bool,
    /// The peer is silent instead of hanging up.
    silent: bool,
    out: Duration,
    back: Duration,
    again: Option<Duration>,
    answer_lost: bool,
    gateway: Option<StatusCode>,
    fault: Option<(When, How)>,
}

impl Wire {
    /// To the carrier of this place.
    pub(crate) fn new(world: Arc<World>, lane: usize, dead: Arc<AtomicBool>) -> Self {
        Self { world, lane, dead }
    }

    fn fate(&self) -> Fate {
        let (world, plan) = (&*self.world, &self.world.plan);
        let mut rng = world.rng();
        let rng = &mut *rng;
        let trouble = !world.healed();
        let chance = |rng: &mut Rng, permille: u64| rng.chance(permille) && trouble;
        let late = chance(rng, plan.late);
        Fate {
            refused: chance(rng, plan.refused),
            request_lost: chance(rng, plan.lost_request),
            silent: rng.chance(400),
            out: if late { rng.between(5_000, 90_000) } else { rng.between(1, plan.delay_ms) },
            back: rng.between(1, plan.delay_ms),
            again: chance(rng, plan.twice).then(|| rng.between(1, 40_000)),
            answer_lost: chance(rng, plan.lost_answer),
            gateway: chance(rng, plan.gateway).then(|| {
                let of = [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::NOT_FOUND];
                *rng.pick(&of).unwrap_or(&StatusCode::BAD_GATEWAY)
            }),
            fault: chance(rng, plan.fault).then(|| {
                // "Later" and "too often" are said before anything is done (contract 4c); a carrier that says so afterwards
                // lies, and that is a defect of its own.
                let before = [How::Internal, How::Unavailable, How::BadGateway, How::RateLimited, How::Maintenance];
                let after = [How::Internal, How::Unavailable, How::BadGateway, How::Reset, How::Gateway404];
                let lies = [How::Maintenance, How::RateLimited];
                let (when, hows) = match rng.chance(500) {
                    true => (When::Before, &before[..]),
                    false if plan.defect == Defect::RefusesAfterTheCommit => (When::After, &lies[..]),
                    false => (When::After, &after[..]),
                };
                (when, *rng.pick(hows).unwrap_or(&How::Internal))
            }),
        }
    }

    async fn exchange(self: Arc<Self>, request: HttpRequest) -> Result<HttpResponse> {
        let (world, lane, fate) = (self.world.clone(), self.lane, self.fate());
        let what = format!("{} {} {}", CARRIERS[lane], request.method, request.url.path());
        if fate.refused || (!world.reachable(lane) && !fate.silent) {
            world.note(&format!("{what}: refused"));
            sleep(fate.back).await;
            return Err(Error::new(Code::Connect, "no route"));
        }
        if fate.request_lost || !world.reachable(lane) {
            world.note(&format!("{what}: request lost"));
            return gone(&fate).await;
        }
        if let Some(after) = fate.again {
            tokio::spawn(deliver(world.clone(), lane, request.clone(), after, "again", None));
        }
        let sent = tokio::spawn(deliver(world.clone(), lane, request, fate.out, "", fate.fault));
        let answer = sent.await.ok().flatten();
        sleep(fate.back).await;
        if fate.answer_lost || !world.reachable(lane) {
            world.note(&format!("{what}: answer lost"));
            return gone(&fate).await;
        }
        if let Some(status) = fate.gateway {
            world.note(&format!("{what}: a gateway answers {status}"));
            let body = Bytes::from_static(b"<html>upstream</html>");
            return Ok(HttpResponse { status, headers: HeaderMap::new(), body, facts: None });
        }
        match answer {
            Some(answer) => Ok(answer),
            None => gone(&fate).await,
        }
    }
}

/// No answer: the connection breaks, or nobody ever says anything.
async fn gone(fate: &Fate) -> Result<HttpResponse> {
    if fate.silent {
        std::future::pending::<()>().await;
    }
    sleep(fate.back).await;
    Err(Error::new(Code::ConnectionLost, "reset").sent(Sent::MaybeSent))
}

/// Brings a request to a carrier. It arrives whether or not its sender still lives.
async fn deliver(
    world: Arc<World>,
    lane: usize,
    request: HttpRequest,
    after: Duration,
    how: &str,
    fault: Option<(When, How)>,
) -> Option<HttpResponse> {
    sleep(after).await;
    let carrier = world.carrier(lane);
    if !how.is_empty() {
        // A second copy that an instance takes which has not seen the first: the rules of business must hold by themselves.
        carrier.oauth.seen.forget();
    }
    if let Some((when, how)) = fault {
        carrier.faults.add(Fault { retry_after_s: Some(1), ..Fault::once("*", when, how) });
    }
    let what = format!("{} {} {}", CARRIERS[lane], request.method, request.url.path());
    let mut call = http::Request::builder().method(request.method).uri(request.url.as_str()).body(request.body).ok()?;
    *call.headers_mut() = request.headers;
    let kept = matches!(world.plan.defect, Defect::LosesWithdrawals).then(|| carrier.store().log_epoch.clone());
    let answer = world.carriers[lane].call(call, &world.peer).await;
    if let Some(epoch) = kept.filter(|_| what.contains("/withdrawals/")) {
        let mut store = carrier.store();
        store.restore(1, carrier.clock.now());
        store.log_epoch = epoch;
    }
    let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
    let code = answer.as_ref().and_then(|a| serde_json::from_slice::<serde_json::Value>(a.body()).ok());
    let word = |name: &str| code.as_ref().and_then(|c| c.get(name)?.as_str().map(str::to_owned)).unwrap_or_default();
    world.note(&format!("{what}: {how} {status} {}{}", word("code"), word("state")));
    world.look();
    let (parts, body) = answer?.into_parts();
    Some(HttpResponse { status: parts.status, headers: parts.headers, body, facts: None })
}

impl Transport for Wire {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse>> {
        let wire = Arc::new(Self { world: self.world.clone(), lane: self.lane, dead: self.dead.clone() });
        Box::pin(async move {
            let deadline = request.deadline;
            if wire.dead.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            let dead = wire.dead.clone();
            let answer = timeout(deadline, wire.exchange(request)).await;
            if dead.load(Ordering::SeqCst) {
                return std::future::pending().await;
            }
            answer.unwrap_or_else(|_| Err(Error::new(Code::DeadlineExceeded, "nobody answered").sent(Sent::MaybeSent)))
        })
    }
}
