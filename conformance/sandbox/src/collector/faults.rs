//! What the collector does wrong on request.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gladhand_documents::telemetry::Lane;
use gladhand_documents::telemetry::wire::NackReason;
use tokio::sync::watch;

/// Misbehaviour that stays until it is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Acknowledgements come this much later, milliseconds.
    pub ack_delay_ms: u64,
    /// Lanes that get no further credit; never SAFETY.
    pub starved: Vec<Lane>,
    /// New streams are refused.
    pub refuse: bool,
    /// How often every stream was sent away, and after how long it may come back, milliseconds.
    pub(super) sent_away: (u64, u32),
}

/// What becomes of single frames.
#[derive(Debug, Default)]
struct Frames {
    nacks: VecDeque<(NackReason, u32)>,
    corrupt: u32,
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults {
    settings: watch::Sender<Settings>,
    frames: Mutex<Frames>,
}

impl Faults {
    /// The settings.
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// Changes them; open streams see it at once.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        self.settings.send_modify(change);
    }

    /// Ends every stream with GoAway SHUTDOWN.
    pub fn send_away(&self, retry_after_ms: u32) {
        self.set(|settings| settings.sent_away = (settings.sent_away.0 + 1, retry_after_ms));
    }

    /// Refuses the next frames, for this reason.
    pub fn nack(&self, reason: NackReason, frames: u32) {
        self.frames().nacks.push_back((reason, frames));
    }

    /// Flips one bit of the next frames, as if damaged on the way.
    pub fn corrupt(&self, frames: u32) {
        self.frames().corrupt = frames;
    }

    pub(super) fn watch(&self) -> watch::Receiver<Settings> {
        self.settings.subscribe()
    }

    pub(super) fn next_nack(&self) -> Option<NackReason> {
        let mut frames = self.frames();
        while let Some((reason, left)) = frames.nacks.front_mut() {
            if *left > 0 {
                *left -= 1;
                return Some(*reason);
            }
            frames.nacks.pop_front();
        }
        None
    }

    /// Whether the next frame is damaged.
    pub(super) fn corrupts(&self) -> bool {
        let mut frames = self.frames();
        let corrupts = frames.corrupt > 0;
        frames.corrupt = frames.corrupt.saturating_sub(1);
        corrupts
    }

    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
