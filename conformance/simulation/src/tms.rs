//! The dispatchers of the TMS: each has one load to cover, and does whatever a dispatcher may do, as often as chance has it.

use std::sync::Arc;
use std::time::Duration;

use gladhand::{Client, CreateOptions, Result};
use gladhand_documents::json::Document;
use gladhand_sandbox::clock::{plus_seconds, rfc3339};
use gladhand_sandbox::control::load;
use tokio::time::{sleep, timeout};

use crate::host::Host;
use crate::plan::Defect;
use crate::rng::Rng;
use crate::setting::CARRIERS;
use crate::world::World;

/// Offers that are tendered against, without the carrier's name: of some there is but one.
const OFFERS: [&str; 3] = ["dal-hou-1", "chi-lax-2", "dal-hou-pool"];

/// Covers one load until the trouble is over.
pub(crate) async fn cover(world: Arc<World>, hosts: Vec<Arc<Host>>, load_id: String) {
    let mut rng = world.fork();
    while !world.healed() {
        sleep(rng.between(100, 4_000)).await;
        let Some(client) = rng.pick(&hosts).and_then(|host| host.client()) else { continue };
        let latest = match client.tender_list(None).await {
            Ok(list) => list.into_iter().find(|t| t.text("/loadId").as_deref() == Some(&*load_id)),
            Err(_) => continue,
        };
        let patience = rng.between(200, 40_000);
        let (what, done) = match timeout(patience, act(&world, &client, &load_id, latest, &mut rng)).await {
            Ok(Some(done)) => done,
            Ok(None) => continue,
            Err(_) => ("gives up waiting", None),
        };
        let said = match &done {
            Some(Ok(tender)) => tender.text("/state").unwrap_or_default(),
            Some(Err(error)) => error.code().to_string(),
            None => String::new(),
        };
        world.note(&format!("tms {load_id}: {what}: {said}"));
        if world.plan.defect == Defect::FallsBackUnproven && said == "offer" {
            elsewhere(&world, &hosts, &load_id, &mut rng).await;
        }
    }
}

type Done = (&'static str, Option<Result<Document>>);

async fn act(world: &World, client: &Client, load_id: &str, latest: Option<Document>, rng: &mut Rng) -> Option<Done> {
    let lane = rng.below(CARRIERS.len() as u64) as usize;
    let Some(latest) = latest else {
        let (load, options) = tender(world, lane, load_id, rng)?;
        return Some(("tenders", Some(client.tender_create(load, options).await)));
    };
    let id = latest.text("/tenderId")?;
    if latest.boolean("/loadReleased") == Some(true) {
        let (load, options) = tender(world, lane, load_id, rng)?;
        let again = rng.chance(500);
        let done =
            if again { client.tender_again(load, options).await } else { client.tender_create(load, options).await };
        return Some(("falls back", Some(done)));
    }
    let state = latest.text("/state")?;
    let here = CARRIERS.iter().position(|name| latest.text("/carrier").as_deref() == Some(*name))?;
    let done = match (state.as_str(), rng.below(10)) {
        (_, 0) => ("reads", client.tender_get(&id).await),
        ("offer" | "pending" | "countered", 1) => {
            // Held: whoever tenders it again, to whomever, joins.
            let (load, options) = tender(world, lane, load_id, rng)?;
            ("tenders what is held", client.tender_create(load, options).await)
        }
        ("offer" | "pending" | "countered", 2) => ("withdraws", client.tender_withdraw(&id, "changed").await),
        ("pending" | "countered", 3) => {
            let (load, _) = tender(world, here, load_id, rng)?;
            ("revises", client.tender_revise(&id, load, wait(rng)).await)
        }
        ("countered", 4..=6) => ("accepts the counter", client.tender_accept_counter(&id, wait(rng)).await),
        ("countered", 7) => ("declines the counter", client.tender_decline_counter(&id, None).await),
        ("accepted" | "dispatched", 1 | 2) => ("asks to cancel", client.tender_request_cancel(&id, "changed").await),
        ("accepted" | "dispatched" | "enroute", 3) => {
            let (load, _) = tender(world, here, load_id, rng)?;
            ("amends", client.tender_amend(&id, load).await)
        }
        _ => return None,
    };
    Some((done.0, Some(done.1)))
}

fn wait(rng: &mut Rng) -> Option<Duration> {
    rng.chance(400).then(|| rng.between(1_000, 15_000))
}

/// A load for an offer of this carrier, to be decided soon.
fn tender(world: &World, lane: usize, load_id: &str, rng: &mut Rng) -> Option<(Document, CreateOptions)> {
    let (carrier, name) = (world.carrier(lane), CARRIERS[lane]);
    let now = carrier.clock.now();
    let store = carrier.store();
    let offer = store.stock.get(&format!("{name}-{}", rng.pick(&OFFERS)?))?;
    let load = load::document(load_id, offer, now).ok()?;
    let respond_by = rfc3339(plus_seconds(now, 58 + rng.below(50) as i64));
    let load = load.patch("/respondBy", &format!("\"{respond_by}\"")).ok()?;
    let mut options = CreateOptions::new(name).capacity(offer.document.clone());
    if let Some(wait) = wait(rng) {
        options = options.wait(wait);
    }
    Some((load, options))
}

/// What nobody must do: another journal gives the load to another carrier, though the first may have it.
async fn elsewhere(world: &Arc<World>, hosts: &[Arc<Host>], load_id: &str, rng: &mut Rng) {
    let Some(other) = hosts.last() else { return };
    let Some(client) = other.client() else { return };
    for lane in 0..CARRIERS.len() {
        if let Some((load, options)) = tender(world, lane, load_id, rng) {
            let _ = client.tender_create(load, options).await;
        }
    }
}
