//! The stock: a small believable set of offers, kept byte for byte, and how much of each is committed.

use std::borrow::Cow;

use gladhand_documents::error::Code;
use gladhand_documents::json::{Document, Value};
use gladhand_documents::model::wire::CapacitySearch;
use gladhand_documents::model::{self, Model as _};
use jiff::Timestamp;

use crate::clock::{plus_seconds, rfc3339};
use crate::problem::{Problem, Result};
use crate::state::hold::Holds;

/// The canonical document of the contract, byte for byte.
pub const CANONICAL: &str = r#"{
  "capacityId": "aurora-12345",
  "vehicleType": "tractor-std",
  "autonomyLevel": "L4",
  "availableWindow": {"start": "2026-02-20T08:00:00Z", "end": "2026-02-20T20:00:00Z"},
  "route": [{"from": {"lat": 41.8781, "lon": -87.6298}, "to": {"lat": 34.0522, "lon": -118.2437}}],
  "constraints": {"maxWeightLbs": 80000, "hazmat": false},
  "rate": {"currency": "USD", "amount": 1250.00}
}"#;

/// How far from the asked point an offer may begin or end when the search names no radius, in miles.
const DEFAULT_RADIUS_MI: f64 = 50.0;
const PAGE: usize = 20;

/// An offer and what is left of it.
pub struct Capacity {
    /// The offer as published, verbatim.
    pub document: Document,
    /// `capacityId`.
    pub id: String,
    /// `availableWindow`.
    pub window: (Timestamp, Timestamp),
    /// Slots.
    pub quantity: u32,
    /// Slots taken.
    pub committed: u32,
    /// Holds on it.
    pub holds: Holds,
    /// How often holds changed it since it was published.
    pub changes: u32,
}

/// The offers, in the order in which they were published.
pub struct Stock(Vec<Capacity>);

/// What to search for; absent members do not restrict.
#[derive(Default)]
pub struct Search {
    origin: Option<(f64, f64)>,
    destination: Option<(f64, f64)>,
    radius_mi: Option<f64>,
    window: Option<(Timestamp, Timestamp)>,
    equipment: Option<String>,
    weight_lbs: Option<u32>,
    from: usize,
}

impl Capacity {
    /// Reads what the stock needs from an offer; the rest stays as it is.
    pub fn of(document: Document) -> Result<Self> {
        let id = document.text("/capacityId").filter(|id| !id.is_empty() && id.len() <= 128);
        let id = id.ok_or_else(|| invalid("/capacityId", "must be a string of 1 to 128 characters"))?;
        let window =
            window(&document, "/availableWindow")?.ok_or_else(|| invalid("/availableWindow", "is required"))?;
        for (pointer, what) in [("/route/0/from", "from"), ("/route/0/to", "to")] {
            point(document.at(pointer)).ok_or_else(|| invalid(pointer, &format!("needs the point {what}")))?;
        }
        let quantity = document.integer("/quantity").and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        Ok(Self { document, id, window, quantity, committed: 0, holds: Holds::default(), changes: 0 })
    }

    /// Slots left.
    pub fn left(&self) -> u32 {
        self.quantity.saturating_sub(self.committed).saturating_sub(self.holds.kept())
    }

    /// Where the route begins and ends, in degrees.
    pub fn ends(&self) -> Option<((f64, f64), (f64, f64))> {
        let route = self.document.at("/route")?;
        Some((point(route.items().next()?.get("from"))?, point(route.items().next_back()?.get("to"))?))
    }

    fn fits(&self, search: &Search) -> bool {
        let near = |asked: Option<(f64, f64)>, end: (f64, f64)| {
            asked.is_none_or(|asked| miles(asked, end) <= search.radius_mi.unwrap_or(DEFAULT_RADIUS_MI))
        };
        let Some((from, to)) = self.ends() else { return false };
        let window = search.window.is_none_or(|(start, end)| self.window.0 < end && start < self.window.1);
        let trailers = self.document.at("/equipment/trailerTypes");
        let equipment = search
            .equipment
            .as_ref()
            .is_none_or(|asked| trailers.is_none_or(|types| types.items().any(|t| t.text().as_deref() == Some(asked))));
        let weight = search.weight_lbs.is_none_or(|cargo| cargo <= self.cargo_limit_lbs());
        self.left() > 0 && near(search.origin, from) && near(search.destination, to) && window && equipment && weight
    }

    /// How much cargo it takes, in pounds: by the offer's basis, and with the assumed tare where it names none.
    pub fn cargo_limit_lbs(&self) -> u32 {
        let number = |pointer: &str| self.document.integer(pointer).and_then(|n| u32::try_from(n).ok());
        let limit = number("/constraints/maxWeightLbs").unwrap_or(0);
        let by_weight = if self.document.text("/constraints/weightBasis").as_deref() == Some("cargo") {
            limit
        } else {
            limit.saturating_sub(number("/constraints/tareWeightLbs").unwrap_or(super::ASSUMED_TARE_LBS))
        };
        number("/constraints/maxCargoWeightLbs").map_or(by_weight, |cargo| cargo.min(by_weight))
    }
}

