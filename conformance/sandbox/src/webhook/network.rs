//! A bad network between the carrier and its receivers: messages that are lost although they count as delivered, and
//! messages that come twice, at rates and from a seed, so that a run can be repeated.

use serde::Deserialize;

/// The rates, each from 0 to 1, and the seed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// How many messages are lost.
    #[serde(default)]
    pub loss: f64,
    /// How many come twice.
    #[serde(default)]
    pub duplication: f64,
    /// Where the dice begin.
    #[serde(default)]
    pub seed: u64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Once,
    /// It arrives twice.
    Twice,
    /// It does not arrive, and nobody knows.
    Never,
}

/// The network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network {
    rates: Rates,
    state: u64,
}

impl Network {
    /// A network of these rates.
    pub fn new(rates: Rates) -> Self {
        Self { rates, state: rates.seed }
    }

    /// What becomes of the next message.
    pub fn fate(&mut self) -> Fate {
        let (lost, doubled) = (self.roll(), self.roll());
        match () {
            () if lost < self.rates.loss => Fate::Never,
            () if doubled < self.rates.duplication => Fate::Twice,
            () => Fate::Once,
        }
    }

    /// SplitMix64, as a fraction.
    fn roll(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_follow_the_rates_and_the_seed() {
        let run = |rates| {
            let mut network = Network::new(rates);
            (0..1000).map(|_| network.fate()).collect::<Vec<_>>()
        };
        let rates = Rates { loss: 0.3, duplication: 0.2, seed: 7 };
        let fates = run(rates);
        assert_eq!(fates, run(rates));
        assert_ne!(fates, run(Rates { seed: 8, ..rates }));
        let count = |fate| fates.iter().filter(|f| **f == fate).count();
        assert!((250..350).contains(&count(Fate::Never)) && (90..190).contains(&count(Fate::Twice)));
        assert!(run(Rates::default()).iter().all(|fate| *fate == Fate::Once));
    }
}
