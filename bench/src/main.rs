//! Telemetry beside what others would use, for `cargo xtask bench --suite telemetry`, which runs this in turns with the programs
//! of other languages.
//!
//! * `trace hour`, `trace minute FILE`: writes records, one JSON object per line. `sizes FILE`, `encode FILE`, `collect FILE`:
//!   measure with those records. Each line of the answer has a name, a tab and a number.
//! * `hour`: the synthetic hour. `otlp`, `sdk`, `arrow`, `json`: the peers.

mod arrow;
mod hour;
mod json;
mod measure;
mod otlp;
mod sdk;

use std::io::Read as _;

use gladhand_documents::telemetry::{Record, minute};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["trace", "hour"] => print!("{}", hour::lines()),
        ["trace", "minute", file] => print!("{}", unpacked(file)),
        ["sizes", file] => measure::sizes(&records(file)),
        ["encode", file] => measure::encode(&records(file)),
        ["collect", file] => measure::collect(&records(file)),
        _ => {
            eprintln!("usage: gladhand-bench trace hour | trace minute FILE | sizes|encode|collect FILE");
            std::process::exit(2);
        }
    }
}

fn unpacked(file: &str) -> String {
    let file = std::fs::File::open(file).expect("the recorded minute");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    text
}

fn records(file: &str) -> Vec<Record> {
    minute::parse(&std::fs::read_to_string(file).expect("a trace")).expect("records")
}
