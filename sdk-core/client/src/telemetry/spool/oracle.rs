//! A gateway on a faulty disk, a collector that is a few lines long, and a plain model of what must hold: every sequence that was
//! given out arrives once, or is declared, or waits; and none is given out twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gladhand_documents::telemetry::frame::{Epoch, checksum, decompress};
use gladhand_documents::telemetry::wire::stream_request::Message;
use gladhand_documents::telemetry::wire::{Ack, Codec, Credit, Durability, Replay, Welcome};
use gladhand_documents::telemetry::{Context, Record, batch};
use gladhand_protocol::telemetry::{DropPolicy, LANES, LanePolicy, Now, Policies, Sender, Stream};

use super::Condition;
use super::fault::{Dice, FaultyDisk};
use super::store::{LaneIndex, Spool};

/// A sequence: epoch, lane, number.
pub(super) type Sequence = (Epoch, usize, u64);

/// One lane of an epoch as the collector has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) through: u64,
    /// The content of each sequence that arrived.
    pub(super) delivered: BTreeMap<u64, u64>,
    pub(super) declared: BTreeSet<u64>,
}

/// Keeps what comes in order, and checks that nothing is left out, sent after it was declared, or sent with other content.
#[derive(Clone, Debug, Default)]
pub(super) struct Collector {
    pub(super) sides: HashMap<(Epoch, usize), Side>,
    contexts: [HashMap<u32, Arc<Context>>; 2],
    /// What came because it was asked for once more, and what is said not to be held.
    again: BTreeMap<u64, u64>,
    not_held: BTreeSet<u64>,
}

impl Collector {
    fn welcome(&mut self, stream: Stream, epoch: Epoch) -> Welcome {
        self.contexts[stream as usize].clear();
        let credit = |lane| Credit { lane: lane as i32, max_payload_bytes_total: 1 << 40 };
        Welcome {
            state: 1,
            acks: LANES.map(|lane| self.ack(epoch, lane.index())).to_vec(),
            credits: LANES.map(credit).to_vec(),
            max_frame_payload_bytes: 65536,
            codec: Codec::Zstd as i32,
            ..Welcome::default()
        }
    }

    fn ack(&self, epoch: Epoch, lane: usize) -> Ack {
        let through_sequence = self.sides.get(&(epoch, lane)).map_or(0, |side| side.through);
        Ack { lane: LANES[lane] as i32, through_sequence, durability: Durability::Fsync as i32 }
    }

    fn take(&mut self, stream: Stream, epoch: Epoch, message: Message) -> Option<Ack> {
        let contexts = &mut self.contexts[stream as usize];
        let lane = match message {
            Message::Context(context) => {
                contexts.insert(context.context_id, Arc::new(Context::from_wire(context).unwrap()));
                return None;
            }
            Message::Frame(frame) => {
                let payload = decompress(&frame.payload, frame.codec(), 65536).unwrap();
                let sum = checksum(&epoch, frame.lane(), frame.first_sequence, frame.count, &payload);
                assert_eq!(sum, frame.checksum_crc32c);
                let records = batch::from_bytes(&payload, |id| contexts.get(&id).cloned()).unwrap();
                assert_eq!(records.len(), frame.count as usize);
                let lane = frame.lane().index();
                let side = self.sides.entry((epoch, lane)).or_default();
                for (sequence, record) in (frame.first_sequence..).zip(records) {
                    assert_eq!(record.context.vehicle_id, "trk-1");
                    let content = record.observed_unix_nanos;
                    if sequence <= side.through {
                        assert!(!side.declared.contains(&sequence), "{sequence} came after it was declared lost");
                        assert_eq!(side.delivered[&sequence], content, "{sequence} was given out twice");
                    } else {
                        assert_eq!(sequence, side.through + 1, "sequences were left out silently");
                        side.through = sequence;
                        side.delivered.insert(sequence, content);
                    }
                }
                lane
            }
            Message::Gap(gap) => {
                let lane = gap.lane().index();
                let side = self.sides.entry((epoch, lane)).or_default();
                assert!(gap.first_sequence <= side.through + 1, "a gap left sequences out silently");
                for sequence in side.through + 1..=gap.last_sequence {
                    side.declared.insert(sequence);
                    side.through = sequence;
                }
                lane
            }
            Message::Replayed(frame) => {
                let payload = decompress(&frame.payload, frame.codec(), 65536).unwrap();
                let (lane, first) = (frame.lane(), frame.first_sequence);
                assert_eq!(checksum(&epoch, lane, first, frame.count, &payload), frame.checksum_crc32c);
                let records = batch::from_bytes(&payload, |id| contexts.get(&id).cloned()).unwrap();
                let again = (first..).zip(records).map(|(number, record)| (number, record.observed_unix_nanos));
                self.again.extend(again);
                return None;
            }
            Message::ReplayGap(gap) => {
                self.not_held.extend(gap.first_sequence..=gap.last_sequence);
                return None;
            }
            Message::Hello(_) | Message::Heartbeat(_) => return None,
        };
        Some(self.ack(epoch, lane))
    }

