//! The collector's rules, one stream at a time, without a network.

use std::path::Path;
use std::sync::{Arc, Mutex};

use gladhand_documents::telemetry::frame::{Epoch, checksum, compress};
use gladhand_documents::telemetry::wire::follow_response::Message;
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{
    Frame, GapNotice, GoAwayReason, Hello, LaneState, NackReason, ResumeState, Welcome,
};
use gladhand_documents::telemetry::{Codec, Context, Lane, Record, batch};
use jiff::Timestamp;

use super::follow::serve;
use super::hub::Follower;
use super::session::{Answers, Session};
use super::{Collector, LoadAccess, nanos};

pub(super) const EPOCH: Epoch = [3; 16];
const IDENTITY: &str = "spiffe://sandbox.gladhand.test/gateway/edge-1";

/// Tenant `acme` may see loads beginning with `acme`, observed before `until`; vehicle `trk-1` is registered.
pub(super) struct Access {
    until: Mutex<Timestamp>,
}

impl Access {
    pub(super) fn always() -> Self {
        Self { until: Mutex::new(Timestamp::MAX) }
    }
}

impl LoadAccess for Access {
    fn may_see(&self, tenant: &str, record: &Record) -> bool {
        self.may_follow(tenant, &record.context.load_id, instant(record.observed_unix_nanos))
    }

    fn may_follow(&self, tenant: &str, load_id: &str, observed: Timestamp) -> bool {
        load_id.starts_with(tenant) && observed <= *self.until.lock().expect("the limit")
    }

    fn vehicle_registered(&self, producer: &str, vehicle_id: &str) -> bool {
        producer == "edge-1" && vehicle_id == "trk-1"
    }
}

pub(super) fn now() -> Timestamp {
    "2026-02-20T08:00:00Z".parse().expect("an instant")
}

fn collector() -> Collector {
    kept(None)
}

/// One with a folder.
pub(super) fn kept(folder: Option<&Path>) -> Collector {
    let access = Arc::new(Access::always());
    Collector::open(access, now, folder, None).expect("a collector")
}

fn instant(nanos: u64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).expect("an instant")
}

/// Says something and gives the first answer, which may have to wait for the keeper.
pub(super) fn say(session: &mut Session, message: Request) -> Answers {
    let mut answers = session.handle(message)?;
    for _ in 0..5000 {
        if !answers.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
        answers = session.ready()?;
    }
    Ok(answers)
}

pub(super) fn hello(epoch: Epoch, oldest: u64, next: u64, sent: u64) -> Hello {
    Hello {
        producer_id: "edge-1".into(),
        epoch: epoch.to_vec(),
        protocol_version: 1,
        lanes: [Lane::Safety, Lane::Routine]
            .map(|lane| LaneState {
                lane: lane as i32,
                oldest_available_sequence: oldest,
                next_sequence: next,
                highest_sent_sequence: sent,
            })
            .to_vec(),
        codecs: vec![Codec::Zstd as i32, Codec::Raw as i32],
    }
}

/// A stream with context 1 (`trk-1`, load `acme-1`) announced.
pub(super) fn open(collector: &Collector, hello: &Hello) -> (Session, Welcome) {
    let (mut session, welcome) = Session::open(collector.clone(), IDENTITY, "edge-1", hello).expect("welcome");
    let answers = session.handle(Request::Context(context("trk-1", "acme-1").to_wire(1))).expect("a context");
    assert!(answers.is_empty());
    (session, welcome)
}

pub(super) fn fresh(collector: &Collector) -> Session {
    open(collector, &hello(EPOCH, 1, 1, 0)).0
}

fn context(vehicle_id: &str, load_id: &str) -> Context {
    Context { vehicle_id: vehicle_id.into(), load_id: load_id.into(), ..Context::default() }
}

