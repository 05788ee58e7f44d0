//! The sender against a collector that is a few lines long, with drops, losses and disorder.

use std::collections::BTreeMap;
use std::sync::Arc;

use gladhand_documents::telemetry::frame::{checksum, decompress};
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{Ack, Codec, Credit, DropReason, Nack, NackReason, Welcome};
use gladhand_documents::telemetry::{Context, Durability, Lane, Record, batch};
use proptest::prelude::*;

use super::*;

const EPOCH: [u8; 16] = [9; 16];

fn record(number: u64) -> Record {
    let context = Context { vehicle_id: "trk-1".into(), load_id: format!("load-{}", number % 3), ..Context::default() };
    Record { context: Arc::new(context), observed_unix_nanos: number * 100_000_000, ..Record::default() }
}

fn at(ms: u64) -> Now {
    Now { ms, unix_ms: ms }
}

fn open(sender: &mut Sender, welcome: &Welcome) -> Result<Opened, Setback> {
    sender.opened(Stream::Safety, welcome, 0)?;
    sender.opened(Stream::Others, welcome, 0)
}

fn next(sender: &mut Sender, now_ms: u64) -> Option<Message> {
    Stream::BOTH.into_iter().find_map(|stream| sender.next(stream, now_ms))
}

fn closed(sender: &mut Sender) {
    for stream in Stream::BOTH {
        sender.closed(stream);
    }
}

fn policies(budget_bytes: usize, drop: DropPolicy) -> Policies {
    let lane = LanePolicy { budget_bytes, drop, frame_records: 4, linger_ms: 100, max_age_ms: None, sync_each: false };
    Policies { safety: LanePolicy { linger_ms: 0, ..lane }, operational: lane, routine: lane, diagnostic: lane }
}

/// A collector: keeps what comes in order, acknowledges it, and checks every frame.
#[derive(Debug, Default)]
struct Peer {
    contexts: BTreeMap<u32, Arc<Context>>,
    through: BTreeMap<i32, u64>,
    events: Vec<u64>,
    lost: u64,
}

impl Peer {
    fn welcome(&mut self, credit: u64) -> Welcome {
        self.contexts.clear();
        let lane = |lane: Lane| lane as i32;
        Welcome {
            state: 1,
            acks: LANES.map(|l| self.ack(lane(l))).to_vec(),
            credits: LANES.map(|l| Credit { lane: lane(l), max_payload_bytes_total: credit }).to_vec(),
            max_frame_payload_bytes: 65536,
            server_time_unix_nanos: 0,
            codec: Codec::Zstd as i32,
        }
    }

    fn ack(&self, lane: i32) -> Ack {
        let through_sequence = self.through.get(&lane).copied().unwrap_or(0);
        Ack { lane, through_sequence, durability: Durability::Memory as i32 }
    }

    /// Gives the lane to acknowledge.
    fn take(&mut self, epoch: &[u8; 16], message: Message) -> Option<i32> {
        match message {
            Message::Context(context) => {
                self.contexts.insert(context.context_id, Arc::new(Context::from_wire(context).expect("a context")));
                None
            }
            Message::Frame(frame) => {
                let payload = decompress(&frame.payload, frame.codec(), 65536).expect("a payload");
                let sum = checksum(epoch, frame.lane(), frame.first_sequence, frame.count, &payload);
                assert_eq!(sum, frame.checksum_crc32c);
                let through = self.through.entry(frame.lane).or_default();
                if frame.first_sequence <= *through {
                    return Some(frame.lane);
                }
                assert_eq!(frame.first_sequence, *through + 1, "a sequence was left out silently");
                *through += u64::from(frame.count);
                let records = batch::from_bytes(&payload, |id| self.contexts.get(&id).cloned()).expect("records");
                assert_eq!(records.len(), frame.count as usize);
                self.events.extend(records.iter().map(|r| r.event_sequence));
                Some(frame.lane)
            }
            Message::Gap(gap) => {
                let through = self.through.entry(gap.lane).or_default();
                if gap.last_sequence > *through {
                    assert_eq!(gap.first_sequence, *through + 1, "a gap left sequences out silently");
                    self.lost += gap.last_sequence - *through;
                    *through = gap.last_sequence;
                }
                Some(gap.lane)
            }
            Message::Replayed(_) | Message::ReplayGap(_) => panic!("nobody asked for it"),
            Message::Hello(_) | Message::Heartbeat(_) => None,
        }
    }
}

