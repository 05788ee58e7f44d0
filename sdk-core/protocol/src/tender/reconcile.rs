//! The class of a difference between the journal and the carrier's log (contract 4g).

use gladhand_documents::model::wire::TenderState;

use super::state::terminal;

/// One side's view of a tender's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side<'a> {
    /// Last sequence.
    pub last_sequence: u64,
    /// Digest up to there.
    pub history_digest: &'a [u8; 32],
    /// The state it folds to.
    pub state: &'a TenderState,
}

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Same history, same state.
    Equal,
    /// The carrier has more: pull and apply. The prefix proves itself while applying.
    LocalGap,
    /// We have more: wait one cycle.
    RemoteLag,
    /// Same length, different bytes: freeze, export both.
    ContentDivergence,
    /// Same history, different state: a defect of one side's fold.
    StateDivergence,
    /// The carrier has a live tender that we never journaled.
    OrphanRemote,
    /// The carrier acknowledged it once and does not list it any more.
    RemoteLost,
    /// An intent without outcome: the driver resolves it.
    LostOutcome,
    /// The carrier restored from a backup.
    EpochChanged,
}

impl Class {
    /// The name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "EQUAL",
            Self::LocalGap => "LOCAL_GAP",
            Self::RemoteLag => "REMOTE_LAG",
            Self::ContentDivergence => "CONTENT_DIVERGENCE",
            Self::StateDivergence => "STATE_DIVERGENCE",
            Self::OrphanRemote => "ORPHAN_REMOTE",
            Self::RemoteLost => "REMOTE_LOST",
            Self::LostOutcome => "LOST_OUTCOME",
            Self::EpochChanged => "EPOCH_CHANGED",
        }
    }
}

/// Compares two histories of one tender. `None` for a side that does not know it: a carrier's finished tender that we
/// never had is history of before our journal, and equal; ours that it never acknowledged is the driver's business.
pub fn classify(local: Option<Side<'_>>, remote: Option<Side<'_>>) -> Class {
    match (local, remote) {
        (None, None) => Class::Equal,
        (None, Some(remote)) if terminal(remote.state) => Class::Equal,
        (None, Some(_)) => Class::OrphanRemote,
        (Some(local), None) if local.last_sequence == 0 => Class::LostOutcome,
        (Some(_), None) => Class::RemoteLost,
        (Some(local), Some(remote)) => match remote.last_sequence.cmp(&local.last_sequence) {
            std::cmp::Ordering::Greater => Class::LocalGap,
            std::cmp::Ordering::Less => Class::RemoteLag,
            std::cmp::Ordering::Equal if local.history_digest != remote.history_digest => Class::ContentDivergence,
            std::cmp::Ordering::Equal if local.state != remote.state => Class::StateDivergence,
            std::cmp::Ordering::Equal => Class::Equal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let (a, b) = ([1; 32], [2; 32]);
        let (pending, accepted) = (TenderState::Pending, TenderState::Accepted);
        let side = |n, digest, state| Some(Side { last_sequence: n, history_digest: digest, state });
        assert_eq!(classify(side(2, &a, &accepted), side(2, &a, &accepted)), Class::Equal);
        assert_eq!(classify(side(1, &a, &pending), side(2, &b, &accepted)), Class::LocalGap);
        assert_eq!(classify(side(3, &a, &accepted), side(2, &b, &accepted)), Class::RemoteLag);
        assert_eq!(classify(side(2, &a, &accepted), side(2, &b, &accepted)), Class::ContentDivergence);
        assert_eq!(classify(side(2, &a, &pending), side(2, &a, &accepted)), Class::StateDivergence);
        assert_eq!(classify(None, side(2, &a, &accepted)), Class::OrphanRemote);
        assert_eq!(classify(None, side(2, &a, &TenderState::Rejected)), Class::Equal);
        assert_eq!(classify(side(2, &a, &accepted), None), Class::RemoteLost);
        assert_eq!(classify(side(0, &a, &pending), None), Class::LostOutcome);
    }
}
