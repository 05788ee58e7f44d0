<<<<<<< HEAD
//! The one command surface: `cargo xtask <verb>`. CI calls the same verbs as a person.
//!
//! * [`paths`]: where things lie. * [`shell`]: running other programs.

mod paths;
mod shell;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <verb>";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, _rest) = arguments.split_first().map_or(("help", &[][..]), |(verb, rest)| (verb.as_str(), rest));
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
=======
mod proto;

fn main(){}
>>>>>>> d662421 (Telemetry: the contract in protobuf, the record and its columnar batch)