/// Records observed one second apart, the first `start` seconds after now, numbered from there too.
pub(super) fn frame(lane: Lane, first: u64, count: u32, start: u64) -> Frame {
    let context = Arc::new(context("trk-1", "acme-1"));
    let records: Vec<Record> = (0..u64::from(count))
        .map(|i| Record {
            context: context.clone(),
            event_sequence: start + i,
            observed_unix_nanos: nanos(now()) + (start + i) * 1_000_000_000,
            ..Record::default()
        })
        .collect();
    let payload = batch::to_bytes(&records, &vec![1; records.len()]).expect("a batch");
    Frame {
        lane: lane as i32,
        first_sequence: first,
        count,
        codec: Codec::Raw as i32,
        checksum_crc32c: checksum(&EPOCH, lane, first, count, &payload),
        payload,
    }
}

pub(super) fn routine(first: u64, count: u32) -> Frame {
    frame(Lane::Routine, first, count, first)
}

pub(super) fn acknowledged(session: &mut Session, message: Request) -> u64 {
    match say(session, message).expect("the stream goes on").first() {
        Some(Response::Ack(ack)) => ack.through_sequence,
        other => panic!("{other:?} instead of an ack"),
    }
}

pub(super) fn refused(session: &mut Session, message: Request) -> (NackReason, bool, u64) {
    match say(session, message).expect("the stream goes on").first() {
        Some(Response::Nack(nack)) => (nack.reason(), nack.retryable, nack.expected_sequence),
        other => panic!("{other:?} instead of a nack"),
    }
}

pub(super) fn follow(collector: &Collector, seen: u64) -> Arc<Follower> {
    collector.0.hub.follow("acme", &["acme-1".to_owned()], seen, &*collector.0.access)
}

#[test]
fn duplicates_are_acknowledged_and_not_delivered() {
    let collector = collector();
    let mut session = fresh(&collector);
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(1, 3))), 3);
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(1, 3))), 3);
    let routine = &collector.report()[1];
    assert_eq!((routine.lane, routine.records, routine.duplicates), (Lane::Routine, 3, 3));
    assert_eq!(collector.latest("acme-1").expect("a position").number, 3);
}

#[test]
fn a_reused_sequence_is_a_security_event() {
    let collector = collector();
    let mut session = fresh(&collector);
    acknowledged(&mut session, Request::Frame(routine(1, 3)));
    let reused = frame(Lane::Routine, 1, 3, 50);
    assert_eq!(refused(&mut session, Request::Frame(reused)), (NackReason::SequenceReused, false, 4));
    // Other boundaries over the same sequences are other content too.
    assert_eq!(refused(&mut session, Request::Frame(routine(3, 2))).0, NackReason::SequenceReused);
    assert_eq!(refused(&mut session, Request::Frame(routine(1, 2))).0, NackReason::SequenceReused);
    assert_eq!(collector.security_events().len(), 3);
    assert_eq!(collector.security_events()[0].kind, "sequence_reused");
    assert_eq!(collector.latest("acme-1").expect("a position").record.event_sequence, 3);
}

#[test]
fn damage_and_disorder_are_asked_for_again() {
    let collector = collector();
    let mut session = fresh(&collector);
    let mut damaged = routine(1, 3);
    *damaged.payload.last_mut().expect("bytes") ^= 1;
    assert_eq!(refused(&mut session, Request::Frame(damaged)), (NackReason::ChecksumMismatch, true, 1));
    assert_eq!(refused(&mut session, Request::Frame(routine(4, 1))), (NackReason::OutOfOrder, true, 1));
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(1, 3))), 3);
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(4, 1))), 4);
    let mut wrong_count = routine(5, 2);
    wrong_count.count = 3;
    wrong_count.checksum_crc32c = checksum(&EPOCH, Lane::Routine, 5, 3, &wrong_count.payload);
    assert_eq!(refused(&mut session, Request::Frame(wrong_count)).0, NackReason::Malformed);
    let mut foreign_codec = routine(5, 1);
    foreign_codec.codec = 9;
    assert_eq!(refused(&mut session, Request::Frame(foreign_codec)).0, NackReason::Malformed);
}

