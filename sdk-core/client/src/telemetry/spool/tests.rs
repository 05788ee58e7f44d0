//! The spool under every fault, against the oracle.

use std::collections::BTreeSet;

use gladhand_documents::error::Code;
use gladhand_documents::telemetry::{DropReason, Lane};
use gladhand_protocol::telemetry::{DropPolicy, LANES, LanePolicy, Policies};

use super::fault::{Fails, FaultyDisk};
use super::oracle::{Rig, small_policies};
use super::store::Spool;

/// Walks at random through publishing, sending, losing acknowledgements, killing, power cuts and a disk without room.
fn walk(seed: u64, steps: usize) -> Rig {
    let mut rig = Rig::new(seed, small_policies());
    let mut epochs = 0;
    for _ in 0..steps {
        match rig.dice.below(40) {
            0..14 => {
                let (lane, many) = (rig.dice.below(4), rig.dice.below(40));
                (0..many).for_each(|_| rig.publish(lane));
            }
            14..22 => {
                let (many, lossy) = (rig.dice.below(30), rig.dice.one_in(2));
                rig.send(many, lossy);
            }
            22..28 => {
                let ms = rig.dice.below(400) as u64;
                rig.pass(ms);
            }
            28..31 => rig.condition.commit().unwrap(),
            31 => rig.connect(),
            32 => {
                let quota = rig.dice.one_in(2).then(|| rig.disk.used() + rig.dice.below(100_000) as u64);
                let short = rig.dice.one_in(2);
                rig.disk.fail(Fails { short, quota, ..Fails::default() });
            }
            33 => {
                epochs += 1;
                rig.new_epoch([epochs; 16]);
            }
            34 => {
                rig.sender.close(rig.now).unwrap();
                rig.restart();
                let unknown = |lane: &Lane| rig.sender.dropped_of(*lane)[DropReason::TailUnknown as usize];
                let before = LANES.iter().map(unknown).sum::<u64>();
                rig.connect();
                let after: u64 =
                    LANES.iter().map(|l| rig.sender.dropped_of(*l)[DropReason::TailUnknown as usize]).sum();
                assert!(after <= before);
            }
            35..37 => {
                rig.restart();
                rig.connect();
            }
            _ => {
                rig.kill();
                let mut dice = rig.dice.clone();
                rig.disk.power_cut(&mut dice);
                rig.dice = dice;
                rig.start();
                rig.connect();
            }
        }
    }
    rig.disk.fail(Fails::default());
    rig.drain();
    rig
}

#[test]
fn nothing_is_lost_silently_and_no_number_given_out_twice() {
    let mut arrived = 0;
    for seed in 0..40 {
        let rig = walk(seed, 120);
        rig.verify(true);
        arrived += rig.collector.contents().len();
    }
    assert!(arrived > 10_000, "{arrived} records arrived: the walks are about nothing");
}

#[test]
fn a_full_disk_drops_and_declares_and_never_what_is_safety() {
    let mut rig = Rig::new(5, small_policies());
    for lane in [1, 2, 3] {
        (0..2000).for_each(|_| rig.publish(lane));
    }
    rig.disk.fail(Fails { quota: Some(rig.disk.used()), ..Fails::default() });
    for _ in 0..1500 {
        rig.publish(0);
        rig.publish(2);
    }
    assert_eq!(rig.sender.conservation_of(Lane::Safety).dropped, 0);
    assert!(rig.sender.conservation_of(Lane::Diagnostic).dropped > 0);
    assert!(rig.disk.used() <= rig.policies.total_bytes() as u64 + 300_000);
    rig.restart();
    rig.drain();
    rig.verify(true);
    let safety = rig.issued.keys().filter(|(_, lane, _)| *lane == 0);
    let side = &rig.collector.sides[&(*rig.sender.epoch(), 0)];
    assert!(safety.into_iter().all(|(_, _, number)| side.delivered.contains_key(number)));
}

#[test]
fn a_lane_stays_within_its_budget_on_disk() {
    let mut rig = Rig::new(5, small_policies());
    for round in 0..20_000 {
        rig.publish(2);
        if round % 500 == 0 {
            let lane: u64 = rig
                .disk
                .names()
                .iter()
                .filter(|n| n.starts_with("routine"))
                .map(|n| rig.disk.content(n).len() as u64)
                .sum();
            assert!(lane <= 256 * 1024, "{lane} bytes");
        }
    }
    let counts = rig.sender.conservation_of(Lane::Routine);
    assert!(counts.dropped > 5000 && counts.pending > 1000, "{counts:?}");
    rig.restart();
    rig.drain();
    rig.verify(true);
}

