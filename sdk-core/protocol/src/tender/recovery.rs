//! What to do with an intent that has no outcome (contract 4c), decided from what a read-back found. Pure: the driver in
//! client does what it says.

use jiff::{SignedDuration, Timestamp};

/// For how long a read may lag behind what the carrier said of a tender elsewhere (contract 4c: reads may lag): in an answer
/// that came while the read was under way, or in an event. An absence counts against that only when it lasts longer.
pub const LAG: SignedDuration = SignedDuration::from_secs(60);

/// What the carrier says of the thing that the intent creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBack {
    /// It has it.
    Found,
    /// It provably does not have it: `not_found` with the id and the log epoch echoed.
    Absent,
    /// It answered in a way that proves neither.
    Unclear,
    /// It did not answer.
    Unreachable,
}

/// What is known of the intent.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Until when the same bytes may be sent again.
    pub resend_until: Timestamp,
    /// When the carrier last spoke of this tender, if it ever did: in a 2xx answer or an event.
    pub acknowledged: Option<Timestamp>,
    /// Whether the carrier's log epoch is still the one that the intent was journaled under.
    pub same_epoch: bool,
    /// Whether an absent one past `resend_until` must be closed at the carrier, so that a late arrival cannot revive it:
    /// true for a tender, false for a command, which lapses by itself.
    pub tombstone: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Take over what the carrier has, and write the outcome.
    Adopt,
    /// Send the same bytes under the same key again.
    Resend,
    /// Withdraw it, so that a copy still on its way is refused; then `withdrawn{unsent}`.
    Tombstone,
    /// Close it: it was never executed and can no longer be.
    Lapse,
    /// Ask again later. The load stays held.
    Wait,
    /// The carrier acknowledged it once and has it no more: freeze and page, never resend.
    RemoteLost,
}

/// Whether a tender that the carrier does not know now, though it spoke of it at `acknowledged`, is lost: no read lags so far
/// behind.
pub fn lost(acknowledged: Timestamp, now: Timestamp) -> bool {
    now.duration_since(acknowledged) >= LAG
}

/// Decides.
pub fn decide(found: ReadBack, facts: Facts, now: Timestamp) -> Recovery {
    let lags = |at: Timestamp| !lost(at, now);
    match found {
        ReadBack::Found => Recovery::Adopt,
        ReadBack::Unclear | ReadBack::Unreachable => Recovery::Wait,
        ReadBack::Absent if !facts.same_epoch => Recovery::RemoteLost,
        ReadBack::Absent if facts.acknowledged.is_some_and(lags) => Recovery::Wait,
        ReadBack::Absent if facts.acknowledged.is_some() => Recovery::RemoteLost,
        ReadBack::Absent if now < facts.resend_until => Recovery::Resend,
        ReadBack::Absent if facts.tombstone => Recovery::Tombstone,
        ReadBack::Absent => Recovery::Lapse,
    }
}

/// Until when a tender may be resent: `respondBy`, but at most ten minutes after the first send, since a dispatcher may
/// have covered the load by telephone.
pub fn resend_until(respond_by: Option<Timestamp>, first_send: Timestamp) -> Timestamp {
    let limit = first_send.saturating_add(SignedDuration::from_mins(10)).unwrap_or(Timestamp::MAX);
    respond_by.map_or(limit, |respond_by| respond_by.min(limit))
}

/// `until`, but at most 80 % of the hours for which the carrier keeps idempotency keys: later a repetition might count as
/// new (contract 4c).
pub fn recognised(until: Timestamp, first_send: Timestamp, retention_hours: u32) -> Timestamp {
    let limit = SignedDuration::from_mins(i64::from(retention_hours) * 48);
    until.min(first_send.saturating_add(limit).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_of_the_contract() {
        let now: Timestamp = "2026-02-20T08:00:00Z".parse().unwrap();
        let later = now.saturating_add(SignedDuration::from_secs(1)).unwrap();
        let facts = Facts { resend_until: later, acknowledged: None, same_epoch: true, tombstone: true };
        assert_eq!(decide(ReadBack::Found, facts, now), Recovery::Adopt);
        assert_eq!(decide(ReadBack::Absent, facts, now), Recovery::Resend);
        assert_eq!(decide(ReadBack::Absent, facts, later), Recovery::Tombstone);
        assert_eq!(decide(ReadBack::Absent, Facts { tombstone: false, ..facts }, later), Recovery::Lapse);
        assert_eq!(decide(ReadBack::Unclear, facts, later), Recovery::Wait);
        assert_eq!(decide(ReadBack::Unreachable, facts, later), Recovery::Wait);
        let heard = |ago: i64| Facts { acknowledged: now.checked_sub(SignedDuration::from_secs(ago)).ok(), ..facts };
        assert_eq!(decide(ReadBack::Absent, heard(60), now), Recovery::RemoteLost);
        assert_eq!(decide(ReadBack::Absent, heard(59), now), Recovery::Wait, "a read may lag behind");
        assert_eq!(decide(ReadBack::Absent, heard(0), later), Recovery::Wait);
        assert_eq!(decide(ReadBack::Absent, Facts { same_epoch: false, ..facts }, now), Recovery::RemoteLost);
    }

    #[test]
    fn a_key_is_not_used_when_the_carrier_may_have_forgotten_it() {
        let now: Timestamp = "2026-02-20T08:00:00Z".parse().unwrap();
        let day: Timestamp = "2026-02-21T08:00:00Z".parse().unwrap();
        assert_eq!(recognised(day, now, 168), day);
        assert_eq!(recognised(day, now, 10).to_string(), "2026-02-20T16:00:00Z");
    }

    #[test]
    fn the_window_of_resending_is_the_shorter_one() {
        let now: Timestamp = "2026-02-20T08:00:00Z".parse().unwrap();
        let soon: Timestamp = "2026-02-20T08:02:00Z".parse().unwrap();
        assert_eq!(resend_until(Some(soon), now), soon);
        assert_eq!(resend_until(None, now).to_string(), "2026-02-20T08:10:00Z");
        assert_eq!(
            resend_until(Some("2026-02-21T08:00:00Z".parse().unwrap()), now).to_string(),
            "2026-02-20T08:10:00Z"
        );
    }
}
