//! What a carrier's answer to a mutation proves (contract 4c): only a stored answer closes an intent. A bare 503, 404 or
//! 429 may be a proxy's, after the commit.

use gladhand_documents::error::{Code, Error, Sent};

/// What a failed attempt of a mutation proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The carrier refused and stored that: a business 409 or 422.
    Refused,
    /// Nothing was executed and nothing is stored; the same request may be repeated as the error's retry rule says.
    NotExecuted,
    /// The first attempt is still running: repeat with the same key after the wait.
    InFlight,
    /// Nothing is proven: the carrier may have executed it. Taints the intent.
    Ambiguous,
}

/// Judges a failed attempt. `problem` is there only where the answer was problem+json with a code of the contract.
pub fn judge(error: &Error) -> Proof {
    use Code as C;
    if error.sent_state() == Sent::NotSent {
        return Proof::NotExecuted;
    }
    if error.sent_state() == Sent::MaybeSent || error.problem().is_none() {
        return Proof::Ambiguous;
    }
    match error.code() {
        C::IdempotencyInFlight => Proof::InFlight,
        C::TenderConflict
        | C::CapacityCommitted
        | C::IllegalTransition
        | C::AlreadyAccepted
        | C::TenderWithdrawn
        | C::HoldExpired
        | C::CounterExpired
        | C::StaleRevision
        | C::RevisionGap
        | C::RevisionContentConflict
        | C::StaleDispatch
        | C::CommandOutOfOrder
        | C::EnvironmentMismatch
        | C::NotUnderstood
        | C::CapacityUnknown
        | C::CurrencyUnknown
        | C::WeightExceeded
        | C::HazmatNotPermitted
        | C::OddIneligible
        | C::WindowOutsideOffer
        | C::DetourNotPermitted
        | C::InspectionExpired
        | C::RateSumMismatch
        | C::StopsUnbalanced
        | C::TimezoneOffsetMismatch
        | C::RespondByPast
        | C::EquipmentMismatch
        | C::ClockSkew => Proof::Refused,
        // After execution began a 500 is indeterminate; a gateway's 502 or 504 says nothing of what lies behind it. A
        // reused key is the sender's own defect: something was executed under it, with another body. A replayed proof is a copy
        // of this very request, since every attempt has a proof of its own: the copy that came first may have been executed.
        C::InternalServerError | C::BadGateway | C::Timeout | C::IdempotencyKeyReused | C::PopReplayed => {
            Proof::Ambiguous
        }
        // 400, 401, 403, 404, 410, 413, 415, 428, 429 and 503 with a code of the contract: before execution, not stored.
        _ => Proof::NotExecuted,
    }
}

/// Whether a refused create says that the carrier has a tender of this id already, with other content or another revision.
/// Such an answer is no rejection: only a read tells where the tender stands.
pub fn says_existing(error: &Error) -> bool {
    matches!(error.code(), Code::RevisionContentConflict | Code::StaleRevision | Code::AlreadyAccepted)
}

/// Whether an answer to a read proves that the carrier does not have the tender: problem+json `not_found` that echoes
/// the tender's id and a log epoch (contract 4c). Any other 404 or 410 proves nothing.
pub fn absent(error: &Error, tender_id: &str) -> Option<String> {
    if error.code() != Code::NotFound || error.sent_state() != Sent::Acknowledged {
        return None;
    }
    let problem = gladhand_documents::json::Document::parse(error.problem()?).ok()?;
    if problem.text("/tenderId")? != tender_id {
        return None;
    }
    problem.text("/logEpoch")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: Code) -> Error {
        Error::new(code, "x").sent(Sent::Acknowledged).with_problem("{}")
    }

    #[test]
    fn only_stored_answers_close_an_intent() {
        assert_eq!(judge(&answered(Code::TenderConflict)), Proof::Refused);
        assert_eq!(judge(&answered(Code::HazmatNotPermitted)), Proof::Refused);
        assert_eq!(judge(&answered(Code::IdempotencyInFlight)), Proof::InFlight);
        assert_eq!(judge(&answered(Code::ScopeMissing)), Proof::NotExecuted);
        assert_eq!(judge(&answered(Code::CapacityBackpressure)), Proof::NotExecuted);
        assert_eq!(judge(&answered(Code::InternalServerError)), Proof::Ambiguous);
        assert_eq!(judge(&answered(Code::PopReplayed)), Proof::Ambiguous, "a copy of it came before");
        assert_eq!(judge(&Error::new(Code::Connect, "x")), Proof::NotExecuted);
        assert_eq!(judge(&Error::new(Code::ConnectionLost, "x").sent(Sent::MaybeSent)), Proof::Ambiguous);
        let bare = Error::new(Code::BadGateway, "x").sent(Sent::MaybeSent).with_status(503);
        assert_eq!(judge(&bare), Proof::Ambiguous, "a bare 503 may be a proxy's, after a commit");
    }

    #[test]
    fn absence_needs_the_echo() {
        let echo = |body: &str| Error::new(Code::NotFound, "x").sent(Sent::Acknowledged).with_problem(body);
        assert_eq!(absent(&echo(r#"{"tenderId":"t-1","logEpoch":"e1"}"#), "t-1").as_deref(), Some("e1"));
        assert_eq!(absent(&echo(r#"{"tenderId":"t-2","logEpoch":"e1"}"#), "t-1"), None);
        assert_eq!(absent(&echo(r#"{"tenderId":"t-1"}"#), "t-1"), None);
        assert_eq!(absent(&Error::new(Code::UnexpectedAnswer, "404").sent(Sent::MaybeSent), "t-1"), None);
    }
}
