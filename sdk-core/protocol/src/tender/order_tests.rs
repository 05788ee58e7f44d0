//! Any interleaving folds to one state and one digest (contract 4e), by the rules alone: [`place`] and [`Fold`].

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::event::Incoming;
use super::super::event::tests::event;
use super::super::fold::Fold;
use super::*;

const LIFE: [&str; 6] = [
    "tender.received",
    "tender.accepted",
    "dispatch.created",
    "shipment.departed_pickup",
    "control.mode_changed",
    "shipment.delivered",
];

fn history(length: usize) -> Vec<Incoming> {
    let middle = vec!["shipment.status"; length - LIFE.len()];
    let kinds = [&LIFE[..5], &middle, &LIFE[5..]].concat();
    kinds.iter().zip(1..).map(|(kind, sequence)| event(sequence, kind, "")).collect()
}

/// The receiver, as small as the rules allow.
struct Receiver {
    fold: Fold,
    stored: BTreeMap<u64, [u8; 32]>,
    parked: BTreeMap<u64, Incoming>,
}

impl Receiver {
    fn take(&mut self, event: &Incoming) {
        let known = Known {
            last: self.fold.last_sequence,
            stored: self.stored.get(&event.sequence),
            parked: self.parked.len(),
        };
        match place(known, event.sequence, &event.digest) {
            Place::Apply => self.fold.apply(event).unwrap(),
            Place::Park => drop(self.parked.insert(event.sequence, event.clone())),
            Place::Duplicate => return,
            other => panic!("{other:?} of a genuine event"),
        }
        self.stored.insert(event.sequence, event.digest);
        while let Some(next) = self.parked.remove(&(self.fold.last_sequence + 1)) {
            self.fold.apply(&next).unwrap();
        }
    }
}

fn folded<'a>(events: impl IntoIterator<Item = &'a Incoming>) -> Fold {
    let mut receiver = Receiver { fold: Fold::new("t-1", 1), stored: BTreeMap::new(), parked: BTreeMap::new() };
    events.into_iter().for_each(|event| receiver.take(event));
    assert!(receiver.parked.is_empty());
    receiver.fold
}

fn orders(places: &[usize]) -> Vec<Vec<usize>> {
    if places.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let rest = [&places[..at], &places[at + 1..]].concat();
        orders(&rest).into_iter().map(move |order| [vec![places[at]], order].concat())
    };
    (0..places.len()).flat_map(first).collect()
}

#[test]
fn all_orders_of_up_to_six_events_end_alike() {
    for length in 1..=6 {
        // A life that is not over yet is a prefix of a whole one.
        let history = &history(6)[..length];
        let expected = folded(history);
        for order in orders(&(0..length).collect::<Vec<_>>()) {
            assert_eq!(folded(order.iter().map(|at| &history[*at])), expected, "{order:?}");
            // Each one pushed, and pulled the other way round.
            let twice = order.iter().chain(order.iter().rev()).map(|at| &history[*at]);
            assert_eq!(folded(twice), expected, "{order:?} and back");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_orders_of_up_to_two_hundred_events_end_alike(
        (length, order) in (6_usize..=200).prop_flat_map(|length| {
            let again = proptest::collection::vec(0..length, 0..length);
            let all = again.prop_map(move |again| (0..length).chain(again).collect::<Vec<_>>()).prop_shuffle();
            (Just(length), all)
        })
    ) {
        let history = history(length);
        prop_assert_eq!(folded(order.iter().map(|at| &history[*at])), folded(&history));
    }
}