#[test]
fn a_declared_gap_moves_the_watermark() {
    let collector = collector();
    let mut session = fresh(&collector);
    let gap = |first_sequence, last_sequence| {
        Request::Gap(GapNotice { lane: Lane::Routine as i32, first_sequence, last_sequence, ..GapNotice::default() })
    };
    assert_eq!(acknowledged(&mut session, gap(1, 10)), 10);
    assert_eq!(acknowledged(&mut session, gap(1, 10)), 10);
    assert_eq!(refused(&mut session, gap(20, 21)).0, NackReason::OutOfOrder);
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(11, 2))), 12);
    assert_eq!(acknowledged(&mut session, gap(12, 14)), 14);
    assert_eq!(collector.report()[1].declared_lost, 12);
    assert!(session.handle(gap(9, 8)).is_err());
}

#[test]
fn the_newest_hello_wins() {
    let collector = collector();
    let mut older = fresh(&collector);
    acknowledged(&mut older, Request::Frame(routine(1, 3)));
    let (mut newer, welcome) = open(&collector, &hello(EPOCH, 1, 6, 3));
    assert_eq!(welcome.state(), ResumeState::Resumed);
    assert_eq!(welcome.acks[1].through_sequence, 3);
    let end = older.handle(Request::Frame(routine(4, 1))).expect_err("superseded");
    assert_eq!(end.reason(), GoAwayReason::Superseded);
    assert_eq!(acknowledged(&mut newer, Request::Frame(routine(4, 1))), 4);
}

#[tokio::test]
async fn after_a_lost_state_duplicates_are_flagged() {
    let collector = collector();
    let mut session = fresh(&collector);
    acknowledged(&mut session, Request::Frame(routine(1, 2)));
    acknowledged(&mut session, Request::Frame(routine(3, 2)));
    collector.lose(true, true);
    assert_eq!(session.lost().await.reason(), GoAwayReason::Shutdown);
    assert!(session.handle(Request::Frame(routine(5, 1))).is_err());

    let follower = follow(&collector, 0);
    // The gateway saw an ack for 2 only, so 3 and 4 come again.
    let (mut session, welcome) = open(&collector, &hello(EPOCH, 3, 6, 4));
    assert_eq!(welcome.state(), ResumeState::StateLost);
    assert_eq!(welcome.acks[1].through_sequence, 2);
    acknowledged(&mut session, Request::Frame(routine(3, 2)));
    acknowledged(&mut session, Request::Frame(routine(5, 1)));
    let mut flags = Vec::new();
    while flags.last() != Some(&(5, false)) {
        let update = follower.queue.next().await;
        flags.push((update.record.event_sequence, update.possible_duplicate));
    }
    // 4 is the newest from before, 3 is older than it and only counted.
    assert_eq!(flags, [(4, false), (4, true), (5, false)]);
}

#[test]
fn who_is_not_registered_is_refused() {
    let collector = collector();
    let mut foreign = hello(EPOCH, 1, 1, 0);
    foreign.producer_id = "edge-2".into();
    let end = Session::open(collector.clone(), IDENTITY, "edge-1", &foreign).expect_err("another producer");
    assert_eq!(end.reason(), GoAwayReason::Unauthorized);
    let mut session = fresh(&collector);
    let other = context("trk-2", "acme-1").to_wire(2);
    assert!(session.handle(Request::Context(other)).expect("the stream goes on").is_empty());
    let record = Record { context: Arc::new(context("trk-2", "acme-1")), ..Record::default() };
    let payload = batch::to_bytes(&[record], &[2]).expect("a batch");
    let frame = Frame { checksum_crc32c: checksum(&EPOCH, Lane::Routine, 1, 1, &payload), payload, ..routine(1, 1) };
    assert_eq!(refused(&mut session, Request::Frame(frame)), (NackReason::Unauthorized, false, 1));
    let kinds: Vec<_> = collector.security_events().iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["producer_mismatch", "vehicle_unregistered"]);
    assert!(collector.latest("acme-1").is_none());
}

