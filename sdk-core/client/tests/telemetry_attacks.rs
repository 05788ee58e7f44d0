//! Whoever holds a gateway's credentials and does not keep the rules: refused by name, reported, and the stream goes on.

#[path = "support/line.rs"]
mod line;
#[rustfmt::skip]
#[path = "../src/telemetry/stub.rs"]
mod stub;
mod support;

use gladhand::telemetry::{Context, Lane};
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{Codec, Durability, Frame, GoAwayReason, ResumeState};
use line::{Line, frame, hello, records, sealed};
use support::{Bench, soon};

const EPOCH: [u8; 16] = [7; 16];

fn truck() -> Context {
    Context { vehicle_id: "aurora-trk-0417".into(), load_id: "L-1".into(), ..Context::default() }
}

/// The kinds of the security events so far.
fn events(bench: &Bench) -> Vec<String> {
    let state = bench.control("/state", None);
    let events = state.at("/telemetry/securityEvents").unwrap();
    events.items().map(|event| event.get("kind").unwrap().text().unwrap().into_owned()).collect()
}

/// Records that arrived, and how many came again.
fn arrived(bench: &Bench) -> (i64, i64) {
    let report = bench.control("/telemetry", None);
    let sum = |name: &str| {
        let lanes = report.at("/lanes").unwrap();
        lanes.items().map(|lane| lane.get(name).unwrap().number().unwrap().parse::<i64>().unwrap()).sum()
    };
    (sum("records"), sum("duplicates"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused_by_name_and_the_stream_goes_on() {
    let bench = Bench::start();
    // An epoch of before, with a frame that the attacker recorded.
    let old = [1; 16];
    let (mut before, _) = Line::greeted(&bench, old, Lane::Routine, &truck()).await;
    let recorded = frame(&old, Lane::Routine, 1, &records(&truck(), 1, 2));
    assert_eq!(before.acknowledged(recorded.clone()).await, 2);

    let (mut line, welcome) = Line::greeted(&bench, EPOCH, Lane::Routine, &truck()).await;
    assert_eq!(welcome.state(), ResumeState::UnknownEpoch);
    assert_eq!(welcome.acks[0].durability(), Durability::Fsync);
    let first = frame(&EPOCH, Lane::Routine, 1, &records(&truck(), 1, 2));
    assert_eq!(line.acknowledged(first.clone()).await, 2);
    let mut next = 3;

    let other = frame(&EPOCH, Lane::Routine, 1, &records(&truck(), 100, 2));
    // 10 MB of zeros, and the same in a kilobyte of zstd; one that states its size and one that hides it.
    let zeros = vec![0; 10_000_000];
    let large = sealed(&EPOCH, Lane::Routine, 3, 1, zeros.clone());
    let bomb = zstd::bulk::compress(&zeros, 3).unwrap();
    assert!(bomb.len() < 64 * 1024);
    let bomb = Frame { codec: Codec::Zstd as i32, ..sealed(&EPOCH, Lane::Routine, 3, 1, bomb) };
    let hidden = zstd::stream::encode_all(zeros.as_slice(), 3).unwrap();
    let hidden = Frame { payload: hidden, ..bomb.clone() };
    let attacks = [
        ("SEQUENCE_REUSED", "sequence_reused", other),
        ("CHECKSUM_MISMATCH", "frame_replayed", recorded.clone()),
        ("CHECKSUM_MISMATCH", "frame_replayed", frame(&EPOCH, Lane::Safety, 3, &records(&truck(), 3, 1))),
        ("TOO_LARGE", "frame_oversize", large),
        ("TOO_LARGE", "frame_bomb", bomb),
        ("TOO_LARGE", "frame_bomb", hidden),
    ];
    for (number, (reason, kind, mut attack)) in attacks.into_iter().enumerate() {
        attack.lane = Lane::Routine as i32;
        assert_eq!(line.refused(attack).await, (reason.to_owned(), false), "{kind}");
        let events = events(&bench);
        assert_eq!((events.len(), events.last().map(String::as_str)), (number + 1, Some(kind)));
        // The stream goes on, and nothing of it was booked.
        assert_eq!(line.acknowledged(frame(&EPOCH, Lane::Routine, next, &records(&truck(), next, 1))).await, next);
        next += 1;
    }

    // Another gateway's vehicle: its context is no crime before a frame refers to it.
    let foreign = Context { vehicle_id: "rival-trk-1".into(), ..truck() };
    line.say(Request::Context(foreign.to_wire(2))).await;
    let payload = gladhand_documents::telemetry::batch::to_bytes(&records(&foreign, next, 1), &[2]).unwrap();
    let attack = sealed(&EPOCH, Lane::Routine, next, 1, payload);
    assert_eq!(line.refused(attack).await, ("UNAUTHORIZED".to_owned(), false));
    assert_eq!(events(&bench).last().map(String::as_str), Some("vehicle_unregistered"));
    assert_eq!(line.acknowledged(frame(&EPOCH, Lane::Routine, next, &records(&truck(), next, 1))).await, next);

    // What a gateway that missed its acknowledgement does: taken, not delivered again, and no event.
    let (all, again) = arrived(&bench);
    let reported = events(&bench).len();
    let (mut newer, _) = Line::greeted(&bench, EPOCH, Lane::Routine, &truck()).await;
    assert_eq!(newer.acknowledged(first).await, next);
    assert_eq!(arrived(&bench), (all, again + 2));
    assert_eq!(events(&bench).len(), reported);
    // The stream that the newest Hello took the lane from is refused.
    let Response::GoAway(end) = line.hear().await else { panic!("the older stream goes on") };
    assert_eq!(end.reason(), GoAwayReason::Superseded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_producer_is_shown_the_door() {
    let bench = Bench::start();
    let mut line = Line::open(&bench).await;
    line.say(Request::Hello(hello("rival-edge", EPOCH, Lane::Routine))).await;
    let Response::GoAway(end) = line.hear().await else { panic!("it was let in") };
    assert_eq!(end.reason(), GoAwayReason::Unauthorized);
    assert_eq!(events(&bench), ["producer_mismatch"]);
    // The true one is none the worse for it.
    let (mut line, _) = Line::greeted(&bench, EPOCH, Lane::Routine, &truck()).await;
    assert_eq!(line.acknowledged(frame(&EPOCH, Lane::Routine, 1, &records(&truck(), 1, 1))).await, 1);
}

/// More than the collector reads at all: there is no telling where the next message begins, so the stream ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_ends_its_stream_and_is_reported() {
    let bench = Bench::start();
    let (mut line, _) = Line::greeted(&bench, EPOCH, Lane::Routine, &truck()).await;
    line.say(Request::Frame(sealed(&EPOCH, Lane::Routine, 1, 1, vec![0; 13 << 20]))).await;
    let Response::GoAway(end) = line.hear().await else { panic!("it was taken") };
    assert_eq!(end.reason(), GoAwayReason::ProtocolViolation);
    assert_eq!(events(&bench), ["frame_oversize"]);
}

/// SAFETY has a stream of its own: neither takes the other's lane, and it always has credit for 16 frames.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn safety_has_a_stream_and_credit_of_its_own() {
    let bench = Bench::start();
    bench.post("/telemetry/faults", r#"{"starve":["routine"]}"#);
    let (mut routine, _) = Line::greeted(&bench, EPOCH, Lane::Routine, &truck()).await;
    let (mut safety, welcome) = Line::greeted(&bench, EPOCH, Lane::Safety, &truck()).await;
    assert!(welcome.credits[0].max_payload_bytes_total >= 16 * u64::from(welcome.max_frame_payload_bytes));
    // ROUTINE runs out of what it began with, and is refused by name.
    let noise = vec![1; 65_536];
    for _ in 0..2 {
        assert_eq!(routine.refused(sealed(&[0; 16], Lane::Routine, 1, 1, noise.clone())).await.0, "CHECKSUM_MISMATCH");
    }
    let late = frame(&EPOCH, Lane::Routine, 1, &records(&truck(), 1, 1));
    assert_eq!(routine.refused(late.clone()).await, ("OVER_CREDIT".to_owned(), true));
    for sequence in 1..=20 {
        let fault = frame(&EPOCH, Lane::Safety, sequence, &records(&truck(), 10 + sequence, 1));
        assert_eq!(safety.acknowledged(fault).await, sequence);
    }
    bench.post("/telemetry/faults", r#"{"starve":[]}"#);
    let credit = soon("credit", async {
        loop {
            if let Some(Response::Credit(credit)) = routine.next().await.unwrap().and_then(|answer| answer.message) {
                return credit;
            }
        }
    });
    assert!(credit.await.max_payload_bytes_total > 2 * 65_536);
    assert_eq!(routine.acknowledged(late).await, 1);
}
