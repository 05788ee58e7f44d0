//! The state machine with both parties, exhaustively. `GLADHAND_DEEP` widens the bounds.

use gladhand_simulation::model::{Bounds, Flaw, Report, explore};

/// The load goes on to a second tender, at either carrier.
const WIDE: Bounds = Bounds { tenders: 2, messages: 2, events: false, deaths: 1, log: 2 };
/// One tender, to its end.
const LONG: Bounds = Bounds { tenders: 1, messages: 2, events: true, deaths: 1, log: 6 };

fn deep() -> bool {
    std::env::var_os("GLADHAND_DEEP").is_some()
}

fn told(what: &str, report: &Report) {
    println!("{what}: {} states, {} steps", report.states, report.steps);
}

fn holds(bounds: Bounds) {
    let report = explore(bounds, Flaw::None);
    told(&format!("{bounds:?}"), &report);
    assert_eq!(report.breach, None, "{}", report.breach.as_deref().unwrap_or_default());
    assert!(report.states > 10_000, "the search is shallow");
}

#[test]
fn no_state_of_both_parties_is_wrong_with_two_tenders() {
    holds(if deep() { Bounds { log: 3, ..WIDE } } else { WIDE });
}

#[test]
fn no_state_of_both_parties_is_wrong_up_to_the_end_of_one_tender() {
    holds(if deep() { Bounds { messages: 3, ..LONG } } else { LONG });
}

#[test]
fn what_is_wrong_on_purpose_is_found() {
    for flaw in [Flaw::TakesSilenceForNo, Flaw::LeavesNoTombstone] {
        let report = explore(WIDE, flaw);
        told(&format!("{flaw:?}"), &report);
        println!("{}", report.breach.as_deref().expect("nobody sees it"));
    }
}