#[test]
fn protocol_violations_end_the_stream() {
    let collector = collector();
    let bad = Hello { epoch: vec![7; 15], ..hello(EPOCH, 1, 1, 0) };
    let end = Session::open(collector.clone(), IDENTITY, "edge-1", &bad).expect_err("15 bytes");
    assert_eq!(end.reason(), GoAwayReason::ProtocolViolation);
    let later = Hello { protocol_version: 2, ..hello(EPOCH, 1, 1, 0) };
    assert!(Session::open(collector.clone(), IDENTITY, "edge-1", &later).is_err());
    let mut bad = hello(EPOCH, 1, 1, 0);
    bad.lanes[1] = bad.lanes[0];
    assert!(Session::open(collector.clone(), IDENTITY, "edge-1", &bad).is_err());
    let mut session = fresh(&collector);
    assert!(session.handle(Request::Context(context("trk-1", "acme-2").to_wire(1))).is_err());
    assert!(session.handle(Request::Frame(frame(Lane::Diagnostic, 1, 1, 1))).is_err());
    assert!(session.handle(Request::Hello(hello(EPOCH, 1, 1, 0))).is_err());
    assert!(session.handle(Request::Frame(Frame { first_sequence: 0, ..routine(1, 1) })).is_err());
}

#[test]
fn credit_is_renewed_and_kept() {
    let collector = collector();
    let mut session = fresh(&collector);
    let padding = vec![0; super::MAX_FRAME_PAYLOAD];
    let mut credits = 0;
    // What is not a batch uses credit like any other: 20 full frames, with credit renewed on the way.
    for _ in 0..20 {
        let junk = Frame { payload: padding.clone(), ..routine(1, 1) };
        let answers = session.handle(Request::Frame(junk)).expect("within credit");
        credits += answers.iter().filter(|a| matches!(a, Response::Credit(_))).count();
    }
    assert_eq!(credits, 2);
    // No more than was granted, though the stream goes on.
    for _ in 0..3 {
        let more = Frame { payload: padding.clone(), ..routine(1, 1) };
        assert_eq!(refused(&mut session, Request::Frame(more)).0, NackReason::ChecksumMismatch);
    }
    collector.0.faults.set(|settings| settings.starved = vec![Lane::Routine]);
    let reasons: Vec<_> = (0..16)
        .map(|_| refused(&mut session, Request::Frame(Frame { payload: padding.clone(), ..routine(1, 1) })).0)
        .collect();
    assert_eq!(reasons.last(), Some(&NackReason::OverCredit), "{reasons:?}");
    assert_eq!(reasons.first(), Some(&NackReason::ChecksumMismatch));
}

#[test]
fn compressed_frames_are_taken() {
    let collector = collector();
    let (mut session, welcome) = open(&collector, &hello(EPOCH, 1, 1, 0));
    assert_eq!(welcome.codec(), Codec::Zstd);
    let mut long = routine(1, 2000);
    let (codec, small) = compress(&long.payload, Codec::Zstd);
    let small = small.into_owned();
    assert_eq!(codec, Codec::Zstd);
    long.payload = small;
    long.codec = codec as i32;
    assert_eq!(acknowledged(&mut session, Request::Frame(long)), 2000);
}

#[tokio::test]
async fn a_slow_follower_gets_the_latest_and_a_count() {
    let collector = collector();
    let mut session = fresh(&collector);
    let follower = follow(&collector, 0);
    acknowledged(&mut session, Request::Frame(routine(1, 2000)));
    let (mut shown, mut skipped, mut last) = (0, 0, 0);
    while last < 2000 {
        let update = follower.queue.next().await;
        shown += 1;
        skipped += update.skipped;
        last = update.record.event_sequence;
    }
    assert_eq!(shown + skipped, 2000);
    assert!(shown < 300, "{shown} updates for a follower that did not read");
    // A reconnect with the cursor of what was seen shows what is new, and counts what was missed.
    acknowledged(&mut session, Request::Frame(routine(2001, 5)));
    let again = follow(&collector, 2000);
    let update = again.queue.next().await;
    assert_eq!((update.record.event_sequence, update.skipped), (2005, 4));
}