#[test]
fn a_disk_that_fails_is_told_and_costs_nothing_while_the_process_lives() {
    for fails in [
        Fails { write: true, ..Fails::default() },
        Fails { sync: true, ..Fails::default() },
        Fails { read_only: true, ..Fails::default() },
    ] {
        let mut rig = Rig::new(9, small_policies());
        (0..50).for_each(|_| rig.publish(2));
        rig.publish(0);
        rig.disk.fail(fails);
        for _ in 0..50 {
            rig.publish(2);
            rig.publish(0);
        }
        let (trouble, set_aside) = rig.sender.backlog_trouble();
        assert_eq!(trouble.unwrap().code(), Code::JournalUnwritable, "{fails:?}");
        assert!(!set_aside, "the lease still had numbers");
        rig.drain();
        assert_eq!(rig.collector.contents().len(), 151, "{fails:?}");
        // It works again: the next frame is on disk, and the trouble is over.
        rig.disk.fail(Fails::default());
        rig.publish(0);
        assert!(rig.sender.backlog_trouble().0.is_none());
        rig.restart();
        rig.drain();
        rig.verify(false);
    }
}

#[test]
fn without_numbers_to_give_the_spool_is_set_aside_and_goes_on_at_the_next_start() {
    let mut rig = Rig::new(9, small_policies());
    (0..100).for_each(|_| rig.publish(2));
    rig.sender.seal(rig.now).unwrap();
    let epoch = *rig.sender.epoch();
    rig.disk.fail(Fails { read_only: true, ..Fails::default() });
    for _ in 0..5000 {
        rig.publish(0);
    }
    assert!(rig.sender.backlog_trouble().1);
    assert_ne!(*rig.sender.epoch(), epoch);
    rig.connect();
    rig.drain();
    assert!(rig.sender.conservation_of(Lane::Routine).produced == 0, "what is on disk stays there");
    rig.disk.fail(Fails::default());
    rig.restart();
    assert_eq!(*rig.sender.epoch(), epoch);
    rig.drain();
    let all = rig.collector.contents();
    assert!((1..=100).all(|content| all.contains(&content)), "the frames on disk arrive late");
    let lost = rig.sender.dropped_of(Lane::Routine);
    assert_eq!(lost[DropReason::TailUnknown as usize], 3996);
}

#[test]
fn a_clean_close_leaves_nothing_unknown_and_a_crash_declares_its_lease() {
    let mut rig = Rig::new(2, small_policies());
    (0..10).for_each(|_| rig.publish(2));
    rig.sender.close(rig.now).unwrap();
    rig.restart();
    assert_eq!(rig.sender.conservation().dropped, 0);
    rig.publish(2);
    let sequence = rig.issued.keys().map(|(_, _, number)| *number).max();
    assert_eq!(sequence, Some(11));
    rig.restart();
    // The record was open, and its sequence is lost with the rest of the lease.
    let lost = rig.sender.dropped_of(Lane::Routine)[DropReason::TailUnknown as usize];
    assert_eq!(lost, 4096);
    rig.drain();
    rig.verify(true);
    assert_eq!(rig.collector.contents().len(), 10);
}

#[test]
fn a_new_epoch_survives_a_crash_at_any_write() {
    // The power goes after so many of the writes that a new epoch takes: whatever reached the disk is whole.
    for seed in 0..40 {
        let mut rig = Rig::new(seed, small_policies());
        (0..200).for_each(|n| rig.publish(n % 4));
        rig.send(20, true);
        rig.sender.seal(rig.now).unwrap();
        rig.condition.commit().unwrap();
        let old = *rig.sender.epoch();
        let before = rig.disk.copy();
        rig.new_epoch([9; 16]);
        // Some files as they were before, some as they are now.
        for name in before.names() {
            if rig.dice.one_in(2) && !name.starts_with("lease") {
                rig.disk.put(&name, before.content(&name));
            }
        }
        let first_alone = rig.dice.one_in(2);
        if first_alone {
            rig.disk.put("lease-b", before.content("lease-b"));
        }
        rig.restart();
        assert_eq!(*rig.sender.epoch(), [9; 16], "the first copy is the commit");
        assert_ne!(old, [9; 16]);
        rig.drain();
        rig.verify(false);
    }
}

