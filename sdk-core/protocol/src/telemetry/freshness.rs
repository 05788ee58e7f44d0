//! How fresh a position is: now − observed, by the collector's clock, so that a wrong clock of the TMS neither ages nor
//! rejuvenates a truck.

/// What we know of the collector's clock.
///
/// Each message says what the collector's clock was when it was sent. It arrives later than that, never earlier, so the
/// largest difference seen is the best estimate; it may sink slowly, so that a clock that was set back is followed.
#[derive(Clone, Debug, Default)]
pub struct ServerClock {
    offset_nanos: Option<i128>,
}

/// How far the estimate sinks per message that says less: 1/64 of the difference.
const SINK: i128 = 64;

impl ServerClock {
    /// A message said `server_nanos` and arrived when our clock said `local_nanos`.
    pub fn observe(&mut self, server_nanos: u64, local_nanos: u64) {
        let sample = i128::from(server_nanos) - i128::from(local_nanos);
        self.offset_nanos = Some(match self.offset_nanos {
            Some(known) if sample < known => known - (known - sample) / SINK,
            _ => sample,
        });
    }

    /// The collector's time at our `local_nanos`; our own while the collector's is unknown.
    pub fn at(&self, local_nanos: u64) -> i128 {
        i128::from(local_nanos) + self.offset_nanos.unwrap_or(0)
    }

    /// Milliseconds from `observed_nanos` to our `local_nanos`, by the collector's clock, rounded down. Negative if the
    /// vehicle's clock is ahead of the collector's.
    pub fn age_ms(&self, observed_nanos: u64, local_nanos: u64) -> i64 {
        let age = (self.at(local_nanos) - i128::from(observed_nanos)).div_euclid(1_000_000);
        i64::try_from(age).unwrap_or(if age < 0 { i64::MIN } else { i64::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn our_own_clock_does_not_matter() {
        for error in [0, 3600 * S] {
            let mut clock = ServerClock::default();
            clock.observe(1_000_000 * S, 1_000_000 * S + error);
            assert_eq!(clock.age_ms(999_998 * S, 1_000_000 * S + error), 2000);
        }
    }

    #[test]
    fn a_slow_message_hardly_moves_the_estimate() {
        let mut clock = ServerClock::default();
        clock.observe(100 * S, 100 * S);
        clock.observe(101 * S, 102 * S);
        assert_eq!(clock.age_ms(100 * S, 102 * S), 1984);
        clock.observe(103 * S, 103 * S);
        assert_eq!(clock.age_ms(100 * S, 103 * S), 3000);
        assert_eq!(clock.age_ms(104 * S, 103 * S), -1000);
    }
}
