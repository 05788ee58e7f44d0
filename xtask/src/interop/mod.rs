//! `cargo xtask interop NAME`: the client against one independent peer; `all-light`: against those that CI runs.
//!
//! Each peer comes from its registry into the cache, pinned by a lock file of `conformance/interop/peers`; nothing is
//! installed anywhere else. `gladhand-interop` then starts the peers and checks.
//!
//! * [`node`]: oidc-provider and oauth4webapi. * [`envoy`]: Envoy. * [`spire`]: SPIRE.
//! * [`keycloak`]: Keycloak, and Node beside it. * [`schemathesis`]: the sandbox carrier against the published OpenAPI.
//! * [`telemetry`]: the telemetry schema and its vectors by other protobuf implementations.

mod envoy;
mod keycloak;
mod node;
mod schemathesis;
mod spire;
pub(crate) mod telemetry;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::languages::cargo_binary;
use crate::paths;
use crate::shell::{Result, Run};

/// What a suite is told: where a program lies.
type Programs = Vec<(&'static str, PathBuf)>;

/// One suite.
struct Suite {
    name: &'static str,
    /// Whether CI runs it.
    light: bool,
    /// What `gladhand-interop` must be built with.
    features: &'static [&'static str],
    judge: Judge,
}

/// Who checks.
enum Judge {
    /// `gladhand-interop`, told where these programs lie.
    Harness(fn() -> Result<Programs>),
    /// A program of others, by itself.
    Itself(fn() -> Result<()>),
}

use Judge::{Harness, Itself};

const SUITES: &[Suite] = &[
    Suite { name: "oidc-provider", light: true, features: &[], judge: Harness(node::prepare) },
    Suite { name: "oauth4webapi", light: true, features: &[], judge: Harness(node::prepare) },
    Suite { name: "envoy", light: true, features: &[], judge: Harness(envoy::prepare) },
    Suite { name: "schemathesis", light: true, features: &[], judge: Itself(schemathesis::run) },
    Suite { name: "telemetry", light: true, features: &[], judge: Itself(telemetry::run) },
    Suite { name: "rotation", light: false, features: &[], judge: Harness(rotation) },
    Suite { name: "spire", light: false, features: &[], judge: Harness(spire::prepare) },
    Suite { name: "huskarl", light: false, features: &["huskarl"], judge: Harness(node::prepare) },
    Suite { name: "keycloak", light: false, features: &[], judge: Harness(keycloak::prepare) },
];

/// Runs the verb: one name, or `all-light`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    let usage = || format!("interop wants one of {}, all-light", names.join(", "));
    let [name] = arguments else { return Err(usage()) };
    let chosen: Vec<&Suite> =
        SUITES.iter().filter(|suite| suite.name == name || (name == "all-light" && suite.light)).collect();
    if chosen.is_empty() {
        return Err(usage());
    }
    let harnessed = chosen.iter().any(|suite| matches!(suite.judge, Harness(_)));
    let program = if harnessed { build(&chosen)? } else { PathBuf::new() };
    let mut failed = Vec::new();
    for suite in chosen {
        println!("\n── interop {} ─", suite.name);
        let outcome = match suite.judge {
            Itself(run) => run(),
            Harness(prepare) => prepare().and_then(|programs| {
                let arguments = programs.into_iter().map(|(key, path)| {
                    let mut argument = OsString::from(format!("{key}="));
                    argument.push(path);
                    argument
                });
                Run::new(&program).arg(suite.name).args(arguments).run()
            }),
        };
        if let Err(why) = outcome {
            eprintln!("{why}");
            failed.push(suite.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("interop: failed: {}", failed.join(", "))) }
}

/// The harness with what these suites need in it.
fn build(chosen: &[&Suite]) -> Result<PathBuf> {
    let features: Vec<&str> = chosen.iter().flat_map(|suite| suite.features.iter().copied()).collect();
    let package = "gladhand-interop";
    if !features.is_empty() {
        let build = Run::new("cargo").args(["build", "--locked", "--quiet", "--package", package, "--features"]);
        build.arg(features.join(",")).at(paths::root()).run()?;
        return Ok(paths::target().join("debug").join(package));
    }
    cargo_binary(package)
}

/// The peers whose own records judge a rotation: the sandbox carrier and Envoy.
fn rotation() -> Result<Programs> {
    let mut programs = envoy::prepare()?;
    programs.push(("sandbox", cargo_binary("gladhand-sandbox")?));
    Ok(programs)
}

/// The folder of a peer's lock file and programs.
fn sources(peer: &str) -> PathBuf {
    paths::root().join("conformance/interop/peers").join(peer)
}

/// The folder in the cache that a peer is installed in.
fn installed(peer: &str) -> PathBuf {
    paths::cache().join("interop").join(peer)
}

/// Runs `install` unless what is installed came from these very files.
fn once(folder: &Path, from: &[PathBuf], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let stamp = folder.join("gladhand-installed.txt");
    let mut wanted = String::new();
    for path in from {
        wanted.push_str(&std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?);
    }
    if std::fs::read_to_string(&stamp).ok().as_deref() == Some(wanted.as_str()) {
        return Ok(());
    }
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    install()?;
    std::fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))
}