    /// Every content that arrived, in any epoch.
    pub(super) fn contents(&self) -> BTreeSet<u64> {
        self.sides.values().flat_map(|side| side.delivered.values().copied()).collect()
    }
}

/// Everything together.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) disk: FaultyDisk,
    pub(super) policies: Policies,
    pub(super) sender: Sender,
    pub(super) condition: Arc<Condition>,
    pub(super) collector: Collector,
    /// The content of every sequence that was given out and is of the present epoch, or was settled in an older one.
    pub(super) issued: HashMap<Sequence, u64>,
    pub(super) dice: Dice,
    pub(super) now: Now,
    pub(super) contents: u64,
    /// Loads have names that are as long as they may be.
    pub(super) long_names: bool,
}

/// Small lanes, so that they are full soon.
pub(super) fn small_policies() -> Policies {
    let lane = LanePolicy {
        budget_bytes: 256 * 1024,
        drop: DropPolicy::Oldest,
        max_age_ms: None,
        linger_ms: 100,
        frame_records: 8,
        sync_each: false,
    };
    Policies {
        safety: LanePolicy { linger_ms: 0, frame_records: 1, sync_each: true, ..lane },
        operational: LanePolicy { drop: DropPolicy::Newest, ..lane },
        routine: lane,
        diagnostic: LanePolicy { drop: DropPolicy::Sample(3), ..lane },
    }
}

/// Opens the spool on a disk.
pub(super) fn open(disk: &FaultyDisk, policies: &Policies, dice: &mut Dice, now: Now) -> (Sender, Arc<Condition>) {
    let epoch = |dice: &mut Dice| -> Epoch {
        let (a, b) = (dice.next().to_le_bytes(), dice.next().to_le_bytes());
        std::array::from_fn(|at| if at < 8 { a[at] } else { b[at - 8] })
    };
    let budgets = LANES.map(|lane| policies.of(lane).budget_bytes as u64);
    let (spool, found) = Spool::open(disk.process(), budgets, epoch(dice)).expect("it starts");
    let condition = spool.condition();
    (Sender::resume("edge", Box::new(spool), found, epoch(dice), *policies, now), condition)
}

impl Rig {
    pub(super) fn new(seed: u64, policies: Policies) -> Self {
        let (disk, mut dice) = (FaultyDisk::default(), Dice(seed));
        let now = Now { ms: 1000, unix_ms: 1_790_000_000_000 };
        let (sender, condition) = open(&disk, &policies, &mut dice, now);
        let (collector, issued) = (Collector::default(), HashMap::new());
        let mut rig =
            Self { disk, policies, sender, condition, collector, issued, dice, now, contents: 0, long_names: false };
        rig.connect();
        rig
    }

    /// Another life on a disk; the collector is the same.
    pub(super) fn start(&mut self) {
        (self.sender, self.condition) = open(&self.disk, &self.policies, &mut self.dice, self.now);
        assert_eq!(self.sender.conservation().difference(), 0, "{:?}", self.sender.conservation());
    }

    /// The process is gone, and with it the lock. Nothing of it is written any more.
    pub(super) fn kill(&mut self) {
        self.sender = Sender::new("edge", [0; 16], self.policies);
    }

    pub(super) fn restart(&mut self) {
        self.kill();
        self.start();
    }

    pub(super) fn connect(&mut self) {
        for stream in Stream::BOTH {
            let welcome = self.collector.welcome(stream, *self.sender.epoch());
            self.sender.opened(stream, &welcome, self.now.ms).expect("nothing was acknowledged that was not given out");
        }
    }

