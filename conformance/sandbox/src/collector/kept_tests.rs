//! What the collector keeps on disk: through restarts, damage and loss.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::wire::stream_request::Message as Request;
use gladhand_documents::telemetry::wire::stream_response::Message as Response;
use gladhand_documents::telemetry::wire::{DropReason, Durability, GapNotice, Hello, NackReason, ResumeState};

use super::Collector;
use super::lane::Gap;
use super::tests::{EPOCH, acknowledged, fresh, hello, kept, open, refused, routine, say};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(crate::random::id("gladhand-collector-")))
    }

    /// The newest file that holds more than an image.
    fn newest(&self) -> PathBuf {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "log"));
        files.sort();
        files.pop().expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A collector that appends what followers are given to a file beside its folder.
fn telling(folder: &Path) -> Collector {
    let path = folder.with_extension("delivered");
    let file = fs::File::options().create(true).append(true).open(path).unwrap();
    let access = Arc::new(super::tests::Access::always());
    Collector::open(access, super::tests::now, Some(folder), Some(file)).unwrap()
}

/// Sequence and flag of each line.
fn told(folder: &Path) -> Vec<(u64, bool)> {
    let text = fs::read_to_string(folder.with_extension("delivered")).unwrap();
    let line = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        assert_eq!(parts[..2], ["record", "edge-1"]);
        (parts[4].parse().unwrap(), parts[6] == "1")
    };
    text.lines().map(line).collect()
}

/// A Hello that names one lane.
fn routine_alone(oldest: u64, next: u64, sent: u64) -> Hello {
    let mut hello = hello(EPOCH, oldest, next, sent);
    hello.lanes.retain(|state| state.lane() == Lane::Routine);
    hello
}

fn gap(first_sequence: u64, last_sequence: u64) -> Request {
    let reason = DropReason::Expired as i32;
    let lane = Lane::Routine as i32;
    Request::Gap(GapNotice { lane, first_sequence, last_sequence, reason, ..GapNotice::default() })
}

#[test]
fn a_restart_knows_everything_that_was_acknowledged() {
    let folder = Folder::new();
    let collector = kept(Some(&folder.0));
    let mut session = fresh(&collector);
    let answers = say(&mut session, Request::Frame(routine(1, 3))).unwrap();
    let Response::Ack(ack) = &answers[0] else { panic!("{answers:?}") };
    assert_eq!((ack.through_sequence, ack.durability()), (3, Durability::Fsync));
    assert_eq!(acknowledged(&mut session, gap(4, 5)), 5);
    let before = collector.report();
    drop((session, collector));

    let collector = kept(Some(&folder.0));
    assert_eq!(collector.report(), before);
    assert_eq!(before[1].gaps, [Gap { first: 4, last: 5, reason: DropReason::Expired }]);
    assert_eq!(before[1].arrived, [(1, 3)]);
    let (mut session, welcome) = open(&collector, &hello(EPOCH, 1, 7, 5));
    assert_eq!((welcome.state(), welcome.acks[1].through_sequence), (ResumeState::Resumed, 5));
    assert_eq!(welcome.acks[1].durability(), Durability::Fsync);
    assert_eq!(acknowledged(&mut session, Request::Frame(routine(1, 3))), 5);
    assert!(collector.latest("acme-1").is_none(), "a duplicate was delivered");
    let mut reused = super::tests::frame(Lane::Routine, 1, 3, 50);
    assert_eq!(refused(&mut session, Request::Frame(reused.clone())).0, NackReason::SequenceReused);
    reused.first_sequence = 6;
    assert_eq!(collector.security_events().len(), 1);
}

#[test]
fn what_was_not_handed_out_before_a_kill_is_handed_out_flagged() {
    let folder = Folder::new();
    let collector = telling(&folder.0);
    let mut session = fresh(&collector);
    acknowledged(&mut session, Request::Frame(routine(1, 2)));
    acknowledged(&mut session, Request::Frame(routine(3, 2)));
    drop((session, collector));
    assert_eq!(told(&folder.0), [(1, false), (2, false), (3, false), (4, false)]);
    // As if it had been killed before it could note that the last frame was delivered.
    let file = folder.newest();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 14]).unwrap();
    drop(telling(&folder.0));
    assert_eq!(told(&folder.0)[4..], [(3, true), (4, true)]);
    // Once.
    drop(telling(&folder.0));
    assert_eq!(told(&folder.0).len(), 6);
    fs::remove_file(folder.0.with_extension("delivered")).unwrap();
}

