//! Any single damage to any file of the spool: it starts, what was damaged is declared, and nothing else is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gladhand_documents::telemetry::{DropReason, Lane};
use gladhand_protocol::telemetry::{LANES, Sender};

use super::entry::Header;
use super::fault::{Dice, FaultyDisk};
use super::oracle::{Rig, small_policies};
use super::scan::scan;
use super::segments::number_of;
use super::store::LaneIndex;

/// A spool with something in every file: frames that wait, frames that are settled, losses.
fn lived(seed: u64) -> Rig {
    let mut rig = Rig::new(seed, small_policies());
    for round in 0..20 {
        for lane in 0..4 {
            (0..8).for_each(|_| rig.publish(lane));
        }
        rig.pass(100);
        if round < 10 {
            rig.send(40, round % 3 == 0);
        }
    }
    for _ in 0..220 {
        (0..8).for_each(|_| rig.publish(2));
    }
    rig.sender.seal(rig.now).unwrap();
    rig.condition.commit().unwrap();
    rig.kill();
    rig
}

/// The rig on a copy of its disk.
fn on(rig: &Rig, disk: FaultyDisk) -> Rig {
    let mut copy = Rig {
        disk,
        policies: rig.policies,
        sender: Sender::new("edge", [0; 16], rig.policies),
        condition: Arc::default(),
        collector: rig.collector.clone(),
        issued: rig.issued.clone(),
        dice: rig.dice.clone(),
        now: rig.now,
        contents: rig.contents,
        long_names: false,
    };
    copy.start();
    copy
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    CutTail,
    OneBit,
    ZeroPage,
}

/// Damages bytes; gives where.
fn damage(content: &mut Vec<u8>, kind: Damage, dice: &mut Dice) -> (usize, usize) {
    let length = content.len();
    match kind {
        Damage::CutTail => {
            let at = length - (1 + dice.below(16 * 1024)).min(length);
            content.truncate(at);
            (at, length)
        }
        Damage::OneBit => {
            let at = dice.below(length);
            content[at] ^= 1 << dice.below(8);
            (at, at + 1)
        }
        Damage::ZeroPage => {
            let at = dice.below(length.div_ceil(4096)) * 4096;
            let to = (at + 4096).min(length);
            content[at..to].fill(0);
            (at, to)
        }
    }
}

#[test]
fn any_single_damage_costs_what_was_damaged_and_a_start_never() {
    let lived = lived(7);
    let mut control = on(&lived, lived.disk.copy());
    let waiting = control.sender.conservation().pending;
    control.drain();
    control.verify(true);
    let whole = control.collector.contents();
    let names = lived.disk.names();
    assert!(names.iter().filter(|name| name.contains(".seg")).count() >= 4, "{names:?}");
    let mut table: BTreeMap<String, (u32, usize)> = BTreeMap::new();
    for kind in [Damage::CutTail, Damage::OneBit, Damage::ZeroPage] {
        for class in [".seg", "lease-a", "lease-b", "cursor", "reserve"] {
            let files: Vec<&String> = names.iter().filter(|name| name.contains(class)).collect();
            for trial in 0..60 {
                let mut dice = Dice(trial * 31 + kind as u64);
                let name = files[dice.below(files.len())];
                let disk = lived.disk.copy();
                let mut content = disk.content(name);
                let pristine = content.clone();
                let (from, to) = damage(&mut content, kind, &mut dice);
                disk.put(name, content);
                let mut rig = on(&lived, disk);
                let row = table.entry(format!("{kind:?} {class}")).or_default();
                row.0 += 1;
                if class != ".seg" {
                    // Nothing that waits is in these files; what they do to the stream is looked at in one of six.
                    assert!(rig.sender.conservation().pending >= waiting, "{kind:?} of {name} at {from}");
                    if trial % 6 != 0 {
                        continue;
                    }
                }
                rig.drain();
                rig.verify(false);
                let hit = hit(name, &pristine, from, to);
                let arrived = rig.collector.contents();
                let lost: BTreeSet<&u64> = whole.difference(&arrived).collect();
                let may: BTreeSet<u64> = lived
                    .issued
                    .iter()
                    .filter(|((_, lane, number), _)| {
                        hit.iter().any(|(of, first, last)| of == lane && first <= number && number <= last)
                    })
                    .map(|(_, content)| *content)
                    .collect();
                assert!(
                    lost.iter().all(|content| may.contains(content)),
                    "{kind:?} of {name} at {from}: {} lost",
                    lost.len()
                );
                if let Some(row) = table.get_mut(&format!("{kind:?} {class}")) {
                    row.1 += lost.len();
                }
            }
        }
    }
    assert!(table.values().all(|(started, _)| *started == 60));
    let lost =
        |kind: &str| table.iter().filter(|(row, _)| row.starts_with(kind)).map(|(_, (_, lost))| lost).sum::<usize>();
    assert!(lost("OneBit") > 0 && lost("ZeroPage") > 0, "nothing was hit: {table:?}");
    for row in ["OneBit lease-a", "ZeroPage lease-b", "ZeroPage cursor", "ZeroPage reserve"] {
        assert_eq!(table[row].1, 0, "{row}");
    }
}

