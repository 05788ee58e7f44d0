//! SPIRE server and agent, and a carrier of go-spiffe's, built by the Go toolchain from the versions of `go.sum`.

use super::{Programs, installed, once, sources};
use crate::shell::{Result, Run, find};

const COMMANDS: &str = "github.com/spiffe/spire/cmd";

pub(super) fn prepare() -> Result<Programs> {
    let go = find("go").ok_or("Go 1.25 or newer is not on the PATH")?;
    let (from, to) = (sources("spire"), installed("spire"));
    let bin = to.join("bin");
    once(&to, &[from.join("go.mod"), from.join("go.sum"), from.join("carrier/main.go")], || {
        println!("building SPIRE; the first time takes many minutes");
        let mut output = bin.clone().into_os_string();
        output.push("/");
        Run::new(&go)
            .args(["build", "-mod=readonly", "-o"])
            .arg(output)
            .args(["./carrier".to_owned(), format!("{COMMANDS}/spire-server"), format!("{COMMANDS}/spire-agent")])
            .at(&from)
            .run()
    })?;
    Ok(["spire-server", "spire-agent", "carrier"].into_iter().map(|name| (name, bin.join(name))).collect())
}
