//! `GET /load?loadId&capacityId`: a load that fits the stock, as a dispatcher would type it in, for tests and first steps.
//! Tender id, revision, version and mode are the sender's own to add.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse;
use gladhand_documents::error::Code;
use gladhand_documents::json::Document;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;

use super::Refused;
use crate::carrier::Carrier;
use crate::clock::{plus_seconds, rfc3339};
use crate::problem::Problem;
use crate::state::capacity::Capacity;

const HOUR: i64 = 3600;

/// What is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    load_id: String,
    #[serde(default)]
    capacity_id: String,
}

/// Answers with a `LoadTender` for the offer named, or for the first that has a slot left and a day ahead.
pub async fn load(State(carrier): State<Arc<Carrier>>, Query(wish): Query<Wish>) -> Result<impl IntoResponse, Refused> {
    let now = carrier.clock.now();
    let store = carrier.store();
    let open = |c: &&Capacity| c.left() > 0 && c.window.1 > plus_seconds(now, 24 * HOUR);
    let offer =
        if wish.capacity_id.is_empty() { store.stock.iter().find(open) } else { store.stock.get(&wish.capacity_id) };
    let offer = offer.ok_or_else(|| Problem::new(Code::CapacityUnknown, "the stock has no such offer"))?;
    let load = document(&wish.load_id, offer, now)?;
    Ok(([(http::header::CONTENT_TYPE, "application/json")], load.as_str().to_owned()))
}

/// A `LoadTender` that fits an offer.
pub fn document(load_id: &str, offer: &Capacity, now: Timestamp) -> Result<Document, Problem> {
    let pickup = plus_seconds(now.max(offer.window.0), 6 * HOUR);
    let ends = offer.ends().ok_or_else(|| Problem::new(Code::CapacityUnknown, "the offer has no route"))?;
    let stop = |id: &str, sequence: u32, kind: &str, (lat, lon): (f64, f64), name: &str, start: Timestamp| {
        let zone = zone_at(lon);
        json!({
            "stopId": id,
            "sequence": sequence,
            "type": kind,
            "location": {"name": name, "address": {"city": name}, "lat": lat, "lon": lon, "timeZone": zone},
            "appointment": {
                "kind": "window", "timeZone": zone,
                "start": local(start, zone), "end": local(plus_seconds(start, 2 * HOUR), zone),
            },
        })
    };
    let name = |pointer: &str, other: &str| offer.document.text(pointer).unwrap_or_else(|| other.to_owned());
    let load = json!({
        "loadId": load_id,
        "capacityId": offer.id,
        "respondBy": rfc3339(plus_seconds(now, HOUR)),
        "parties": [
            {"role": "bill_to", "name": "Acme Freight"},
            {"role": "shipper", "name": "Trinity Paper"},
            {"role": "consignee", "name": "Bayou Print"},
        ],
        "stops": [
            stop("pickup", 1, "pickup", ends.0, &name("/route/0/from/name", "Origin dock"), pickup),
            stop("delivery", 2, "delivery", ends.1, &name("/route/0/to/name", "Destination dock"), plus_seconds(pickup, 12 * HOUR)),
        ],
        "commodities": [{
            "lineId": "1", "description": "Paper rolls", "quantity": 20, "packaging": "PLT",
            "weight": {"value": 38000, "unit": "lb"}, "pickupStopId": "pickup", "deliveryStopId": "delivery",
        }],
        "references": [{"type": "PO", "value": format!("PO-{load_id}"), "scope": "load"}],
        "rate": {"currency": "USD"},
        "equipmentRequired": {"trailerType": "van"},
    });
    // The offer's own lexeme: a price is not a float, not even here.
    let amount = offer.document.number("/rate/amount").unwrap_or("0");
    Ok(Document::parse(load.to_string())?.patch("/rate/amount", amount)?)
}

/// The zone of the lower 48 at a longitude; good enough for a sandbox.
fn zone_at(lon: f64) -> &'static str {
    match lon {
        lon if lon < -114.5 => "America/Los_Angeles",
        lon if lon < -102.0 => "America/Denver",
        lon if lon < -85.5 => "America/Chicago",
        _ => "America/New_York",
    }
}

fn local(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

#[cfg(test)]
mod tests {
    use gladhand_documents::model::{Model, tender::LoadTender, violations};

    use super::*;
    use crate::state::capacity::Stock;

    #[test]
    fn every_offer_ahead_gets_a_valid_load() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let stock = Stock::initial("aurora", now);
        for offer in stock.iter().filter(|c| c.window.1 > now) {
            let mut load = document("load-1", offer, now).unwrap();
            assert_eq!(load.number("/rate/amount"), offer.document.number("/rate/amount"), "{}", offer.id);
            for (pointer, raw) in [
                ("/tenderId", "\"t-1\""),
                ("/revision", "1"),
                ("/schemaVersion", "\"1.0.0\""),
                ("/mode", "\"standard\""),
            ] {
                load = load.patch(pointer, raw).unwrap();
            }
            assert_eq!(violations(LoadTender::entity(), &load), [], "{}", offer.id);
        }
    }
}