/// The sequences whose entries these bytes of a segment are of: lane, first, last.
fn hit(name: &str, content: &[u8], from: usize, to: usize) -> Vec<(usize, u64, u64)> {
    if !LANES.iter().any(|lane| number_of(name, *lane).is_some()) {
        return Vec::new();
    }
    let entries = scan(content)
        .seen
        .into_iter()
        .filter(|seen| seen.offset < to && seen.offset + seen.header.entry_bytes() > from);
    entries
        .map(|seen| {
            let Header { lane, first, count, .. } = seen.header;
            (lane.index(), first, first + u64::from(count) - 1)
        })
        .collect()
}

#[test]
fn damaged_bytes_are_kept_and_their_loss_says_which() {
    let lived = lived(3);
    let disk = lived.disk.copy();
    let name = disk.names().into_iter().rfind(|name| name.starts_with("routine")).unwrap();
    let mut content = disk.content(&name);
    // One that still waits.
    let settled = lived.collector.sides.iter().find(|((_, lane), _)| *lane == 2).map_or(0, |(_, side)| side.through);
    let found = scan(&content);
    let seen = found.seen.iter().find(|seen| seen.header.first > settled).unwrap();
    let (offset, header) = (seen.offset, seen.header);
    content[offset + 100] ^= 4;
    disk.put(&name, content);
    let rig = on(&lived, disk);
    assert!(rig.condition.quarantined_bytes() >= header.entry_bytes() as u64);
    assert_eq!(rig.sender.dropped_of(Lane::Routine)[DropReason::SpoolCorrupt as usize], u64::from(header.count));
    assert!(rig.disk.names().iter().any(|name| name.starts_with("quarantine/")));
}

#[test]
fn an_epoch_that_nothing_is_known_of_is_abandoned_and_what_is_left_arrives() {
    let lived = lived(11);
    let delivered = lived.collector.contents();
    for gone in [false, true] {
        let disk = lived.disk.copy();
        for name in ["lease-a", "lease-b"] {
            if gone { disk.remove(name) } else { disk.put(name, vec![7; 100]) }
        }
        let mut rig = on(&lived, disk);
        assert_ne!(rig.sender.epoch(), lived.issued.keys().map(|(epoch, ..)| epoch).next().unwrap());
        assert_eq!(rig.condition.abandoned_epochs(), 1);
        rig.issued.clear();
        (0..20).for_each(|_| rig.publish(2));
        rig.drain();
        rig.verify(true);
        let all = rig.collector.contents();
        let mut control = on(&lived, lived.disk.copy());
        control.drain();
        let missing = control.collector.contents().difference(&all).count();
        assert_eq!(missing, 0, "{missing} records that were on disk did not arrive");
        assert!(all.len() > delivered.len() + 20);
        // It is known from now on.
        rig.restart();
        rig.drain();
        assert_eq!(rig.condition.abandoned_epochs(), 1);
    }
}
