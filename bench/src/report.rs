//! Numbers in words.

use std::time::Duration;

/// The value that so many per cent do not exceed.
pub fn quantile(values: &mut [Duration], per_cent: usize) -> Duration {
    values.sort_unstable();
    values[(values.len() * per_cent / 100).min(values.len() - 1)]
}

pub fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// Says whether a value is at most what was promised.
pub fn promise(what: &str, value: f64, limit: f64) {
    let met = if value <= limit { "met" } else { "NOT MET" };
    println!("{met}: {what}: {value:.2}, promised {limit:.2}");
}

/// Says whether a value is at least what was promised.
pub fn reach(what: &str, value: f64, limit: f64) {
    let met = if value >= limit { "met" } else { "NOT MET" };
    println!("{met}: {what}: {value:.0}, promised {limit:.0}");
}