#[test]
fn acknowledged_safety_records_stay_a_week_or_until_their_room_is_needed() {
    let mut rig = Rig::new(4, small_policies());
    let files = |rig: &Rig| rig.disk.names().iter().filter(|name| name.starts_with("safety")).count();
    for _ in 0..900 {
        rig.publish(0);
    }
    rig.drain();
    let kept = files(&rig);
    assert!(kept >= 2);
    rig.restart();
    rig.drain();
    assert_eq!(files(&rig), kept);
    // Another lane that is full has its own records to give.
    (0..20_000).for_each(|_| rig.publish(2));
    assert!(rig.sender.conservation_of(Lane::Routine).dropped > 0);
    assert_eq!(files(&rig), kept, "they are within their own lane's budget");
    rig.drain();
    rig.pass(8 * 24 * 3600 * 1000);
    rig.publish(0);
    assert_eq!(files(&rig), 1, "a week is over");
    for _ in 0..4000 {
        rig.publish(0);
        rig.send(2, false);
    }
    assert!(files(&rig) > 1);
    assert_eq!(rig.sender.dropped_of(Lane::Safety)[DropReason::SpoolFull as usize], 0);
}

#[test]
fn more_losses_than_the_reserve_holds_are_merged() {
    let base = small_policies();
    let diagnostic = LanePolicy { drop: DropPolicy::Sample(30), ..base.diagnostic };
    let mut rig = Rig::new(6, Policies { diagnostic, ..base });
    rig.long_names = true;
    // Each frame between two losses with many long names, hundreds of times.
    (0..12_000).for_each(|_| rig.publish(3));
    let full = rig.sender.dropped_of(Lane::Diagnostic)[DropReason::SpoolFull as usize];
    assert!(full > 0, "nothing had to be merged");
    rig.restart();
    rig.drain();
    rig.verify(true);
}

#[test]
fn a_spool_has_one_process() {
    let disk = FaultyDisk::default();
    let (first, _) = Spool::open(disk.process(), [1 << 20; 4], [1; 16]).unwrap();
    let second = Spool::open(std::sync::Arc::clone(&first.storage), [1 << 20; 4], [1; 16]).unwrap_err();
    assert_eq!(second.code(), Code::JournalBusy);
}

#[test]
fn a_day_with_the_link_down_for_twenty_hours_stays_within_four_megabytes_and_declares_the_rest() {
    let policies = Policies::within(4 << 20);
    let mut rig = Rig::new(8, policies);
    let mut most = 0;
    for minute in 0..24 * 60 {
        for tick in 0..600 {
            rig.publish(if tick == 0 { 0 } else { 2 });
            if tick % 10 == 9 {
                rig.pass(1000);
            }
        }
        rig.condition.commit().unwrap();
        if !(120..1320).contains(&minute) {
            rig.send(10_000, false);
        }
        if minute % 60 == 0 {
            most = most.max(rig.disk.used());
        }
    }
    assert!(most <= (4 << 20) + 600 * 1024, "{most} bytes on disk");
    assert!(rig.sender.conservation_of(Lane::Routine).dropped > 100_000, "{:?}", rig.sender.conservation());
    assert_eq!(rig.sender.conservation_of(Lane::Safety).dropped, 0);
    rig.drain();
    rig.verify(true);
}

#[test]
fn what_was_acknowledged_comes_once_more_as_far_as_it_is_held() {
    let mut rig = Rig::new(5, small_policies());
    for _ in 0..20 {
        (0..20).for_each(|_| rig.publish(0));
        (0..300).for_each(|_| rig.publish(2));
        rig.drain();
    }
    assert_eq!(rig.ask_again(0, 7, 9), BTreeSet::from([7, 8, 9]), "safety records stay");
    assert_eq!(rig.ask_again(0, 1, 400).len(), 400);
    assert_eq!(rig.ask_again(2, 1, 2000).len(), 0, "segments go when nothing in them is needed");
    assert_eq!(rig.ask_again(2, 5990, 6000).len(), 11);

    // Another life, on another stream: nothing was announced on it.
    rig.restart();
    rig.connect();
    assert_eq!(rig.ask_again(0, 399, 400), BTreeSet::from([399, 400]));
    // In another epoch the same records have other numbers.
    (0..5).for_each(|_| rig.publish(0));
    rig.new_epoch([7; 16]);
    rig.drain();
    assert_eq!(rig.ask_again(0, 1, 5).len(), 5);
}
