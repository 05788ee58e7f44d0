//! The one command surface: `cargo xtask <verb>`. CI calls the same verbs as a person.
//!
//! * [`bench`]: measurements beside peers. * [`demo`], [`test`]: the README's two commands. * [`contract`], [`proto`]: what is generated.
//! * [`package`]: what is published. * [`interop`]: the client against independent peers. * [`drill`]: the client killed, again and again.
//! * [`languages`]: the four languages, by way of [`python`], [`node`], [`swift`].
//! * [`npm`]: pinned tools of npm. * [`paths`]: where things lie. * [`shell`]: running other programs. * [`tally`]: counting tests.
//! * [`negative`]: the cases that must not be missing. * [`canary`]: what a test run must not print.
//! * `links`: that the pages' links lead somewhere.
//! * [`parity`]: that every language has every operation, alike.

mod bench;
mod canary;
mod contract;
mod demo;
mod drill;
mod interop;
mod languages;
#[cfg(test)]
mod links;
mod negative;
mod node;
mod npm;
mod package;
mod parity;
mod paths;
mod proto;
mod python;
mod shell;
mod swift;
mod tally;
mod test;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <verb>

  demo [--language rust|python|node|swift|all] [--swift-rootfs]   one dispatcher's morning, end to end
  test [--language …] [--swift-rootfs] [--filter TEXT]            everything, from the built packages
  interop NAME | all-light                                        the client against an independent peer (docs/interop.md)
  drill crash [--short] [--random N] [--processes 1,2,4] [--profiles …] [--seed S]   the TMS killed at every point
  drill telemetry [--seconds N] [--seed S]                        a gateway and a collector under every fault; counts every record
  parity [--manifests FOLDER | --accept]                          what each language's package offers, compared
  lint                                                            format, types and generated sources of the packages
  bench --suite calls|dpop|packages|telemetry|tender              what a call, a proof, a package, a record or a tender costs
  package [--out DIR] [--smoke]                                   what is published, for this platform (docs/packaging.md)
  contract [--check | --publish]                                  what is generated from the Rust types
  swift-release --out … --address … --library …                   the Swift package's artifact bundle and manifests (docs/swift-release.md)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (verb, rest) = arguments.split_first().map_or(("help", &[][..]), |(verb, rest)| (verb.as_str(), rest));
    let outcome: shell::Result<()> = match verb {
        "demo" => demo::run(rest),
        "test" => test::run(rest),
        "interop" => interop::run(rest),
        "drill" => drill::run(rest),
        "bench" => bench::run(rest),
        "parity" => parity::run(rest),
        "package" => package::run(rest),
        "lint" => lint(),
        "contract" => contract(rest),
        "swift-release" => swift::write_release(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Writes everything that is generated, or with `--check` names what is out of date.
fn contract(rest: &[String]) -> shell::Result<()> {
    let root = paths::root();
    if rest == ["--publish"] {
        return contract::run(&root, rest);
    }
    if rest == ["--models"] {
        // What is written without building anything first.
        return contract::run(&root, &[]);
    }
    if rest == ["--check"] {
        let stale = proto::drift(&root).map_err(|e| e.to_string())?;
        if let Some(path) = stale.first() {
            return Err(format!("run `cargo xtask contract`: out of date: {}", path.display()));
        }
    } else {
        for path in proto::generate(&root).map_err(|e| e.to_string())? {
            println!("wrote {}", path.display());
        }
        swift::write_generated()?;
    }
    contract::run(&root, rest)
}

/// What clippy is to Rust, for the published contract and the packages.
fn lint() -> shell::Result<()> {
    contract::check::run(&paths::root(), &paths::cache())?;
    python::ensure_venv(&paths::cache())?.lint()?;
    node::lint()?;
    swift::lint()
}
