//! The follow service: a tenant sees its own loads, and of them what the agreement covers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use gladhand_documents::error::Code;
use gladhand_documents::telemetry::Kinematics;
use gladhand_documents::telemetry::wire::follow_response::Message;
use gladhand_documents::telemetry::wire::{
    FollowEnded, FollowHeartbeat, FollowRequest, FollowResponse, FollowUpdate, TelemetryRecord,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::Collector;
use super::hub::{Follower, Update};
use super::ingest::{caller, expiry, status};
use super::stub::telemetry_follow_service_server::TelemetryFollowService;

const SCOPE: &str = "telemetry:read";
/// The most loads of one call.
const LOADS: usize = 1000;
/// How often a follower hears from the collector when nothing moves.
const HEARTBEAT: Duration = Duration::from_secs(5);

pub(super) struct FollowService(pub(super) Collector);

type Answer = Result<FollowResponse, Status>;

#[tonic::async_trait]
impl TelemetryFollowService for FollowService {
    type FollowStream = Pin<Box<dyn Stream<Item = Answer> + Send>>;

    async fn follow(
        &self,
        request: tonic::Request<FollowRequest>,
    ) -> Result<tonic::Response<Self::FollowStream>, Status> {
        let caller = caller(&request, SCOPE)?;
        if !caller.consent.position {
            return Err(status(Code::DataSharingDenied, "the agreement does not cover positions"));
        }
        let FollowRequest { mut load_ids, cursor } = request.into_inner();
        load_ids.sort_unstable();
        load_ids.dedup();
        if load_ids.is_empty() || load_ids.len() > LOADS {
            return Err(status(Code::SchemaInvalid, "load_ids has 1 to 1000 different loads"));
        }
        let shared = &self.0.0;
        // An unknown load and another tenant's are answered alike, so that nobody learns which loads there are.
        if let Some(foreign) =
            load_ids.iter().find(|load| !shared.access.may_follow(&caller.tenant, load, self.0.now()))
        {
            let detail = format!("{} asks for load {foreign:?}", caller.tenant);
            shared.security.raise(self.0.now(), "load_foreign", &caller.uri, detail);
            let detail = format!("load {foreign:?} is not under way for this tenant");
            return Err(status(Code::TenantForbidden, &detail));
        }
        let seen = self.0.position(&cursor);
        let follower = shared.hub.follow(&caller.tenant, &load_ids, seen, &*shared.access);
        let (answers, stream) = mpsc::channel(1);
        let expires = expiry(&caller, self.0.now());
        let collector = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = serve(&collector, &follower, load_ids, &answers) => {}
                () = tokio::time::sleep(expires) => {
                    let _ = answers.send(Err(status(Code::TokenExpired, "the token has expired"))).await;
                }
                () = answers.closed() => {}
            }
        });
        Ok(tonic::Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

pub(super) async fn serve(
    collector: &Collector,
    follower: &Arc<Follower>,
    mut loads: Vec<String>,
    answers: &mpsc::Sender<Answer>,
) {
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        // A slot first, then the update: while the follower does not read, its queue conflates.
        let Ok(slot) = answers.reserve().await else { return };
        let message = tokio::select! {
            biased;
            update = follower.queue.next() => Message::Update(collector.shown(&update)),
            _ = heartbeat.tick() => {
                let now = collector.now();
                let access = &collector.0.access;
                match loads.iter().position(|load| !access.may_follow(&follower.tenant, load, now)) {
                    Some(ended) => {
                        let load_id = loads.remove(ended);
                        heartbeat.reset_immediately();
                        Message::Ended(FollowEnded { load_id, detail: "delivered more than an hour ago".into() })
                    }
                    None => Message::Heartbeat(FollowHeartbeat { server_time_unix_nanos: collector.now_nanos() }),
                }
            }
        };
        slot.send(Ok(FollowResponse { message: Some(message) }));
        if loads.is_empty() {
            return;
        }
    }
}

impl Collector {
    /// An update as a follower sees it.
    fn shown(&self, update: &Update) -> FollowUpdate {
        FollowUpdate {
            record: Some(agreed(update.record.to_wire())),
            received_time_unix_nanos: update.received_unix_nanos,
            server_time_unix_nanos: self.now_nanos(),
            skipped: update.skipped,
            possible_duplicate: update.possible_duplicate,
            cursor: format!("{}.{}", self.0.hub.life(), update.number),
            source: update.source.to_string(),
        }
    }

    /// The arrival that a cursor stands for; 0 for none, or for one of an earlier life of this collector.
    fn position(&self, cursor: &str) -> u64 {
        cursor
            .split_once('.')
            .filter(|(life, _)| *life == self.0.hub.life())
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or(0)
    }
}

/// What consent `position` covers: where the truck is, how fast and which way it goes, and who drives. Sensors, faults and
/// accelerations say how the carrier's technology does, and are not the TMS's.
fn agreed(record: TelemetryRecord) -> TelemetryRecord {
    TelemetryRecord {
        kinematics: record.kinematics.map(|k| Kinematics {
            speed_mmps: k.speed_mmps,
            heading_cdeg: k.heading_cdeg,
            ..Kinematics::default()
        }),
        sensor_health: Vec::new(),
        faults: Vec::new(),
        sensors: Vec::new(),
        ..record
    }
}
