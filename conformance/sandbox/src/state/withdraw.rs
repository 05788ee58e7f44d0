//! The TMS takes a tender back: a withdrawal before the decision, a request to cancel after it (contract 4b, rows 11, 16).

use gladhand_documents::error::Code;
use jiff::Timestamp;

use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::tender::{Key, Tender};
use crate::state::transitions::State;

impl Store {
    /// Withdraws a tender. An id that is not known yet becomes a tombstone, so that its tender, should it still be on
    /// its way, is refused when it arrives.
    pub fn withdraw(&mut self, key: &Key, load_id: &str, withdrawal_id: &str, now: Timestamp) -> Result<()> {
        let Some(tender) = self.find(key) else {
            let mut tombstone = Tender::new(key.clone(), load_id.to_owned(), now);
            tombstone.state = State::Withdrawn;
            self.commits.note(&tombstone, false, now);
            self.tenders.put(tombstone);
            return Ok(());
        };
        match tender.state {
            State::Withdrawn => Ok(()),
            State::Accepted | State::Dispatched | State::Enroute | State::Delivered => {
                let problem = Problem::new(Code::AlreadyAccepted, "the carrier has accepted; request a cancellation");
                Err(self.about(problem, key))
            }
            state => {
                state.to(State::Withdrawn).map_err(|p| self.about(p, key))?;
                self.close_counter(key);
                let tender = self.tender_mut(key)?;
                tender.state = State::Withdrawn;
                tender.decide_at = None;
                self.record(key, "tender.withdrawn", now, |data| data.text("withdrawalId", withdrawal_id));
                Ok(())
            }
        }
    }

    /// The TMS asks for a cancellation; the carrier decides.
    pub fn request_cancel(&mut self, key: &Key, cancellation_id: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        if tender.cancellation == "requested" || tender.state == State::Cancelled {
            return Ok(());
        }
        tender.state.to(State::Cancelled).map_err(|p| self.about(p, key))?;
        self.tender_mut(key)?.cancellation = "requested";
        self.record(key, "tender.cancel_requested", now, |data| data.text("cancellationId", cancellation_id));
        Ok(())
    }

    /// The carrier confirms or declines a cancellation that was asked for.
    pub fn answer_cancel(&mut self, key: &Key, confirm: bool, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        // Not after departure (row 16), and nothing is recorded of an answer that comes too late.
        if tender.cancellation != "requested" || !tender.state.next().contains(&State::Cancelled) {
            return Err(self.about(tender.state.illegal("cancelled"), key));
        }
        if confirm {
            self.tender_mut(key)?.cancellation = "confirmed";
            self.record(key, "tender.cancel_confirmed", now, |data| data);
            self.cancel(key, "tms", now)
        } else {
            self.decline_cancel(key, now);
            Ok(())
        }
    }

    /// Declines a cancellation that is open: by the carrier's word, or by departing.
    pub fn decline_cancel(&mut self, key: &Key, now: Timestamp) {
        if let Some(tender) = self.tenders.get_mut(key).filter(|tender| tender.cancellation == "requested") {
            tender.cancellation = "declined";
            self.record(key, "tender.cancel_declined", now, |data| data);
        }
    }

    /// Puts a tender that has ended away (contract 4c, archive). Error: `illegal_transition` for one that has not.
    pub fn archive(&mut self, key: &Key) -> Result<()> {
        let tender = self.tender(key)?;
        if !tender.state.next().is_empty() {
            return Err(self.about(tender.state.illegal("archived"), key));
        }
        self.tender_mut(key)?.archived = true;
        Ok(())
    }

    /// Ends an accepted tender before departure and gives its capacity back.
    pub fn cancel(&mut self, key: &Key, by: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        tender.state.to(State::Cancelled).map_err(|p| self.about(p, key))?;
        let capacity = tender.capacity_id.clone();
        let wall = self.wall;
        self.void_amendment(key, "withdrawn", now);
        let tender = self.tender_mut(key)?;
        tender.state = State::Cancelled;
        tender.cancellation = "confirmed";
        tender.end_dispatch(wall);
        if let Some(capacity) = capacity {
            self.stock.release(&capacity);
        }
        self.record(key, "tender.cancelled", now, |data| data.text("cancelledBy", by));
        Ok(())
    }
}
