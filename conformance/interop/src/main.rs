//! Runs the client against independent peers, one suite per peer: `gladhand-interop NAME KEY=PATH…`, where the paths are
//! of the peers' programs. `cargo xtask interop NAME` gets those programs and calls this one.
//!
//! * [`checks`]: one line per check, and the count. * [`pki`]: a certificate authority made at run time.
//! * [`process`]: a peer as a process that ends with this one. * [`subject`]: the client under test.
//! * [`stranger`]: another party that can send anything. * [`world`]: the authorization and the resource server.
//! * [`oidc_provider`], [`oauth4webapi`], [`envoy`], [`rotation`], [`spire`], [`keycloak`]: the suites; with the
//!   feature of that name `huskarl`.

mod checks;
mod envoy;
#[cfg(feature = "huskarl")]
mod huskarl;
mod keycloak;
mod oauth4webapi;
mod oidc_provider;
mod pki;
mod process;
mod rotation;
mod spire;
mod stranger;
mod subject;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use checks::Checks;

/// A failure of the stand, as opposed to one of a check.
type Outcome<T = ()> = Result<T, String>;

/// Where the peers' programs lie, as `KEY=PATH` arguments said.
struct Programs(Vec<(String, PathBuf)>);

impl Programs {
    fn path(&self, key: &str) -> Outcome<PathBuf> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, path)| path.clone()).ok_or_else(|| format!("the argument {key}=PATH is missing"))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let pairs = arguments.filter_map(|argument| {
        let (key, path) = argument.split_once('=')?;
        Some((key.to_owned(), PathBuf::from(path)))
    });
    let programs = Programs(pairs.collect());
    let mut checks = Checks::new(&name);
    let outcome = match name.as_str() {
        "oidc-provider" => oidc_provider::run(&programs, &mut checks).await,
        "oauth4webapi" => oauth4webapi::run(&programs, &mut checks).await,
        "rotation" => rotation::run(&programs, &mut checks).await,
        "envoy" => envoy::run(&programs, &mut checks).await,
        #[cfg(feature = "huskarl")]
        "huskarl" => huskarl::run(&programs, &mut checks).await,
        "keycloak" => keycloak::run(&programs, &mut checks).await,
        "spire" => spire::run(&programs, &mut checks).await,
        other => Err(format!("there is no suite `{other}`")),
    };
    if let Err(why) = outcome {
        checks.fail("the suite ran to its end", &why);
    }
    checks.close()
}
