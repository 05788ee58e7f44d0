//! `gladhand journal verify PATH` and `gladhand journal export PATH`: looks into a journal without a client. On a live one or
//! on a copy; it never changes an entry.
//!
//! `verify` prints a `JournalReport` and ends with 0 if all is as it was written, 1 if not; `export` prints each entry, oldest
//! first, one `JournalEntry` a line. 2: the call was wrong, or the journal cannot be read.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use gladhand::journal::file;
use gladhand::{Code, Error};

const USAGE: &str = "usage: gladhand journal verify PATH
       gladhand journal export PATH

PATH is the journal's file, as `journal.path` names it; its `.head`, `-wal` and `-shm` lie beside it.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["journal", "verify", path] => verify(Path::new(path)),
        ["journal", "export", path] => export(Path::new(path)),
        ["-h" | "--help" | "help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            for cause in error.causes() {
                eprintln!("  because: {cause}");
            }
            ExitCode::from(2)
        }
    }
}

fn verify(path: &Path) -> gladhand::Result<bool> {
    let report = file::verify(path)?;
    println!("{}", report.as_str());
    Ok(report.boolean("/intact") == Some(true))
}

fn export(path: &Path) -> gladhand::Result<bool> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let broken = |e: std::io::Error| Error::new(Code::InvalidArgument, "the output cannot be written").caused_by(&e);
    file::export(path, |entry| writeln!(out, "{}", entry.as_str()).map_err(broken))?;
    out.flush().map_err(broken)?;
    Ok(true)
}
