//! A disk in memory that fails on request: discards what was not synced, has no room, cannot write or read, writes less than it
//! was given, flips bits.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::storage::{SpoolFile, SpoolStorage};

/// Writes reach a disk in sectors, in any order.
const SECTOR: usize = 512;

/// Pseudo-random numbers with a seed (SplitMix64), so that every run is the same.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// What fails right now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fails {
    pub(super) write: bool,
    pub(super) sync: bool,
    pub(super) read: bool,
    pub(super) read_only: bool,
    /// Each write takes only a part.
    pub(super) short: bool,
    /// The whole disk, bytes.
    pub(super) quota: Option<u64>,
}

#[derive(Debug, Default)]
struct Node {
    now: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Vec<Node>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    fails: Fails,
    locked: bool,
}

/// The disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The disk as one process sees it. It gives its lock back when it is gone.
    pub(super) fn process(&self) -> Arc<dyn SpoolStorage> {
        Arc::new(Process(self.clone()))
    }

    pub(super) fn fail(&self, fails: Fails) {
        self.state().fails = fails;
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    pub(super) fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.nodes[state.names[name]].now.clone()
    }

    pub(super) fn put(&self, name: &str, content: Vec<u8>) {
        let mut state = self.state();
        let node = state.names[name];
        state.nodes[node] = Node { synced: content.clone(), now: content };
    }

    pub(super) fn remove(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.synced_names.remove(name);
    }

    /// Bytes of all files.
    pub(super) fn used(&self) -> u64 {
        self.state().used()
    }

    /// The same disk once more.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::default();
        for name in self.names() {
            let mut state = copy.state();
            let content = self.content(&name);
            state.nodes.push(Node { synced: content.clone(), now: content });
            let node = state.nodes.len() - 1;
            state.names.insert(name.clone(), node);
            state.synced_names.insert(name, node);
        }
        copy
    }

    /// The power goes. Of what was not synced any part may have reached the disk, or none.
    pub(super) fn power_cut(&self, dice: &mut Dice) {
        let mut state = self.state();
        let all: std::collections::BTreeSet<String> =
            state.names.keys().chain(state.synced_names.keys()).cloned().collect();
        for name in all {
            let (now, synced) = (state.names.get(&name).copied(), state.synced_names.get(&name).copied());
            let stays = if dice.one_in(2) { now } else { synced };
            match stays {
                Some(node) => state.names.insert(name, node),
                None => state.names.remove(&name),
            };
        }
        for node in &mut state.nodes {
            let kept = dice.below(3);
            let length = if kept == 1 { node.now.len() } else { node.synced.len() };
            let mut content = node.synced.clone();
            content.resize(length, 0);
            for at in (0..length.min(node.now.len())).step_by(SECTOR) {
                let to = (at + SECTOR).min(length).min(node.now.len());
                if kept == 1 || (kept == 2 && dice.one_in(2)) {
                    content[at..to].copy_from_slice(&node.now[at..to]);
                }
            }
            *node = Node { synced: content.clone(), now: content };
        }
        state.synced_names = state.names.clone();
    }
}

impl State {
    fn used(&self) -> u64 {
        self.names.values().map(|node| self.nodes[*node].now.len() as u64).sum()
    }

    fn writable(&self, more: u64) -> io::Result<()> {
        if self.fails.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        if self.fails.write {
            return Err(io::Error::other("the disk does not write"));
        }
        if more > 0 && self.fails.quota.is_some_and(|quota| self.used() + more > quota) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Process(FaultyDisk);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl SpoolStorage for Process {
    fn lock(&self) -> io::Result<bool> {
        Ok(!std::mem::replace(&mut self.0.state().locked, true))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside = |name: &String| match folder {
            "" => (!name.contains('/')).then(|| name.clone()),
            folder => Some(name.strip_prefix(folder)?.strip_prefix('/')?.to_owned()),
        };
        Ok(self.0.state().names.keys().filter_map(inside).collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn SpoolFile>> {
        let state = self.0.state();
        if state.fails.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let node = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle(self.0.clone(), node)))
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn SpoolFile>> {
        let mut state = self.0.state();
        let before = state.names.get(name).map_or(0, |node| state.nodes[*node].now.len() as u64);
        state.writable(bytes.saturating_sub(before))?;
        let zeros = vec![0; bytes as usize];
        state.nodes.push(Node { now: zeros.clone(), synced: zeros });
        let node = state.nodes.len() - 1;
        state.names.insert(name.to_owned(), node);
        Ok(Arc::new(Handle(self.0.clone(), node)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.state();
        state.writable(0)?;
        state.names.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.0.state();
        if state.fails.sync {
            return Err(io::Error::other("the disk does not sync"));
        }
        state.synced_names = state.names.clone();
        Ok(())
    }
}

#[derive(Debug)]
struct Handle(FaultyDisk, usize);

impl SpoolFile for Handle {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.state().nodes[self.1].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.0.state();
        if state.fails.read {
            return Err(io::Error::other("the disk does not read"));
        }
        let content = state.nodes[self.1].now.get(offset as usize..).unwrap_or_default();
        let many = content.len().min(buffer.len());
        buffer[..many].copy_from_slice(&content[..many]);
        Ok(many)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.0.state();
        let short = state.fails.short && bytes.len() > 7;
        let bytes = if short { &bytes[..bytes.len() / 2] } else { bytes };
        let end = offset as usize + bytes.len();
        let grows = end.saturating_sub(state.nodes[self.1].now.len());
        state.writable(grows as u64)?;
        let content = &mut state.nodes[self.1].now;
        content.resize(content.len().max(end), 0);
        content[offset as usize..end].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.0.state();
        state.writable(0)?;
        state.nodes[self.1].now.truncate(bytes as usize);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.0.state();
        if state.fails.sync {
            return Err(io::Error::other("the disk does not sync"));
        }
        let node = &mut state.nodes[self.1];
        node.synced = node.now.clone();
        Ok(())
    }
}
