//! How much may be under way on the stream that safety does not use: one bandwidth-delay product, and never less than
//! 16 KiB, so that no queue builds up on a slow link before a fault that comes over another connection.

/// What is always allowed. At 1 Mbit/s it is gone in an eighth of a second; of 64 KiB a fault would wait for half a second.
const FLOOR: u64 = 16 * 1024;
/// What is never exceeded.
const CEILING: u64 = 8 << 20;

/// What was sent, for the sample that its acknowledgement gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    at_ms: u64,
    delivered: u64,
}

/// Bytes under way, and how many may be.
#[derive(Debug)]
pub(super) struct Window {
    limit: u64,
    under_way: u64,
    delivered: u64,
    /// The shortest round trip of this stream: one without a queue.
    shortest_ms: u64,
    /// What had been delivered when the limit was last set. What was sent later shows its effect.
    set_at: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { limit: FLOOR, under_way: 0, delivered: 0, shortest_ms: u64::MAX, set_at: 0 }
    }
}

impl Window {
    /// Whether so many bytes more may go. A window never holds back the only frame.
    pub(super) fn allows(&self, bytes: u64) -> bool {
        self.under_way == 0 || self.under_way + bytes <= self.limit
    }

    pub(super) fn sent(&mut self, bytes: u64, now_ms: u64) -> Mark {
        self.under_way += bytes;
        Mark { at_ms: now_ms, delivered: self.delivered }
    }

    /// So many bytes will be sent again.
    pub(super) fn taken_back(&mut self, bytes: u64) {
        self.under_way = self.under_way.saturating_sub(bytes);
    }

    /// So many bytes arrived; `mark` is of the latest of them.
    pub(super) fn arrived(&mut self, bytes: u64, mark: Mark, now_ms: u64) {
        self.under_way = self.under_way.saturating_sub(bytes);
        self.delivered += bytes;
        let round_trip = now_ms.saturating_sub(mark.at_ms).max(1);
        self.shortest_ms = self.shortest_ms.min(round_trip);
        if mark.delivered <= self.set_at {
            return;
        }
        self.set_at = self.delivered;
        // What arrived during this round trip, as it would be in the shortest one.
        let product = (self.delivered - mark.delivered) * self.shortest_ms / round_trip;
        // As much as was allowed arrived without a queue: there may be room for more.
        let filled = product * 8 >= self.limit * 7;
        self.limit = if filled { self.limit + self.limit / 4 } else { product }.clamp(FLOOR, CEILING);
    }

    #[cfg(test)]
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Keeps a link of so many bytes per millisecond and this round trip busy for a minute. Gives the window in the end.
    fn after_a_minute(rate: u64, round_trip: u64) -> u64 {
        let mut window = Window::default();
        let mut link: VecDeque<(u64, Mark)> = VecDeque::new();
        let mut free_at = 0;
        for now in 0..60_000 {
            while link.front().is_some_and(|(arrives, _)| *arrives <= now) {
                let (_, mark) = link.pop_front().expect("the front");
                window.arrived(1000, mark, now);
            }
            while window.allows(1000) {
                free_at = now.max(free_at) + 1000 / rate;
                link.push_back((free_at + round_trip, window.sent(1000, now)));
            }
        }
        window.limit()
    }

    #[test]
    fn a_slow_link_gets_no_more_than_the_floor() {
        assert_eq!(after_a_minute(10, 200), FLOOR);
        assert_eq!(after_a_minute(1000, 2), FLOOR);
    }

    #[test]
    fn a_link_is_filled_and_hardly_more() {
        for (rate, round_trip) in [(125, 200), (1000, 400)] {
            let (product, window) = (rate * round_trip, after_a_minute(rate, round_trip));
            assert!((product * 7 / 10..=product * 15 / 10).contains(&window), "{window} of {product}");
        }
    }
}
