//! The one command surface: `cargo xtask <verb>`. CI calls the same verbs as a person.
//!
//! * [`paths`]: where things lie. * [`proto`]: Rust from the telemetry contract. * [`shell`]: running other programs.

mod paths;
mod proto;
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
        "contract" => contract(),
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

/// Writes everything that is generated.
fn contract() -> shell::Result<()> {
    for path in proto::generate(&paths::root()).map_err(|e| e.to_string())? {
        println!("wrote {}", path.display());
    }
    Ok(())
}