/// Sends all there is and acknowledges it.
fn drain(sender: &mut Sender, peer: &mut Peer) {
    sender.seal(at(0)).expect("frames");
    let epoch = *sender.epoch();
    while let Some(message) = next(sender, 0) {
        if let Some(lane) = peer.take(&epoch, message) {
            sender.acknowledged(&peer.ack(lane), 0).expect("known");
        }
    }
}

#[test]
fn everything_arrives_once_and_in_order() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    for number in 1..=10 {
        let admission = sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
        assert_eq!((admission.sequence, admission.event_sequence, admission.accepted), (number, number, true));
    }
    assert_eq!(sender.conservation().pending, 10);
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    drain(&mut sender, &mut peer);
    assert_eq!(peer.events, (1..=10).collect::<Vec<_>>());
    let counts = sender.conservation();
    assert_eq!((counts.produced, counts.acknowledged, counts.dropped, counts.pending), (10, 10, 0, 0));
    assert!(sender.is_settled());
}

#[test]
fn a_frame_is_made_when_full_or_when_its_time_has_come() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    sender.admit(Lane::Routine, record(1), at(1000)).expect("admitted");
    assert_eq!(sender.poll(at(1040)).expect("frames"), Some(60));
    assert!(next(&mut sender, 1040).is_none());
    assert_eq!(sender.poll(at(1100)).expect("frames"), None);
    assert!(matches!(next(&mut sender, 1100), Some(Message::Context(_))));
    assert!(matches!(next(&mut sender, 1100), Some(Message::Frame(frame)) if frame.count == 1));
    // A safety record waits for nobody, and goes before what is already there.
    for number in 2..=5 {
        sender.admit(Lane::Routine, record(number), at(1100)).expect("admitted");
    }
    sender.admit(Lane::Safety, record(6), at(1100)).expect("admitted");
    let lanes: Vec<i32> = std::iter::from_fn(|| next(&mut sender, 1100))
        .filter_map(|m| if let Message::Frame(f) = m { Some(f.lane) } else { None })
        .collect();
    assert_eq!(lanes, [Lane::Safety as i32, Lane::Routine as i32]);
}

#[test]
fn what_was_not_acknowledged_is_sent_again() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    for number in 1..=8 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    // Both frames arrive, and the acknowledgement of neither.
    while let Some(message) = next(&mut sender, 0) {
        peer.take(&EPOCH, message);
    }
    closed(&mut sender);
    assert_eq!(sender.hello(Stream::Others).lanes[1].highest_sent_sequence, 8);
    assert_eq!(sender.hello(Stream::Others).lanes[1].oldest_available_sequence, 1);
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    assert_eq!(sender.conservation().acknowledged, 8);
    drain(&mut sender, &mut peer);
    assert_eq!(peer.events, (1..=8).collect::<Vec<_>>());
}

#[test]
fn credit_is_never_exceeded() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    for number in 1..=400 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    open(&mut sender, &peer.welcome(300)).expect("open");
    let mut sent = 0;
    while let Some(message) = next(&mut sender, 5) {
        if let Message::Frame(frame) = &message {
            sent += frame.payload.len();
        }
        peer.take(&EPOCH, message);
    }
    assert!((1..=300).contains(&sent), "{sent} bytes");
    let blocked = &sender.heartbeat(25).lanes[2];
    assert_eq!(blocked.credit_blocked_ms_total, 20);
    assert!(blocked.held_bytes > 0);
    sender.credited(&Credit { lane: Lane::Routine as i32, max_payload_bytes_total: 1 << 20 });
    assert!(next(&mut sender, 30).is_some());
    assert_eq!(sender.heartbeat(40).lanes[2].credit_blocked_ms_total, 25);
}