/// Everything after the damage is unknown, so what comes again may be a duplicate and says so.
#[test]
fn after_damage_duplicates_are_flagged() {
    let folder = Folder::new();
    let collector = telling(&folder.0);
    let mut session = fresh(&collector);
    for first in [1, 3, 5] {
        acknowledged(&mut session, Request::Frame(routine(first, 2)));
    }
    drop((session, collector));
    let file = folder.newest();
    let clean = fs::read(&file).unwrap();
    // The frame that begins at 3: the second that names the vehicle.
    let named: Vec<usize> = clean.windows(5).enumerate().filter(|(_, w)| w == b"trk-1").map(|(at, _)| at).collect();
    let mut damaged = clean.clone();
    damaged[named[1]] ^= 4;
    fs::write(&file, damaged).unwrap();

    let collector = telling(&folder.0);
    assert_eq!(collector.report()[1].through_sequence, 2);
    // The gateway had seen no acknowledgement, so it has everything still.
    let (mut session, welcome) = open(&collector, &hello(EPOCH, 1, 8, 6));
    assert_eq!((welcome.state(), welcome.acks[1].through_sequence), (ResumeState::Resumed, 2));
    acknowledged(&mut session, Request::Frame(routine(3, 2)));
    acknowledged(&mut session, Request::Frame(routine(5, 3)));
    assert_eq!(told(&folder.0)[6..], [(3, true), (4, true), (5, true), (6, true), (7, false)]);
    drop((session, collector));
    fs::remove_file(folder.0.with_extension("delivered")).unwrap();
}

#[test]
fn memory_and_store_can_be_lost_apart() {
    let folder = Folder::new();
    let collector = kept(Some(&folder.0));
    let mut session = fresh(&collector);
    acknowledged(&mut session, Request::Frame(routine(1, 3)));
    collector.lose(true, false);
    assert!(session.handle(Request::Frame(routine(4, 1))).is_err(), "the stream of another life");
    drop(session);
    let (mut session, welcome) = open(&collector, &routine_alone(4, 5, 3));
    assert_eq!((welcome.state(), welcome.acks[0].through_sequence), (ResumeState::Resumed, 3));
    acknowledged(&mut session, Request::Frame(routine(4, 1)));

    collector.lose(false, true);
    // Nobody notices before the next start.
    acknowledged(&mut session, Request::Frame(routine(5, 1)));
    drop((session, collector));
    let collector = kept(Some(&folder.0));
    let (_, welcome) = open(&collector, &routine_alone(6, 7, 5));
    assert_eq!((welcome.state(), welcome.acks[0].through_sequence), (ResumeState::StateLost, 5));
}

#[test]
fn a_full_file_is_followed_by_another_and_the_oldest_goes() {
    let folder = Folder::new();
    let collector = kept(Some(&folder.0));
    let (mut session, _) = open(&collector, &routine_alone(1, 1, 0));
    let frames = 1500;
    for first in 1..=frames {
        acknowledged(&mut session, Request::Frame(routine(first, 1)));
    }
    drop((session, collector));
    let files = fs::read_dir(&folder.0).unwrap().count();
    assert!((3..=6).contains(&files), "{files} files and the lock");
    let collector = kept(Some(&folder.0));
    assert_eq!(collector.report()[0].arrived, [(1, frames)]);
}

#[test]
fn one_process_at_a_time_has_the_folder() {
    let folder = Folder::new();
    let collector = kept(Some(&folder.0));
    let access = Arc::new(super::tests::Access::always());
    let refused = Collector::open(access, super::tests::now, Some(&folder.0), None).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ResourceBusy, "{refused}");
    drop(collector);
    kept(Some(&folder.0));
}