impl Search {
    /// Reads a `CapacitySearch`.
    pub fn of(document: &Document) -> Result<Self> {
        model::validate(CapacitySearch::entity(), document)?;
        let at = |pointer: &str| match document.at(pointer) {
            None => Ok(None),
            some => point(some).map(Some).ok_or_else(|| invalid(pointer, "must have lat and lon")),
        };
        let radius_mi = match document.at("/radiusMi") {
            None => None,
            Some(value) => Some(
                lexeme(value)
                    .and_then(|n| n.parse::<f64>().ok())
                    .filter(|r| (0.0..=13_000.0).contains(r))
                    .ok_or_else(|| invalid("/radiusMi", "must be a number of miles from 0 to 13000"))?,
            ),
        };
        let weight_lbs = match document.at("/weightLbs") {
            None => None,
            Some(value) => Some(
                value
                    .number()
                    .and_then(|n| n.parse::<u32>().ok())
                    .ok_or_else(|| invalid("/weightLbs", "must be a whole number of pounds"))?,
            ),
        };
        let from = match document.text("/cursor") {
            None => 0,
            Some(cursor) => super::cursor::decode("capacity", "", &cursor)?,
        };
        Ok(Self {
            origin: at("/origin")?,
            destination: at("/destination")?,
            radius_mi,
            window: window(document, "/window")?,
            equipment: document.text("/equipment"),
            weight_lbs,
            from,
        })
    }
}

impl Stock {
    /// The stock at start: the canonical offer, the same lane in the weeks to come, and the Dallas–Houston corridor.
    pub fn initial(carrier: &str, now: Timestamp) -> Self {
        let start = rfc3339(now);
        let end = rfc3339(plus_seconds(now, 29 * 86_400));
        let mut stock = Self(Vec::new());
        for text in [
            offer(carrier, "dal-hou-1", 1, (&start, &end), DALLAS_HOUSTON, "780.00"),
            offer(carrier, "dal-hou-2", 1, (&start, &end), DALLAS_HOUSTON, "815.50"),
            offer(carrier, "dal-hou-pool", 1000, (&start, &end), DALLAS_HOUSTON, "795.25"),
            offer(carrier, "chi-lax-1", 4, (&start, &end), CHICAGO_LOS_ANGELES, "1250.00"),
            offer(carrier, "chi-lax-2", 1, (&start, &end), CHICAGO_LOS_ANGELES, "1275.50"),
            offer(carrier, "chi-lax-3", 2, (&start, &end), CHICAGO_LOS_ANGELES, "1310.00"),
            offer(carrier, "ftw-elp-1", 2, (&start, &end), FORT_WORTH_EL_PASO, "1410.75"),
            CANONICAL.replace("aurora-12345", &format!("{carrier}-12345")),
        ] {
            let offer = Document::parse(text).map_err(Problem::from).and_then(Capacity::of);
            stock.0.extend(offer);
        }
        stock
    }

    /// Publishes an offer; one of the same id is replaced, what is committed of it stays committed.
    pub fn publish(&mut self, mut capacity: Capacity) {
        match self.0.iter_mut().find(|c| c.id == capacity.id) {
            Some(existing) => {
                capacity.committed = existing.committed;
                capacity.holds = std::mem::take(&mut existing.holds);
                *existing = capacity;
            }
            None => self.0.push(capacity),
        }
    }

    /// The offer of this id.
    pub fn get(&self, id: &str) -> Option<&Capacity> {
        self.0.iter().find(|c| c.id == id)
    }

    /// The offer of this id, to change what is taken of it.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Capacity> {
        self.0.iter_mut().find(|c| c.id == id)
    }

    /// Takes a slot. False if none is left.
    pub fn commit(&mut self, id: &str) -> bool {
        match self.0.iter_mut().find(|c| c.id == id) {
            Some(capacity) if capacity.left() > 0 => {
                capacity.committed += 1;
                true
            }
            _ => false,
        }
    }

    /// Gives a slot back.
    pub fn release(&mut self, id: &str) {
        if let Some(capacity) = self.0.iter_mut().find(|c| c.id == id) {
            capacity.committed = capacity.committed.saturating_sub(1);
        }
    }

    /// Counts what is committed anew, from the capacity of each tender that has some.
    pub fn recount<'a>(&mut self, taken: impl Iterator<Item = &'a str>) {
        for capacity in &mut self.0 {
            capacity.committed = 0;
        }
        for id in taken {
            self.commit(id);
        }
    }

    /// One page of what fits, and the cursor of the next.
    pub fn search(&self, search: &Search) -> (Vec<&Capacity>, Option<String>) {
        let mut found = self.0.iter().enumerate().skip(search.from).filter(|(_, c)| c.fits(search));
        let page: Vec<_> = found.by_ref().take(PAGE).map(|(_, c)| c).collect();
        let next = found.next().map(|(at, _)| super::cursor::encode("capacity", "", at));
        (page, next)
    }

    /// All offers, to change what is taken of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Capacity> {
        self.0.iter_mut()
    }

    /// All offers.
    pub fn iter(&self) -> impl Iterator<Item = &Capacity> {
        self.0.iter()
    }
}