#[test]
fn a_full_lane_declares_what_it_drops() {
    for (policy, survivor) in [(DropPolicy::Oldest, 400), (DropPolicy::Newest, 1)] {
        let mut sender = Sender::new("edge", EPOCH, policies(8000, policy));
        let mut peer = Peer::default();
        for number in 1..=400 {
            sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
            assert_eq!(sender.conservation().difference(), 0);
        }
        assert!(sender.heartbeat(0).lanes[2].held_bytes <= 8000);
        open(&mut sender, &peer.welcome(1 << 20)).expect("open");
        drain(&mut sender, &mut peer);
        let counts = sender.conservation();
        assert_eq!(counts.difference(), 0);
        assert_eq!((counts.acknowledged, counts.dropped), (peer.events.len() as u64, peer.lost));
        assert!(peer.events.contains(&survivor), "{policy:?} kept {:?}", peer.events);
        assert_eq!(peer.through[&(Lane::Routine as i32)], 400);
    }
}

#[test]
fn safety_takes_bytes_from_other_lanes() {
    let mut sender = Sender::new("edge", EPOCH, policies(8000, DropPolicy::Oldest));
    for number in 1..=400 {
        sender.admit(Lane::Diagnostic, record(number), at(0)).expect("admitted");
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    let full = sender.conservation_of(Lane::Diagnostic).pending;
    // More than its own budget, less than all budgets together.
    for number in 1..=140 {
        assert!(sender.admit(Lane::Safety, record(number), at(0)).expect("admitted").accepted);
    }
    assert_eq!(sender.conservation_of(Lane::Safety).dropped, 0);
    assert!(sender.conservation_of(Lane::Diagnostic).pending < full, "the least urgent gives first");
    assert_eq!(sender.conservation().difference(), 0);
}

#[test]
fn bytes_that_safety_took_are_not_used_twice() {
    let policies = policies(4096, DropPolicy::Oldest);
    let mut sender = Sender::new("edge", EPOCH, policies);
    for number in 1..=200 {
        sender.admit(Lane::Safety, record(number), at(0)).expect("admitted");
    }
    let held = |sender: &Sender| sender.heartbeat(0).lanes.iter().map(|lane| lane.held_bytes).sum::<u64>();
    assert!(held(&sender) > 3 * 4096, "safety has what the others do not use");
    let kept = sender.conservation_of(Lane::Safety).pending;
    for number in 201..=400 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
        assert!(held(&sender) <= policies.total_bytes() as u64, "{}", held(&sender));
    }
    assert_eq!(sender.conservation_of(Lane::Safety).pending, kept);
    assert_eq!(sender.conservation().difference(), 0);
}

#[test]
fn a_drop_that_had_arrived_is_not_a_loss() {
    let mut sender = Sender::new("edge", EPOCH, policies(2000, DropPolicy::Oldest));
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    for number in 1..=8 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    while let Some(message) = next(&mut sender, 0) {
        peer.take(&EPOCH, message);
    }
    closed(&mut sender);
    for number in 9..=60 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    assert!(sender.conservation().dropped > 8);
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    drain(&mut sender, &mut peer);
    let counts = sender.conservation();
    assert_eq!((counts.acknowledged, counts.dropped), (peer.events.len() as u64, peer.lost));
    assert_eq!(counts.difference(), 0);
}

