//! A circuit that spares a carrier in trouble (contract 4d): it opens when too many of the recent answers were 503, and
//! closes when a probe is answered with anything else. Time comes from the caller's monotonic clock.

use std::collections::VecDeque;
use std::time::Duration;

/// What came of a call, as far as a circuit cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Any answer but 503.
    Served,
    /// 503, with the wait that was asked for.
    Unavailable(Option<Duration>),
    /// None: that is the network's trouble, not the carrier's word.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Until then no call goes out.
    Open(Duration),
    /// A probe is under way; if nothing comes of it until then, another may go out.
    Probing(Duration),
}

/// The circuit of one carrier.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// When each recent answer came, and whether it was 503.
    answers: VecDeque<(Duration, bool)>,
    state: State,
    /// How often it opened since it was last closed.
    opened: u32,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { answers: VecDeque::new(), state: State::Closed, opened: 0 }
    }
}

impl Circuit {
    /// Older answers do not count.
    pub const WINDOW: Duration = Duration::from_secs(60);
    /// At most so many answers count.
    pub const ANSWERS: usize = 50;
    /// So many answers there must be before it can open: one bad answer of a quiet carrier says nothing.
    pub const MINIMUM: usize = 10;
    /// The first wait; doubled each time that the probe fails.
    pub const FIRST_WAIT: Duration = Duration::from_secs(2);
    /// The longest wait, whatever the carrier asks for.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
    /// How long a probe may take before another one goes out.
    pub const PROBE: Duration = Duration::from_secs(30);

    /// Whether a call may go out; else the wait that is left.
    pub fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        match self.state {
            State::Closed => Ok(()),
            State::Open(until) | State::Probing(until) if now < until => Err(until.saturating_sub(now)),
            State::Open(_) | State::Probing(_) => {
                self.state = State::Probing(now + Self::PROBE);
                Ok(())
            }
        }
    }

    /// Notes what came of a call.
    pub fn note(&mut self, answer: Answer, now: Duration) {
        let unavailable = match answer {
            // A probe without answer leaves the turn to the next one.
            Answer::Nothing => {
                if matches!(self.state, State::Probing(_)) {
                    self.state = State::Open(now);
                }
                return;
            }
            Answer::Served => false,
            Answer::Unavailable(_) => true,
        };
        self.answers.push_back((now, unavailable));
        if self.answers.len() > Self::ANSWERS {
            self.answers.pop_front();
        }
        match (self.state, answer) {
            (State::Probing(_), Answer::Unavailable(asked)) => self.open(asked, now),
            (State::Probing(_), _) => *self = Self::default(),
            (State::Closed, Answer::Unavailable(asked)) => {
                let (bad, all) = self.counts(now);
                if all >= Self::MINIMUM && bad * 2 >= all {
                    self.open(asked, now);
                }
            }
            // What was on its way when it opened.
            _ => {}
        }
    }

    /// The share of 503 among the recent answers, from 0 to 1; 0 where there are none.
    pub fn ratio(&self, now: Duration) -> f64 {
        let (bad, all) = self.counts(now);
        if all == 0 { 0.0 } else { bad as f64 / all as f64 }
    }

    fn open(&mut self, asked: Option<Duration>, now: Duration) {
        let own = Self::FIRST_WAIT.saturating_mul(1 << self.opened.min(8));
        self.opened = self.opened.saturating_add(1);
        self.state = State::Open(now + asked.unwrap_or_default().max(own).min(Self::LONGEST_WAIT));
    }

    fn counts(&self, now: Duration) -> (usize, usize) {
        let recent = self.answers.iter().filter(|(at, _)| now.saturating_sub(*at) < Self::WINDOW);
        recent.fold((0, 0), |(bad, all), (_, unavailable)| (bad + usize::from(*unavailable), all + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Answer = Answer::Unavailable(None);

    fn second(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn tripped() -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..Circuit::MINIMUM {
            circuit.admit(second(0)).unwrap();
            circuit.note(BAD, second(0));
        }
        circuit
    }

    #[test]
    fn it_opens_at_half_of_enough_recent_answers() {
        let mut circuit = Circuit::default();
        for _ in 0..Circuit::MINIMUM - 1 {
            circuit.note(BAD, second(0));
        }
        assert!(circuit.admit(second(0)).is_ok(), "too few to judge by");
        circuit.note(BAD, second(0));
        assert_eq!(circuit.admit(second(0)), Err(Circuit::FIRST_WAIT));

        let mut circuit = Circuit::default();
        for n in 0..40 {
            circuit.note(if n % 3 == 0 { BAD } else { Answer::Served }, second(0));
        }
        assert!(circuit.admit(second(0)).is_ok(), "a third is no outage");
        assert!((circuit.ratio(second(0)) - 14.0 / 40.0).abs() < 1e-9);
        assert!(circuit.ratio(Circuit::WINDOW).abs() < 1e-9, "old answers do not count");
    }

    #[test]
    fn one_probe_closes_it_or_opens_it_for_longer() {
        let mut circuit = tripped();
        assert!(circuit.admit(second(1)).is_err());
        circuit.admit(second(2)).unwrap();
        assert!(circuit.admit(second(2)).is_err(), "one probe at a time");
        circuit.note(BAD, second(3));
        assert_eq!(circuit.admit(second(3)), Err(second(4)), "twice the wait");
        circuit.admit(second(7)).unwrap();
        circuit.note(Answer::Served, second(8));
        assert!(circuit.admit(second(8)).is_ok() && circuit.ratio(second(8)).abs() < 1e-9);
        circuit.note(BAD, second(8));
        assert!(circuit.admit(second(8)).is_ok(), "and it begins anew");
    }

    #[test]
    fn the_carriers_wait_counts_up_to_a_minute() {
        for (asked, wait) in [(1, 2), (17, 17), (3600, 60)] {
            let mut circuit = Circuit::default();
            for _ in 0..Circuit::MINIMUM {
                circuit.note(Answer::Unavailable(Some(second(asked))), second(0));
            }
            assert_eq!(circuit.admit(second(0)), Err(second(wait)));
        }
    }

    #[test]
    fn a_probe_that_vanishes_blocks_nobody_for_ever() {
        let mut circuit = tripped();
        circuit.admit(second(2)).unwrap();
        circuit.note(Answer::Nothing, second(5));
        circuit.admit(second(5)).unwrap();
        // Its caller was dropped: nothing is ever noted.
        assert!(circuit.admit(second(34)).is_err());
        assert!(circuit.admit(second(35)).is_ok());
    }
}
