//! The carrier's people: they decide on tenders, drive, and answer requests, each at a time of their own.

use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::json::Document;
use gladhand_sandbox::carrier::Carrier;
use gladhand_sandbox::clock::{plus_seconds, rfc3339};
use gladhand_sandbox::state::decide::{By, Outcome};
use gladhand_sandbox::state::policy::{Decision, Rule};
use gladhand_sandbox::state::tender::Key;
use gladhand_sandbox::state::transitions::State;
use tokio::time::sleep;

use crate::plan::Defect;
use crate::rng::Rng;
use crate::setting::CARRIERS;
use crate::world::World;

/// How the system of a carrier decides in this run.
pub(crate) fn policy(world: &World, lane: usize) {
    let mut rng = world.rng();
    let mut store = world.carrier(lane).store();
    let decisions = [Decision::Accept, Decision::Reject, Decision::Human];
    let rule = |rng: &mut Rng, human: u64| {
        let decision =
            if rng.chance(human) { Decision::Human } else { *rng.pick(&decisions).unwrap_or(&Decision::Human) };
        Rule { delay: Duration::from_millis(rng.below(8_000)), ..Rule::of(decision) }
    };
    store.policy.express = rule(&mut rng, 300);
    store.policy.standard = rule(&mut rng, 700);
    store.lag = world.plan.lag.and_then(|lag| lag.try_into().ok());
}

/// At work until the trouble is over. What is open then ends by the clock.
pub(crate) async fn work(world: Arc<World>, lane: usize) {
    let mut rng = world.fork();
    while !world.healed() {
        sleep(rng.between(300, 6_000)).await;
        act(&world, lane, &mut rng);
        world.look();
    }
}

fn act(world: &World, lane: usize, rng: &mut Rng) {
    let carrier = world.carrier(lane);
    if world.plan.keys_lost && rng.chance(200) {
        world.note(&format!("{} loses its answers by key", CARRIERS[lane]));
        carrier.store().keys.forget();
    }
    if world.plan.defect == Defect::LosesCommits && rng.chance(300) {
        let mut store = carrier.store();
        let epoch = store.log_epoch.clone();
        store.restore(1, carrier.clock.now());
        store.log_epoch = epoch;
    }
    let open: Vec<(Key, State)> = {
        let store = carrier.store();
        store.tenders().filter(|t| !t.state.next().is_empty()).map(|t| (t.key.clone(), t.state)).collect()
    };
    let Some((key, state)) = rng.pick(&open).cloned() else { return };
    let done = step(carrier, &key, state, rng);
    carrier.notify();
    if let Some(what) = done {
        world.note(&format!("{} {what} {}", CARRIERS[lane], key.tender_id));
    }
}

fn step(carrier: &Carrier, key: &Key, state: State, rng: &mut Rng) -> Option<String> {
    let now = carrier.clock.now();
    let mut store = carrier.store();
    let (cancel, amend) = {
        let tender = store.find(key)?;
        (tender.cancellation == "requested", tender.proposed.is_some())
    };
    let (what, done) = match state {
        _ if cancel && rng.chance(600) => {
            let confirm = rng.chance(600);
            (format!("answers the cancellation: {confirm}"), store.answer_cancel(key, confirm, now))
        }
        _ if amend && rng.chance(600) => {
            let outcome = *rng.pick(&["confirmed", "declined", "withdrawn"])?;
            (format!("answers the amendment: {outcome}"), store.answer_amendment(key, outcome, now))
        }
        State::Pending => match rng.below(10) {
            0..=3 => ("accepts".to_owned(), store.conclude(key, Outcome::Accept, &By::human("ops"), now)),
            4..=5 => {
                let outcome = Outcome::reject("no_capacity", None);
                ("rejects".to_owned(), store.conclude(key, outcome, &By::human("ops"), now))
            }
            6..=8 => {
                let until = rfc3339(plus_seconds(now, 5 + rng.below(40) as i64));
                let (id, firm) = (rng.bits(), rng.chance(400));
                let offer = format!(r#"{{"counterId":"ctr-{id:016x}","validUntil":"{until}","firm":{firm}}}"#);
                let counter = Document::parse(offer).ok();
                ("counters".to_owned(), store.conclude(key, Outcome::Counter(counter), &By::human("ops"), now))
            }
            _ => return None,
        },
        State::Accepted | State::Dispatched | State::Enroute => {
            let to = *rng.pick(state.next())?;
            let vehicle = carrier.vehicles.first()?;
            (format!("moves to {}", to.as_str()), store.progress(key, to, vehicle, now))
        }
        _ => return None,
    };
    Some(match done {
        Ok(()) => what,
        Err(problem) => format!("{what}: refused with {}, for", problem.code()),
    })
}