#[test]
fn old_records_expire() {
    let mut policies = policies(1 << 20, DropPolicy::Oldest);
    policies.routine.max_age_ms = Some(1000);
    let mut sender = Sender::new("edge", EPOCH, policies);
    for number in 1..=8 {
        sender.admit(Lane::Routine, record(number), at(number * 100)).expect("admitted");
    }
    sender.seal(at(0)).expect("frames");
    sender.poll(at(1200)).expect("frames");
    assert_eq!(sender.conservation().dropped, 4);
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    match next(&mut sender, 1200) {
        Some(Message::Gap(gap)) => {
            assert_eq!((gap.first_sequence, gap.last_sequence, gap.reason()), (1, 4, DropReason::Expired));
            assert_eq!((gap.min_event_sequence, gap.max_event_sequence), (1, 4));
            let loads: std::collections::BTreeSet<_> = gap.load_ids.iter().map(String::as_str).collect();
            assert!(loads.into_iter().eq(["load-0", "load-1", "load-2"]));
        }
        other => panic!("{other:?} instead of a gap"),
    }
}

#[test]
fn refusals_are_sent_again_or_declared() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    for number in 1..=12 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    while next(&mut sender, 0).is_some() {}
    let nack = |first_sequence, reason: NackReason, retryable, expected_sequence| Nack {
        lane: Lane::Routine as i32,
        first_sequence,
        reason: reason as i32,
        retryable,
        expected_sequence,
        ..Nack::default()
    };
    sender.refused(&nack(1, NackReason::ContextUnknown, true, 1)).expect("goes on");
    sender.refused(&nack(5, NackReason::OutOfOrder, true, 1)).expect("goes on");
    assert!(matches!(next(&mut sender, 0), Some(Message::Context(_))), "contexts are announced again");
    sender.refused(&nack(5, NackReason::Unauthorized, false, 5)).expect("goes on");
    assert_eq!(sender.conservation().dropped, 4);
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    drain(&mut sender, &mut peer);
    assert_eq!(peer.events, [1, 2, 3, 4, 9, 10, 11, 12]);
    assert_eq!((peer.lost, sender.conservation().difference()), (4, 0));
    let stuck = (0..20).find_map(|_| sender.refused(&nack(13, NackReason::ChecksumMismatch, true, 13)).err());
    assert!(matches!(stuck, Some(Setback::Stuck(_))));
}

#[test]
fn an_acknowledgement_of_the_future_opens_a_new_epoch() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    for number in 1..=6 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    let mut stranger = Peer::default();
    stranger.through.insert(Lane::Routine as i32, 70);
    assert_eq!(open(&mut sender, &stranger.welcome(1 << 20)), Err(Setback::UnknownAcknowledgement));
    sender.restart([1; 16]);
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    drain(&mut sender, &mut peer);
    assert_eq!(peer.events, (1..=6).collect::<Vec<_>>());
    assert_eq!(sender.conservation().difference(), 0);
}

#[test]
fn what_was_never_sent_is_not_let_go() {
    let mut sender = Sender::new("edge", EPOCH, policies(1 << 20, DropPolicy::Oldest));
    let mut peer = Peer::default();
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    for number in 1..=8 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    // One frame of two is on its way.
    while !matches!(next(&mut sender, 0), Some(Message::Frame(_))) {}
    peer.through.insert(Lane::Routine as i32, 8);
    assert_eq!(sender.acknowledged(&peer.ack(Lane::Routine as i32), 0), Err(Setback::UnknownAcknowledgement));
    assert_eq!(sender.conservation().pending, 8);
    peer.through.insert(Lane::Routine as i32, 4);
    sender.acknowledged(&peer.ack(Lane::Routine as i32), 0).expect("known");
    assert_eq!(sender.conservation().acknowledged, 4);
}

