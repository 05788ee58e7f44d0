//! The 37 negative cases of identity: which tests carry their numbers, in which languages, and whether all are there.
//! A test belongs to case 7 if its name holds `negative`, a separator or none, and `N07`, in any spelling.

use std::collections::BTreeMap;

/// How many cases there are, numbered from 1.
const CASES: u8 = 37;

/// The tests of each case: language, name, whether it passed.
#[derive(Debug, Default)]
pub(crate) struct Cases(BTreeMap<u8, Vec<(&'static str, String, bool)>>);

impl Cases {
    /// Takes the output of a language's test runner in.
    pub(crate) fn read(&mut self, language: &'static str, output: &str) {
        for line in output.lines() {
            if let Some((case, name)) = found(line)
                && let Some(passed) = verdict(language, line)
            {
                self.0.entry(case).or_default().push((language, name, passed));
            }
        }
    }

    /// The cases without a test that passed.
    pub(crate) fn missing(&self) -> Vec<String> {
        let shown = |case: &u8| self.0.get(case).is_some_and(|tests| tests.iter().any(|test| test.2));
        (1..=CASES).filter(|case| !shown(case)).map(|case| format!("N{case:02}")).collect()
    }

    /// Prints them by number.
    pub(crate) fn print(&self) {
        println!("\n── the negative cases ─");
        for (case, tests) in &self.0 {
            for (language, name, passed) in tests {
                println!("N{case:02} {} {language:6} {name}", if *passed { "ok  " } else { "FAIL" });
            }
        }
    }
}

/// The number and the name of a case in a line.
fn found(line: &str) -> Option<(u8, String)> {
    let lower = line.to_ascii_lowercase();
    let (at, _) = lower.match_indices("negative").find(|(at, word)| {
        let rest = lower[at + word.len()..].trim_start_matches(['_', ' ', ':']);
        rest.starts_with('n') && rest.as_bytes().get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    })?;
    let rest = line[at + "negative".len()..].trim_start_matches(['_', ' ', ':']);
    let case: u8 = rest.get(1..3)?.parse().ok()?;
    let end = [" ... ", " PASSED", " FAILED", "' ", " (", "["].iter().filter_map(|mark| rest.find(mark)).min();
    Some((case, rest[..end.unwrap_or(rest.len())].trim().replace('_', " ")))
}

/// Whether the line says that the test passed, failed, or nothing of the kind.
fn verdict(language: &str, line: &str) -> Option<bool> {
    let (good, bad): (&[&str], &[&str]) = match language {
        "rust" => (&["... ok"], &["... FAILED"]),
        "python" => (&[" PASSED"], &[" FAILED", " ERROR"]),
        "node" => (&["✔ "], &["✖ "]),
        _ => (&["' passed ("], &["' failed ("]),
    };
    let says = |marks: &[&str]| marks.iter().any(|mark| line.contains(mark));
    if says(bad) { Some(false) } else { says(good).then_some(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_read() {
        let mut cases = Cases::default();
        cases.read("rust", "test identity::tests::negative_n03_a_half_written_pair ... ok\ntest other ... ok");
        cases.read("python", "tests/test_x.py::test_negative_n36_after_a_fork[sync] PASSED [ 3%]");
        cases.read("node", "✔ negative n32 nothing secret is shown (1.2ms)\n✖ negative n33 x (1ms)");
        cases.read(
            "swift",
            "Test Case 'T.testNegativeN32Nothing' passed (0.1 seconds)\nTest Case 'T.testNegativeN32Nothing' started",
        );
        let of = |case: u8| cases.0[&case].iter().map(|(l, n, p)| format!("{l} {n} {p}")).collect::<Vec<_>>();
        assert_eq!(of(3), ["rust n03 a half written pair true"]);
        assert_eq!(of(36), ["python n36 after a fork true"]);
        assert_eq!(of(32), ["node n32 nothing secret is shown true", "swift N32Nothing true"]);
        assert_eq!(of(33), ["node n33 x false"]);
        let missing = cases.missing();
        assert_eq!(missing.len(), 34);
        assert!(missing.contains(&"N33".to_owned()), "a failed test shows nothing");
    }
}
