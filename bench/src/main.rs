//! Telemetry beside what others would use, for `cargo xtask bench --suite telemetry`, which runs this in turns with the programs
//! of other languages.
//!
//! * `trace hour`, `trace minute FILE`: writes records, one JSON object per line. `sizes FILE`, `encode FILE`, `collect FILE`:
//!   measure with those records. Each line of the answer has a name, a tab and a number.
//! * `damage`, `admission`, `backlog`, `uplink`, `collector`, `memory`: measured once, in a folder; they print what is to be read.
//! * `hour`: the synthetic hour. `otlp`, `sdk`, `sensors`, `arrow`, `json`: the peers. `carrier`, `link`: the other end.

mod arrow;
mod carrier;
mod damage;
mod hour;
mod json;
mod link;
mod measure;
mod memory;
mod otlp;
mod report;
mod safety;
mod sdk;
mod sensors;

use std::io::Read as _;
use std::path::Path;

use gladhand_documents::telemetry::{Record, minute};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["trace", "hour"] => print!("{}", hour::lines()),
        ["trace", "minute", file] => print!("{}", unpacked(file)),
        ["sizes", file] => measure::sizes(&records(file)),
        ["encode", file] => measure::encode(&records(file)),
        ["collect", file] => measure::collect(&records(file)),
        ["carrier", folder] => carrier::serve(Path::new(folder)),
        ["collector", file, folder] => safety::collector(&records(file), empty(folder)),
        ["damage", folder] => damage::table(empty(folder)),
        ["admission", file, folder] => safety::admission(&records(file), empty(folder)),
        ["backlog", file, folder] => safety::during_backlog(&records(file), empty(folder)),
        ["uplink", file, folder] => safety::uplink(&records(file), empty(folder)),
        ["memory", "spool", folder] => memory::spool(empty(folder)),
        ["memory", "gateway", file] => memory::memory(&records(file)),
        ["memory", "follower", file] => memory::follower(&records(file)),
        _ => {
            eprintln!(
                "usage: gladhand-bench trace hour | trace minute FILE | sizes|encode|collect FILE | damage FOLDER |\n\
                 admission|backlog|uplink|collector FILE FOLDER | memory spool FOLDER | memory gateway|follower FILE"
            );
            std::process::exit(2);
        }
    }
}

/// A folder with nothing in it.
fn empty(folder: &str) -> &Path {
    let folder = Path::new(folder);
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder");
    folder
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
