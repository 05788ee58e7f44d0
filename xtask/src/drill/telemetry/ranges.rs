//! Sets of sequence numbers, as ranges.

use std::collections::BTreeMap;

/// First to last, apart from each other by at least one number.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds a range.
    pub(super) fn add(&mut self, mut first: u64, mut last: u64) {
        while let Some((&from, &to)) = self.0.range(..=last.saturating_add(1)).next_back() {
            if to.saturating_add(1) < first {
                break;
            }
            self.0.remove(&from);
            (first, last) = (first.min(from), last.max(to));
        }
        self.0.insert(first, last);
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn highest(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, last)| *last)
    }

    /// How many numbers both have.
    pub(super) fn common(&self, other: &Self) -> u64 {
        let shared = |(first, last): (&u64, &u64)| {
            let (first, last) = (*first, *last);
            let start = other.0.range(..=first).next_back().map_or(first, |(from, _)| *from);
            let near = other.0.range(start..=last);
            near.map(|(from, to)| (last.min(*to) + 1).saturating_sub(first.max(*from))).sum::<u64>()
        };
        self.0.iter().map(shared).sum()
    }

    /// The first number from 1 that neither has.
    pub(super) fn first_absent(&self, other: &Self) -> u64 {
        let mut number = 1;
        loop {
            let after = [self, other].iter().find_map(|ranges| {
                ranges.0.range(..=number).next_back().filter(|(_, last)| number <= **last).map(|(_, last)| last + 1)
            });
            match after {
                Some(next) => number = next,
                None => return number,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn ranges_are_the_sets_that_they_stand_for() {
        let mut dice = super::super::super::dice::Dice::new(3);
        let (mut a, mut b) = (Ranges::default(), Ranges::default());
        let (mut plain_a, mut plain_b) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        for _ in 0..200 {
            let first = 1 + dice.below(300);
            let last = first + dice.below(9);
            if dice.below(2) == 0 {
                a.add(first, last);
                plain_a.extend(first..=last);
            } else {
                b.add(first, last);
                plain_b.extend(first..=last);
            }
            assert_eq!(a.count(), plain_a.len() as u64);
            assert_eq!(a.common(&b), plain_a.intersection(&plain_b).count() as u64);
            assert_eq!(a.highest(), plain_a.last().copied().unwrap_or(0));
            assert!((0..320).all(|n| a.has(n) == plain_a.contains(&n)));
            let absent = (1..=u64::MAX).find(|n| !plain_a.contains(n) && !plain_b.contains(n)).unwrap_or(0);
            assert_eq!(a.first_absent(&b), absent);
        }
    }
}
