//! What one damage costs a store: a tail that is cut off, one bit that flips, one page of zeros, in each of its files, sixty times
//! each. Every store has taken the same frames, each synced before the next one, and was not closed: as after a power cut.
//!
//! * [`stores`]: the peers. [`ours`]: the spool.
//!
//! A store starts if it opens, can be read to its end and takes one frame more. What was damaged are the frames whose bytes, or
//! the 128 bytes before them, were hit: some format's header is there. Whatever else is missing was lost beyond that, which is
//! everything where the store does not start. Damage hits the bytes of a file that are in use, not the zeros it is filled with.

mod ours;
mod stores;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::hour::Noise;

const FRAMES: usize = 2000;
const FRAME_BYTES: usize = 400;
const HEADER_BYTES: usize = 128;
const TRIALS: u64 = 60;
const PAGE: usize = 4096;

type Outcome<T> = Result<T, Box<dyn Error>>;
/// What was read, by the numbers of the frames.
type Found = HashMap<usize, Vec<u8>>;

/// A store: writes all frames and goes away; reads what is there, by the frame's number, and takes one more.
struct Store {
    name: &'static str,
    fill: fn(&Path, &[Vec<u8>]) -> Outcome<()>,
    read: fn(&Path) -> Outcome<Found>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Tail,
    Bit,
    Page,
}

/// What became of sixty trials.
#[derive(Default)]
struct Row {
    starts: u32,
    hit: Vec<usize>,
    lost: Vec<usize>,
    wrong: usize,
}

/// Prints the table.
pub fn table(folder: &Path) {
    println!(
        "| store | files | damage | starts | frames damaged, median | lost beyond that, median, worst | wrong content |"
    );
    println!("|---|---|---|---:|---:|---:|---:|");
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(frame).collect();
    // What the peers have to say of each damage is counted, not read.
    std::panic::set_hook(Box::new(|_| {}));
    for store in [ours::STORE, stores::REDB, stores::FJALL, stores::SQLITE] {
        let pristine = folder.join("pristine");
        let _ = fs::remove_dir_all(&pristine);
        fs::create_dir_all(&pristine).expect("a folder");
        (store.fill)(&pristine, &frames).expect("the store takes the frames");
        for ((class, damage), row) in trials(&store, &pristine, &folder.join("trial"), &frames) {
            let (hit, lost) = (sorted(row.hit), sorted(row.lost));
            println!(
                "| {} | {class} | {} | {}/{TRIALS} | {} | {}, {} | {} |",
                store.name,
                ["tail", "one bit", "page"][damage as usize],
                row.starts,
                hit[hit.len() / 2],
                lost[lost.len() / 2],
                lost[lost.len() - 1],
                row.wrong,
            );
        }
    }
    let _ = std::panic::take_hook();
}

fn sorted(mut values: Vec<usize>) -> Vec<usize> {
    values.sort_unstable();
    values
}

/// The number, and what nobody can compress.
fn frame(number: usize) -> Vec<u8> {
    let mut noise = Noise::new(number as u64);
    (0..FRAME_BYTES / 8).flat_map(|_| noise.bits().to_le_bytes()).collect()
}

fn trials(store: &Store, pristine: &Path, copy: &Path, frames: &[Vec<u8>]) -> BTreeMap<(String, Damage), Row> {
    let files = files(pristine);
    let mut classes: BTreeMap<String, Vec<&PathBuf>> = BTreeMap::new();
    for (path, content) in &files {
        if content.iter().any(|byte| *byte != 0) {
            classes.entry(class(path)).or_default().push(path);
        }
    }
    let mut rows: BTreeMap<(String, Damage), Row> = BTreeMap::new();
    for (class, paths) in classes {
        let places: HashMap<&PathBuf, Vec<(usize, usize)>> =
            paths.iter().map(|path| (*path, places(&files[*path], frames))).collect();
        for damage in [Damage::Tail, Damage::Bit, Damage::Page] {
            let row = rows.entry((class.clone(), damage)).or_default();
            for trial in 0..TRIALS {
                let mut dice = Noise::new(trial * 31 + damage as u64);
                let path = paths[dice.below(paths.len())];
                let mut damaged = files.clone();
                let (from, to) = harm(damaged.get_mut(path).expect("a file"), damage, &mut dice);
                write(copy, &damaged);
                let hit: HashSet<usize> = places[path]
                    .iter()
                    .filter(|(at, _)| at.saturating_sub(HEADER_BYTES) < to && from < at + FRAME_BYTES)
                    .map(|(_, number)| *number)
                    .collect();
                let found = std::panic::catch_unwind(|| (store.read)(copy).ok()).ok().flatten();
                row.starts += u32::from(found.is_some());
                let found = found.unwrap_or_default();
                row.hit.push(hit.len());
                let missing = |number: &usize| found.get(number) != Some(&frames[*number]);
                row.lost.push((0..FRAMES).filter(|number| !hit.contains(number) && missing(number)).count());
                row.wrong += found.iter().filter(|(number, content)| frames.get(**number) != Some(*content)).count();
            }
        }
    }
    rows
}

/// Files of one kind differ in their numbers.
fn class(path: &Path) -> String {
    let mut class = String::new();
    for letter in path.to_string_lossy().chars() {
        match (letter.is_ascii_digit(), class.ends_with('#')) {
            (true, true) => {}
            (true, false) => class.push('#'),
            (false, _) => class.push(letter),
        }
    }
    class
}

/// Where frames begin in these bytes, and which.
fn places(content: &[u8], frames: &[Vec<u8>]) -> Vec<(usize, usize)> {
    let numbers: HashMap<&[u8], usize> =
        frames.iter().enumerate().map(|(number, frame)| (&frame[..8], number)).collect();
    let at = |(at, window): (usize, &[u8])| Some((at, *numbers.get(window)?));
    content.windows(8).enumerate().filter_map(at).collect()
}

/// Damages what is in use of a file; says where.
fn harm(content: &mut Vec<u8>, damage: Damage, dice: &mut Noise) -> (usize, usize) {
    let used = content.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
    match damage {
        Damage::Tail => {
            let at = used - (1 + dice.below(16 * 1024)).min(used);
            content.truncate(at);
            (at, used)
        }
        Damage::Bit => {
            let at = dice.below(used);
            content[at] ^= 1 << dice.below(8);
            (at, at + 1)
        }
        Damage::Page => {
            let at = dice.below(used.div_ceil(PAGE)) * PAGE;
            let to = (at + PAGE).min(content.len());
            content[at..to].fill(0);
            (at, to)
        }
    }
}

/// The files below a folder, by their paths relative to it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = below.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else {
                found.insert(path, fs::read(entry.path()).expect("a file"));
            }
        }
    }
    found
}

/// Writes files anew, without the zeros at their ends: a store may have filled megabytes with them.
fn write(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let _ = fs::remove_dir_all(folder);
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        fs::write(&path, &content[..used]).expect("a file");
        let file = fs::OpenOptions::new().write(true).open(&path).expect("a file");
        file.set_len(content.len() as u64).expect("a length");
    }
}