const DALLAS_HOUSTON: &str = r#"[{"from": {"lat": 32.7767, "lon": -96.7970, "name": "Dallas"}, "to": {"lat": 29.7604, "lon": -95.3698, "name": "Houston"}, "plannedDistanceMi": 239, "plannedDurationMin": 245, "permittedDetours": [{"detourId": "i45-i35", "reason": ["closure", "weather"], "maxExtraMi": 38.5, "maxExtraMin": 45, "needsApproval": false}]}]"#;
const CHICAGO_LOS_ANGELES: &str = r#"[{"from": {"lat": 41.8781, "lon": -87.6298}, "to": {"lat": 34.0522, "lon": -118.2437}, "plannedDistanceMi": 2015}]"#;
const FORT_WORTH_EL_PASO: &str = r#"[{"from": {"lat": 32.7555, "lon": -97.3308, "name": "Fort Worth"}, "to": {"lat": 31.7619, "lon": -106.4850, "name": "El Paso"}, "plannedDistanceMi": 606, "plannedDurationMin": 560}]"#;

fn offer(carrier: &str, id: &str, quantity: u32, (start, end): (&str, &str), route: &str, amount: &str) -> String {
    format!(
        r#"{{
  "schemaVersion": "1.0.0",
  "capacityId": "{carrier}-{id}",
  "capacityRevision": 1,
  "vehicleType": "tractor-std",
  "autonomyLevel": "L4",
  "availableWindow": {{"start": "{start}", "end": "{end}"}},
  "route": {route},
  "constraints": {{"maxWeightLbs": 80000, "hazmat": false, "tareWeightLbs": 34000}},
  "rate": {{"currency": "USD", "amount": {amount}}},
  "equipment": {{"provides": "tractor_and_trailer", "trailerTypes": ["van"], "trailerLengthFt": 53}},
  "quantity": {quantity}
}}"#
    )
}

fn point(value: Option<Value<'_>>) -> Option<(f64, f64)> {
    let value = value?;
    let number = |name: &str| lexeme(value.get(name)?)?.parse::<f64>().ok();
    Some((number("lat")?, number("lon")?))
}

/// A decimal may stand as a number or as a string of one (contract 3a).
fn lexeme(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.number().map(Cow::Borrowed).or_else(|| value.text())
}

fn window(document: &Document, pointer: &str) -> Result<Option<(Timestamp, Timestamp)>> {
    if document.at(pointer).is_none() {
        return Ok(None);
    }
    let instant = |name: &str| document.text(&format!("{pointer}/{name}"))?.parse::<Timestamp>().ok();
    match (instant("start"), instant("end")) {
        (Some(start), Some(end)) if start < end => Ok(Some((start, end))),
        _ => Err(invalid(pointer, "must have start before end, RFC 3339 with offset")),
    }
}

/// Great-circle distance in miles.
fn miles((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    const EARTH_MI: f64 = 3958.8;
    let (a, b) = (lat1.to_radians(), lat2.to_radians());
    let h = ((b - a) / 2.0).sin().powi(2) + a.cos() * b.cos() * ((lon2 - lon1).to_radians() / 2.0).sin().powi(2);
    2.0 * EARTH_MI * h.sqrt().min(1.0).asin()
}

fn invalid(path: &str, message: &str) -> Problem {
    Problem::violation(Code::SchemaInvalid, path, "schema", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_offer_is_found_on_its_lane_and_in_its_window() {
        let stock = Stock::initial("aurora", "2026-11-20T00:00:00Z".parse().unwrap());
        let search = |text: &str| {
            let search = Search::of(&Document::parse(text).unwrap()).unwrap();
            stock.search(&search).0.iter().map(|c| c.id.clone()).collect::<Vec<_>>()
        };
        let lane = r#""origin":{"lat":41.9,"lon":-87.6},"destination":{"lat":34.0,"lon":-118.2}"#;
        assert_eq!(
            search(&format!("{{{lane}}}")),
            ["aurora-chi-lax-1", "aurora-chi-lax-2", "aurora-chi-lax-3", "aurora-12345"]
        );
        let day = r#""window":{"start":"2026-02-20T00:00:00Z","end":"2026-02-21T00:00:00Z"}"#;
        assert_eq!(search(&format!("{{{lane},{day}}}")), ["aurora-12345"]);
        assert_eq!(search(&format!("{{{lane},{day},\"weightLbs\":45001}}")), Vec::<String>::new());
        assert_eq!(stock.get("aurora-12345").unwrap().document.as_str(), CANONICAL);
    }
}
