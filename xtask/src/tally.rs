//! Counting: reads the closing lines of every language's test runner.

use crate::shell::Result;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// A runner that failed without a count still counts as one failure; one that ran nothing is a failure too.
    pub(crate) fn judged(mut self, name: &str, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            eprintln!("{name}: the runner failed without naming a test");
            self.failed = 1;
        }
        if self.passed + self.failed == 0 {
            eprintln!("{name}: no test ran");
            self.failed = 1;
        }
        self
    }
}

/// `test result: ok. 8 passed; 0 failed; …`, once per test binary.
pub(crate) fn cargo(output: &str) -> Tally {
    sum(output
        .lines()
        .filter(|line| line.starts_with("test result:"))
        .map(|line| Tally { passed: before(line, " passed"), failed: before(line, " failed") }))
}

/// `=== 12 passed, 1 failed in 3.2s ===`, once per run.
pub(crate) fn pytest(output: &str) -> Tally {
    let closing =
        |line: &&str| line.starts_with("==") && [" passed", " failed", " error"].iter().any(|word| line.contains(word));
    sum(output.lines().filter(closing).filter(|line| line.contains(" in ")).map(|line| Tally {
        passed: before(line, " passed"),
        failed: before(line, " failed") + before(line, " error"),
    }))
}

/// `# pass 12` and `# fail 1` (TAP) or `ℹ pass 12` (spec).
pub(crate) fn node(output: &str) -> Tally {
    let of = |word: &str| {
        output
            .lines()
            .filter_map(|line| line.trim_start_matches(['#', 'ℹ', ' ']).strip_prefix(word))
            .filter_map(|rest| rest.trim().parse::<u64>().ok())
            .sum()
    };
    Tally { passed: of("pass "), failed: of("fail ") }
}

fn sum(tallies: impl Iterator<Item = Tally>) -> Tally {
    let mut total = Tally::default();
    tallies.for_each(|tally| total.add(tally));
    total
}

/// The number that stands before a word.
fn before(line: &str, word: &str) -> u64 {
    line.find(word).map_or(0, |at| {
        let digits: String = line[..at].chars().rev().take_while(char::is_ascii_digit).collect();
        digits.chars().rev().collect::<String>().parse().unwrap_or(0)
    })
}

/// Turns a tally into the verb's outcome, with the closing line that CI reads.
pub(crate) fn close(total: Tally) -> Result<()> {
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { Ok(()) } else { Err(String::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        let of = |passed, failed| Tally { passed, failed };
        assert_eq!(
            cargo("test result: ok. 8 passed; 0 failed; 0 ignored\nx\ntest result: FAILED. 1 passed; 2 failed;"),
            of(9, 2)
        );
        assert_eq!(pytest("....\n=== 2 failed, 12 passed, 1 error in 3.20s ===\n=== 4 passed in 1.0s ==="), of(16, 3));
        assert_eq!(node("# tests 13\n# pass 12\n# fail 1\n"), of(12, 1));
        assert_eq!(node("ℹ pass 3\nℹ fail 0\n"), of(3, 0));
    }

    #[test]
    fn a_runner_that_ran_nothing_failed() {
        assert_eq!(Tally::default().judged("x", true).failed, 1);
        assert_eq!(Tally { passed: 3, failed: 0 }.judged("x", false).failed, 1);
    }
}