    pub(super) fn publish(&mut self, lane: usize) {
        self.contents += 1;
        let load_id =
            if self.long_names { format!("{:0120}", self.contents % 50) } else { format!("l-{}", self.contents % 5) };
        let context = Context { vehicle_id: "trk-1".into(), load_id, ..Context::default() };
        let record = Record { context: Arc::new(context), observed_unix_nanos: self.contents, ..Record::default() };
        let admission = self.sender.admit(LANES[lane], record, self.now).unwrap();
        let key = (*self.sender.epoch(), lane, admission.sequence);
        let before = self.issued.insert(key, self.contents);
        assert_eq!(before, None, "{key:?} was given out twice");
        if self.contents.is_multiple_of(64) {
            assert_eq!(self.sender.conservation_of(LANES[lane]).difference(), 0);
        }
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now = Now { ms: self.now.ms + ms, unix_ms: self.now.unix_ms + ms };
        self.sender.poll(self.now).unwrap();
    }

    /// Sends up to so many messages; `lossy`: some acknowledgements do not come back.
    pub(super) fn send(&mut self, many: usize, lossy: bool) {
        let epoch = *self.sender.epoch();
        for _ in 0..many {
            let message = Stream::BOTH.into_iter().find_map(|s| Some((s, self.sender.next(s, self.now.ms)?)));
            let Some((stream, message)) = message else { return };
            let ack = self.collector.take(stream, epoch, message);
            if let Some(ack) = ack.filter(|_| !lossy || self.dice.one_in(2)) {
                self.sender.acknowledged(&ack, self.now.ms).expect("known");
            }
        }
    }

    /// Sends all there is.
    pub(super) fn drain(&mut self) {
        self.connect();
        self.sender.seal(self.now).unwrap();
        self.send(1_000_000, false);
        assert!(self.sender.is_settled());
    }

    /// Asks for sequences once more. Gives those that came, each as it was given out; of the others it is said that they are not
    /// held.
    pub(super) fn ask_again(&mut self, lane: usize, first: u64, last: u64) -> BTreeSet<u64> {
        self.collector.again.clear();
        self.collector.not_held.clear();
        self.sender.replay(&Replay { lane: LANES[lane] as i32, first_sequence: first, last_sequence: last });
        self.send(1_000_000, false);
        let epoch = *self.sender.epoch();
        let Collector { again, not_held, .. } = &self.collector;
        for (number, content) in again {
            assert_eq!(self.issued[&(epoch, lane, *number)], *content, "{number} came with other content");
        }
        for number in first..=last {
            assert_ne!(again.contains_key(&number), not_held.contains(&number), "{number}");
        }
        again.keys().copied().filter(|number| (first..=last).contains(number)).collect()
    }

    /// A new epoch begins, as if the collector acknowledged what was never given out.
    pub(super) fn new_epoch(&mut self, epoch: Epoch) {
        let old = *self.sender.epoch();
        let shifts: Vec<u64> = Stream::BOTH
            .into_iter()
            .flat_map(|stream| self.sender.hello(stream).lanes)
            .map(|lane| lane.oldest_available_sequence - 1)
            .collect();
        self.sender.restart(epoch);
        let moved: Vec<Sequence> =
            self.issued.keys().copied().filter(|(of, lane, number)| *of == old && *number > shifts[*lane]).collect();
        for key in moved {
            let content = self.issued.remove(&key).unwrap();
            self.issued.insert((epoch, key.1, key.2 - shifts[key.1]), content);
        }
        self.connect();
    }

    /// Everything was sent: each sequence arrived as it was given out, or is declared. `exact`: so say the gateway's counts.
    pub(super) fn verify(&self, exact: bool) {
        let nothing = Side::default();
        for ((epoch, lane, number), content) in &self.issued {
            let side = self.collector.sides.get(&(*epoch, *lane)).unwrap_or(&nothing);
            match side.delivered.get(number) {
                Some(delivered) => assert_eq!(delivered, content),
                None => assert!(side.declared.contains(number), "{lane} {number} is neither here nor declared"),
            }
        }
        for (lane, of) in LANES.iter().enumerate() {
            let counts = self.sender.conservation_of(*of);
            let side = self.collector.sides.get(&(*self.sender.epoch(), lane)).unwrap_or(&nothing);
            assert_eq!((counts.difference(), counts.pending), (0, 0));
            assert_eq!(counts.produced, side.through, "{of:?}");
            if exact {
                let arrived = (side.delivered.len() as u64, side.declared.len() as u64);
                assert_eq!((counts.acknowledged, counts.dropped), arrived, "{of:?}");
            }
        }
    }
}