#[tokio::test]
async fn late_records_are_counted_and_foreign_ones_never_shown() {
    let collector = collector();
    let mut session = fresh(&collector);
    let follower = follow(&collector, 0);
    let stranger = collector.0.hub.follow("rival", &["acme-1".to_owned()], 0, &*collector.0.access);
    acknowledged(&mut session, Request::Frame(frame(Lane::Safety, 1, 1, 100)));
    acknowledged(&mut session, Request::Frame(frame(Lane::Routine, 1, 3, 97)));
    acknowledged(&mut session, Request::Frame(frame(Lane::Routine, 4, 1, 101)));
    let first = follower.queue.next().await;
    let second = follower.queue.next().await;
    assert_eq!((first.record.event_sequence, first.skipped), (100, 0));
    assert_eq!((second.record.event_sequence, second.skipped), (101, 3));
    let nothing = tokio::time::timeout(std::time::Duration::ZERO, stranger.queue.next()).await;
    assert!(nothing.is_err(), "another tenant saw the load");
}

#[tokio::test]
async fn a_load_that_ended_is_said_to_have_ended() {
    let access = Arc::new(Access::always());
    let collector = Collector::open(access.clone(), now, None, None).expect("a collector");
    let mut session = fresh(&collector);
    let follower = follow(&collector, 0);
    acknowledged(&mut session, Request::Frame(routine(1, 1)));
    *access.until.lock().expect("the limit") = "2026-02-20T07:00:00Z".parse().expect("an instant");
    // Observed after the end: not shown, though the stream is still open.
    acknowledged(&mut session, Request::Frame(routine(2, 1)));
    let (answers, mut stream) = tokio::sync::mpsc::channel(1);
    let loads = vec!["acme-1".to_owned()];
    let serving = tokio::spawn(async move { serve(&collector, &follower, loads, &answers).await });
    let mut said = Vec::new();
    while let Some(Ok(answer)) = stream.recv().await {
        said.push(match answer.message {
            Some(Message::Update(update)) => {
                let record = update.record.expect("a record");
                assert!(record.sensors.is_empty() && record.faults.is_empty());
                format!("record {}", record.event_sequence)
            }
            Some(Message::Ended(ended)) => format!("end of {}", ended.load_id),
            other => format!("{other:?}"),
        });
    }
    serving.await.expect("it ends by itself");
    assert_eq!(said, ["record 1", "end of acme-1"]);
}

#[test]
fn sequences_once_more_are_compared_and_only_taken_when_asked_for() {
    let collector = collector();
    let mut session = fresh(&collector);
    say(&mut session, Request::Frame(frame(Lane::Safety, 1, 2, 0))).expect("an acknowledgement");
    say(&mut session, Request::Frame(frame(Lane::Safety, 3, 1, 2))).expect("an acknowledgement");
    let unasked = session.handle(Request::Replayed(frame(Lane::Safety, 1, 2, 0))).expect_err("nobody asked");
    assert_eq!(unasked.reason(), GoAwayReason::ProtocolViolation);
    assert!(!collector.ask_again("edge-1", Lane::Safety, 1, 4), "the fourth never came");
    assert!(collector.ask_again("edge-1", Lane::Safety, 1, 3));

    let mut session = fresh(&collector);
    let answers = session.ready().expect("a question");
    let Some(Response::Replay(asked)) = answers.first() else { panic!("{answers:?}") };
    assert_eq!((asked.first_sequence, asked.last_sequence), (1, 3));
    session.handle(Request::Replayed(frame(Lane::Safety, 1, 2, 0))).expect("as it was");
    // Other content under the same sequence.
    session.handle(Request::Replayed(frame(Lane::Safety, 3, 1, 9))).expect("taken for missing");
    let replays = collector.replays();
    assert_eq!((replays[0].arrived.as_slice(), replays[0].missing.as_slice()), (&[(1, 2)][..], &[(3, 3)][..]));
    assert!(replays[0].is_answered());
    assert_eq!(collector.security_events().last().map(|event| event.kind), Some("sequence_reused"));
    let report = collector.report();
    let safety = report.iter().find(|lane| lane.lane == Lane::Safety).expect("the lane");
    assert_eq!((safety.records, safety.duplicates), (3, 0));
}
