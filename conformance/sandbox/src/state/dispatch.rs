//! A dispatch: the vehicle that is assigned to a tender, and the commands that were asked of it.

use gladhand_documents::json::Value;
use jiff::{SignedDuration, Timestamp};

use crate::oauth::clients::Consent;
use crate::object::Object;
use crate::problem::Result;
use crate::random;
use crate::state::Store;
use crate::state::command::Command;
use crate::state::tender::{Key, Tender};

/// The telephone of the carrier's operations centre (a number reserved for fiction).
const CONTACT: &str = "+18005550142";

/// An assignment of a vehicle.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Its id.
    pub id: String,
    /// Rises with each change.
    pub revision: u32,
    /// The tractor.
    pub vehicle: String,
    /// Pseudonym of the driver of the manual last leg, if there is one.
    pub driver: Option<String>,
    /// Who is in control.
    pub control_mode: String,
    /// Since when, by the machine's clock.
    pub since: Timestamp,
    /// Until when, by the machine's clock; none while it runs.
    pub until: Option<Timestamp>,
    /// Commands, in the order in which they came.
    pub commands: Vec<Command>,
    tender_id: String,
    load_id: String,
    /// Stops with the appointment's start as the expected arrival.
    stops: Vec<(String, String)>,
}

impl Dispatch {
    /// A dispatch of `vehicle` for an accepted tender.
    pub fn new(tender: &Tender, vehicle: &str, since: Timestamp) -> Self {
        let document = tender.document.as_ref();
        let stops = document.and_then(|d| d.at("/stops")).into_iter().flat_map(Value::items);
        let stops = stops.filter_map(|stop| {
            let id = stop.get("stopId")?.text()?.into_owned();
            Some((id, stop.at("/appointment/start")?.text()?.into_owned()))
        });
        Self {
            id: random::id("dsp-"),
            revision: 1,
            vehicle: vehicle.to_owned(),
            driver: None,
            control_mode: tender.control_mode.clone(),
            since,
            until: None,
            commands: Vec::new(),
            tender_id: tender.key.tender_id.clone(),
            load_id: tender.load_id.clone(),
            stops: stops.collect(),
        }
    }

    /// How many stops, from the first, lie on legs that are released: the one leg runs through all of them.
    pub fn released_stops(&self) -> usize {
        self.stops.len()
    }

    /// `Dispatch`; who drives is said only where the agreement covers personal data of drivers.
    pub fn document(&self, consent: Consent) -> String {
        let etas = self
            .stops
            .iter()
            .map(|(stop, at)| Object::new().text("stopId", stop).text("at", at).text("basis", "appointment").finish());
        let leg = Object::new()
            .text("legId", "leg-1")
            .list("segmentRefs", [r#""seg-1""#])
            .text("driveMode", "autonomous")
            .text("tractorId", &self.vehicle)
            .list("etaAtStops", etas)
            .finish();
        let manual = self.driver.as_ref().map(|driver| {
            Object::new()
                .text("legId", "leg-2")
                .list("segmentRefs", [r#""seg-2""#])
                .text("driveMode", "manual")
                .text_if("driverRef", consent.driver_pii.then_some(driver.as_str()))
                .finish()
        });
        Object::new()
            .text("schemaVersion", "1.0.0")
            .text("dispatchId", &self.id)
            .text("tenderId", &self.tender_id)
            .text("loadId", &self.load_id)
            .number("dispatchRevision", self.revision.into())
            .list("assignments", [leg].into_iter().chain(manual))
            .text("releasedThrough", "leg-1")
            .text("controlMode", &self.control_mode)
            .text("contact24x7", CONTACT)
            .finish()
    }
}

impl Tender {
    /// Notes that the vehicle is done with this load.
    pub fn end_dispatch(&mut self, wall: Timestamp) {
        if let Some(dispatch) = &mut self.dispatch {
            dispatch.until = Some(wall);
        }
    }
}

impl Store {
    /// Says who drives the manual last leg of a tender's dispatch.
    pub fn assign_driver(&mut self, key: &Key, driver: &str) -> Result<()> {
        if let Some(dispatch) = &mut self.tender_mut(key)?.dispatch {
            dispatch.driver = Some(driver.to_owned());
        }
        Ok(())
    }

    /// The tender that a dispatch of this tenant belongs to.
    pub fn dispatched(&self, tenant: &str, dispatch_id: &str) -> Option<&Tender> {
        let tender = self.find(self.tenders.dispatched(tenant, dispatch_id)?);
        tender.filter(|t| t.dispatch.as_ref().is_some_and(|d| d.id == dispatch_id))
    }

    /// Whether a vehicle of ours carried this load of this tenant at `observed`, or had delivered it less than `after`
    /// before, in a dispatch that `fits`. By the machine's clock, as vehicles have no other.
    pub fn carried(
        &self,
        tenant: &str,
        load_id: &str,
        observed: Timestamp,
        after: SignedDuration,
        fits: impl Fn(&Dispatch) -> bool,
    ) -> bool {
        self.tenders.of_load(tenant, load_id).any(|tender| {
            tender.dispatch.as_ref().is_some_and(|dispatch| {
                let over = dispatch.until.and_then(|until| until.checked_add(after).ok());
                dispatch.since <= observed && over.is_none_or(|over| observed <= over) && fits(dispatch)
            })
        })
    }

    /// The name of the first tender with this id, whichever tenant's: for control, which knows no tenants.
    pub fn key_of(&self, tender_id: &str) -> Option<Key> {
        self.tenders.named(tender_id).map(|t| t.key.clone())
    }
}
