//! The one command surface: `cargo xtask <verb>`. CI calls the same verbs as a person.
//!
//! * [`contract`]: what is generated from the Rust types. * [`paths`]: where things lie. * [`proto`]: Rust from the telemetry contract. * [`shell`]: running other programs.

mod contract;
mod paths;
mod proto;
mod shell;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <verb>";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments.split_first().map_or(("help", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    let outcome: shell::Result<()> = match verb {
        "paths" => {
            println!(
                "root {}\ncache {}\ntarget {}",
                paths::root().display(),
                paths::cache().display(),
                paths::target().display()
            );
            shell::Run::new("git").arg("--version").at(paths::root()).run()
        }
        "contract" => contract(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Writes everything that is generated, or with `--check` names what is out of date.
fn contract(rest: &[String]) -> shell::Result<()> {
    let root = paths::root();
    if rest == ["--check"] {
        let stale = proto::drift(&root).map_err(|e| e.to_string())?;
        if let Some(path) = stale.first() {
            return Err(format!("run `cargo xtask contract`: out of date: {}", path.display()));
        }
    } else {
        for path in proto::generate(&root).map_err(|e| e.to_string())? {
            println!("wrote {}", path.display());
        }
    }
    contract::run(&root, rest)
}
