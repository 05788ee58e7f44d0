//! Which numbers may be given out, and in which epoch: kept twice (`lease-a`, `lease-b`), and both copies are on disk before
//! the first number of a lease is used. If one is damaged the other is right, or is of a lease of which nothing was used.

use std::io;
use std::sync::Arc;

use gladhand_documents::telemetry::frame::Epoch;
use gladhand_protocol::telemetry::Leases;

use super::bytes::{check, checked};
use super::storage::{SpoolFile, SpoolStorage, read_all, write_all};

const NAMES: [&str; 2] = ["lease-a", "lease-b"];
const MAGIC: [u8; 4] = *b"GHl1";
/// Bytes of the content.
const LENGTH: usize = 8 + 16 + 4 * 8 + 8 + 4 + 4 + 4 + ADOPTED * (16 + 4 * 8);
/// Bytes of a file: a page, so that a lease is one write.
const FILE: u64 = 4096;
/// Epochs whose entries may still lie around after they were renumbered into the present one.
pub(super) const ADOPTED: usize = 8;

/// An older epoch: its entries count in the present one, each sequence less the shift of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Adopted {
    pub(super) epoch: Epoch,
    pub(super) shifts: [u64; 4],
}

/// What a lease file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lease {
    /// The newest counts.
    pub(super) generation: u64,
    pub(super) epoch: Epoch,
    pub(super) leases: Leases,
    /// Epochs that had to be given up because nothing said any more what was used of them.
    pub(super) abandoned: u32,
    /// Oldest first.
    pub(super) adopted: Vec<Adopted>,
}

impl Lease {
    /// How much less a sequence of this epoch and lane is in the present epoch; nothing for a foreign epoch.
    pub(super) fn shift(&self, epoch: &Epoch, lane: usize) -> Option<u64> {
        if *epoch == self.epoch {
            return Some(0);
        }
        self.adopted.iter().find(|adopted| adopted.epoch == *epoch).map(|adopted| adopted.shifts[lane])
    }

    /// Goes over to a new epoch.
    pub(super) fn adopt(&mut self, epoch: Epoch, shifts: [u64; 4], leases: Leases) {
        for adopted in &mut self.adopted {
            for (sum, shift) in adopted.shifts.iter_mut().zip(shifts) {
                *sum += shift;
            }
        }
        self.adopted.push(Adopted { epoch: self.epoch, shifts });
        if self.adopted.len() > ADOPTED {
            // Its entries are foreign from now on; what they held is missing and therefore declared.
            self.adopted.remove(0);
        }
        self.epoch = epoch;
        self.leases = leases;
    }

    fn write(&self) -> Vec<u8> {
        let mut said = Vec::with_capacity(LENGTH);
        said.extend(self.generation.to_le_bytes());
        said.extend(self.epoch);
        self.leases.lanes.iter().for_each(|end| said.extend(end.to_le_bytes()));
        said.extend(self.leases.events.to_le_bytes());
        said.extend(self.leases.contexts.to_le_bytes());
        said.extend(self.abandoned.to_le_bytes());
        said.extend((self.adopted.len() as u32).to_le_bytes());
        for adopted in &self.adopted {
            said.extend(adopted.epoch);
            adopted.shifts.iter().for_each(|shift| said.extend(shift.to_le_bytes()));
        }
        check(MAGIC, said, LENGTH)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = checked(bytes, MAGIC, LENGTH)?;
        let generation = fields.u64()?;
        let epoch = fields.array()?;
        let lanes = [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?];
        let leases = Leases { lanes, events: fields.u64()?, contexts: fields.u32()? };
        let abandoned = fields.u32()?;
        let many = fields.u32()? as usize;
        let mut adopted = Vec::new();
        for _ in 0..many.min(ADOPTED) {
            let epoch = fields.array()?;
            adopted.push(Adopted { epoch, shifts: [fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?] });
        }
        Some(Self { generation, epoch, leases, abandoned, adopted })
    }
}

/// The two files.
#[derive(Debug)]
pub(super) struct LeaseFiles {
    files: [Arc<dyn SpoolFile>; 2],
    generation: u64,
}

/// What the two files said.
#[derive(Debug)]
pub(super) enum Found {
    /// This.
    Lease(Lease),
    /// There were none.
    None,
    /// Nothing that could be read.
    Damaged,
}

impl LeaseFiles {
    /// Opens the files, and makes those that are missing.
    pub(super) fn open(storage: &dyn SpoolStorage, names: &[String]) -> io::Result<(Self, Found)> {
        let mut found: Option<Lease> = None;
        let mut any = false;
        let mut open = |name: &str| {
            if !names.iter().any(|known| known == name) {
                return storage.create(name, FILE);
            }
            any = true;
            let file = storage.open(name)?;
            // A file that cannot be read says nothing; the other may.
            let lease = read_all(&*file, FILE).ok().and_then(|bytes| Lease::read(&bytes));
            if lease.as_ref().map(|lease| lease.generation) > found.as_ref().map(|lease| lease.generation) {
                found = lease;
            }
            Ok(file)
        };
        let files = [open(NAMES[0])?, open(NAMES[1])?];
        let generation = found.as_ref().map_or(0, |lease| lease.generation);
        let found = found.map_or(if any { Found::Damaged } else { Found::None }, Found::Lease);
        Ok((Self { files, generation }, found))
    }

    /// Makes a lease durable, in both files.
    pub(super) fn write(&mut self, lease: &Lease) -> io::Result<()> {
        self.generation += 1;
        let bytes = Lease { generation: self.generation, ..lease.clone() }.write();
        for file in &self.files {
            write_all(&**file, &bytes, 0)?;
            file.sync()?;
        }
        Ok(())
    }
}