#[test]
fn frames_between_losses_expire_too() {
    let mut policies = policies(1 << 20, DropPolicy::Oldest);
    policies.routine.max_age_ms = Some(1000);
    let mut sender = Sender::new("edge", EPOCH, policies);
    let mut peer = Peer::default();
    for number in 1..=12 {
        sender.admit(Lane::Routine, record(number), at(0)).expect("admitted");
    }
    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
    while next(&mut sender, 0).is_some() {}
    let nack = Nack { lane: Lane::Routine as i32, first_sequence: 5, expected_sequence: 5, ..Nack::default() };
    sender.refused(&nack).expect("the frame in the middle is lost");
    closed(&mut sender);
    sender.poll(at(1200)).expect("frames");
    assert_eq!(sender.conservation().dropped, 12);
}

#[test]
fn what_cannot_be_sent_is_refused_at_once() {
    let mut sender = Sender::new("edge", EPOCH, Policies::default());
    let nobody = Record::default();
    assert_eq!(sender.admit(Lane::Routine, nobody, at(0)).expect_err("no vehicle").code().as_str(), "schema_invalid");
    assert!(sender.admit(Lane::Unspecified, record(1), at(0)).is_err());
    assert_eq!(sender.conservation().produced, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    Seal,
    /// Sends up to so many messages; those at odd places lose their answer.
    Send(usize, bool),
    Break(bool),
    Time(u64),
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4usize).prop_map(Step::Publish),
        1 => Just(Step::Seal),
        4 => (1..9usize, any::<bool>()).prop_map(|(n, lossy)| Step::Send(n, lossy)),
        1 => any::<bool>().prop_map(Step::Break),
        2 => (0..400u64).prop_map(Step::Time),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, nothing is lost silently and both ends agree in the end.
    #[test]
    fn every_record_arrives_or_is_declared(steps in proptest::collection::vec(step(), 1..200), sample in any::<bool>()) {
        let mut policies = policies(3000, if sample { DropPolicy::Sample(3) } else { DropPolicy::Oldest });
        policies.routine.max_age_ms = Some(700);
        policies.operational.drop = DropPolicy::Newest;
        let mut sender = Sender::new("edge", EPOCH, policies);
        let mut peer = Peer::default();
        open(&mut sender, &peer.welcome(1 << 20)).expect("open");
        let (mut now, mut number, mut epoch) = (0, 0, 0);
        for step in steps {
            match step {
                Step::Publish(lane) => {
                    number += 1;
                    sender.admit(LANES[lane], record(number), at(now)).expect("admitted");
                }
                Step::Seal => sender.seal(at(0)).expect("frames"),
                Step::Send(count, lossy) => {
                    for place in 0..count {
                        let Some(message) = next(&mut sender, now) else { break };
                        let lane = peer.take(&sender.epoch().clone(), message);
                        if let Some(lane) = lane.filter(|_| !lossy || place % 2 == 0) {
                            sender.acknowledged(&peer.ack(lane), 0).expect("known");
                        }
                    }
                }
                Step::Break(heard) => {
                    closed(&mut sender);
                    if heard {
                        open(&mut sender, &peer.welcome(1 << 20)).expect("open");
                    } else {
                        open(&mut sender, &peer.welcome(100)).expect("open");
                    }
                }
                Step::Time(ms) => {
                    now += ms;
                    sender.poll(at(now)).expect("frames");
                }
                Step::Forget => {
                    // The collector's numbers are of another world: a new epoch, in which nothing was delivered yet.
                    epoch += 1;
                    sender.restart([epoch; 16]);
                    peer = Peer::default();
                    open(&mut sender, &peer.welcome(1 << 20)).expect("open");
                }
            }
            prop_assert_eq!(sender.conservation().difference(), 0);
        }
        open(&mut sender, &peer.welcome(1 << 30)).expect("open");
        drain(&mut sender, &mut peer);
        let counts = sender.conservation();
        prop_assert!(sender.is_settled());
        prop_assert_eq!((counts.pending, counts.difference()), (0, 0));
        prop_assert_eq!((counts.acknowledged, counts.dropped), (peer.events.len() as u64, peer.lost));
        if epoch == 0 {
            prop_assert_eq!(counts.produced, number);
        }
    }
}
