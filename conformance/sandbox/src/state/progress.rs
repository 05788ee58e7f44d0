//! What the carrier's operations do to an accepted tender: dispatch, departure, delivery, and what goes wrong on the way
//! (contract 4b, rows 12 to 19). Driven by control.

use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use gladhand_documents::time::parse_instant;
use jiff::Timestamp;

use crate::object::Object;
use crate::problem::{Problem, Result};
use crate::state::Store;
use crate::state::dispatch::Dispatch;
use crate::state::documents;
use crate::state::tender::Key;
use crate::state::transitions::State;

impl Store {
    /// Moves a tender on. `vehicle` is the tractor of a new dispatch.
    pub fn progress(&mut self, key: &Key, to: State, vehicle: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        let from = tender.state;
        if to == State::Cancelled {
            return self.cancel(key, "carrier", now);
        }
        if !matches!(to, State::Accepted | State::Dispatched | State::Enroute | State::Delivered | State::Aborted)
            || (to == State::Accepted && from != State::Dispatched)
        {
            return Err(self.about(from.illegal(to.as_str()), key));
        }
        from.to(to).map_err(|p| self.about(p, key))?;
        match to {
            State::Dispatched => self.dispatch(key, vehicle, now),
            State::Accepted => self.release_dispatch(key, now),
            State::Enroute => {
                self.decline_cancel(key, now);
                self.step(key, to, "shipment.departed_pickup", now)
            }
            State::Delivered => {
                self.step(key, to, "shipment.delivered", now)?;
                let wall = self.wall;
                self.tender_mut(key)?.end_dispatch(wall);
                self.file_proof(key, now)
            }
            _ => {
                self.step(key, to, "shipment.aborted", now)?;
                let wall = self.wall;
                self.tender_mut(key)?.end_dispatch(wall);
                Ok(())
            }
        }
    }

    fn step(&mut self, key: &Key, to: State, event: &str, now: Timestamp) -> Result<()> {
        if to.next().is_empty() {
            self.void_amendment(key, "declined", now);
        }
        self.tender_mut(key)?.state = to;
        self.record(key, event, now, |data| data);
        Ok(())
    }

    fn dispatch(&mut self, key: &Key, vehicle: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender(key)?;
        let capacity = tender.capacity_id.as_deref().and_then(|id| self.stock.get(id));
        let inspected = capacity.and_then(|c| c.document.text("/constraints/inspection/validUntil"));
        if inspected.and_then(|t| parse_instant(&t).ok()).is_some_and(|until| until < now) {
            let problem = Problem::new(Code::InspectionExpired, "the vehicle's inspection has lapsed");
            return Err(self.about(problem, key));
        }
        let dispatch = Dispatch::new(tender, vehicle, self.wall);
        self.tenders.assign(key, dispatch);
        self.step(key, State::Dispatched, "dispatch.created", now)
    }

    fn release_dispatch(&mut self, key: &Key, now: Timestamp) -> Result<()> {
        let released = self.tender_mut(key)?.dispatch.take().map(|dispatch| dispatch.id);
        self.tender_mut(key)?.state = State::Accepted;
        self.record(key, "dispatch.released", now, |data| data.text_if("dispatchId", released.as_deref()));
        Ok(())
    }

    fn file_proof(&mut self, key: &Key, now: Timestamp) -> Result<()> {
        let origin = self.origin.clone();
        let filed = documents::proof_of_delivery(self.tender(key)?, &origin, now);
        let id = filed.id.clone();
        self.tender_mut(key)?.documents.push(filed);
        self.record(key, "pod.available", now, |data| data.text("podId", &id));
        Ok(())
    }

    /// A status of the shipment that moves nothing, such as `enroute_to_pickup`.
    pub fn status(&mut self, key: &Key, status: &str, stop_id: Option<&str>, now: Timestamp) -> Result<()> {
        self.tender(key)?;
        self.record(key, "shipment.status", now, |data| data.text("shipmentStatus", status).text_if("stopId", stop_id));
        Ok(())
    }

    /// Opens an exception, or clears it where it has `clearedAt` (row 19). An overlay: the tender stays where it is.
    pub fn exception(&mut self, key: &Key, exception: Document, now: Timestamp) -> Result<()> {
        let id = exception.text("/exceptionId").unwrap_or_default();
        let tender = self.tender_mut(key)?;
        let known = tender.exceptions.iter().any(|e| e.text("/exceptionId").as_deref() == Some(id.as_str()));
        tender.exceptions.retain(|e| e.text("/exceptionId").as_deref() != Some(id.as_str()));
        let event = if exception.at("/clearedAt").is_some() {
            "exception.cleared"
        } else {
            tender.exceptions.push(exception.clone());
            if known { "exception.updated" } else { "exception.opened" }
        };
        self.record(key, event, now, |data| data.raw("exception", exception.as_str()));
        Ok(())
    }

    /// Someone else takes control of the vehicle, or gives it back.
    pub fn control_mode(&mut self, key: &Key, mode: &str, now: Timestamp) -> Result<()> {
        let tender = self.tender_mut(key)?;
        let before = std::mem::replace(&mut tender.control_mode, mode.to_owned());
        if let Some(dispatch) = &mut tender.dispatch {
            mode.clone_into(&mut dispatch.control_mode);
        }
        self.record(key, "control.mode_changed", now, |data| data.text("previousControlMode", &before));
        Ok(())
    }
}

/// An exception as a document, from what control gave.
pub fn exception_document(given: &Document, now: Timestamp) -> Document {
    let mut object = Object::new();
    for (name, default) in [("exceptionId", "exc-1"), ("kind", "delay"), ("severity", "warning"), ("effect", "none")] {
        object = object.text(name, &given.text(&format!("/{name}")).unwrap_or_else(|| default.to_owned()));
    }
    let now = crate::clock::rfc3339(now);
    object = object.text("openedAt", &given.text("/openedAt").unwrap_or_else(|| now.clone()));
    if given.boolean("/clear") == Some(true) {
        object = object.text("clearedAt", &now);
    }
    object.document()
}
