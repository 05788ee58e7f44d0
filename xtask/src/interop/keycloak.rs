//! Keycloak: its distribution by Maven, checked against a digest, unpacked and built into the cache. Also Node, for the
//! resource server.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{Programs, installed, node, once, sources};
use crate::shell::{Result, Run, find};

const ARTIFACT: &str = "org.keycloak:keycloak-quarkus-dist";

pub(super) fn prepare() -> Result<Programs> {
    let java = find("java").ok_or("Java 17 or newer is not on the PATH")?;
    let keytool = find("keytool").ok_or("keytool, which comes with Java, is not on the PATH")?;
    let (lock, to) = (sources("keycloak").join("keycloak-quarkus-dist.lock"), installed("keycloak"));
    let text = std::fs::read_to_string(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    let [version, "sha256", digest] = text.split_whitespace().collect::<Vec<_>>()[..] else {
        return Err(format!("{}: not a version and a digest", lock.display()));
    };
    let home = to.join(format!("keycloak-{version}"));
    once(&to, std::slice::from_ref(&lock), || {
        fetch(version, &to)?;
        let zip = to.join(format!("keycloak-quarkus-dist-{version}.zip"));
        verify(&zip, digest)?;
        if home.exists() {
            std::fs::remove_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
        }
        let jar = find("jar").ok_or("jar, which comes with a JDK, is not on the PATH")?;
        Run::new(jar).arg("xf").arg(&zip).at(&to).run()?;
        println!("building Keycloak; it takes a minute or two");
        let script = home.join("bin/kc.sh");
        // What is fixed when Keycloak is built; the rest is said when it starts.
        let fixed = ["build", "--db=dev-mem", "--https-client-auth=required"];
        Run::new("/bin/bash").arg(script).args(fixed).at(&home).run()
    })?;
    let mut programs = node::prepare()?;
    programs.extend([("keycloak", home), ("java", java), ("keytool", keytool)]);
    Ok(programs)
}

/// From Maven Central by way of Maven, which knows what the person's settings say of it.
fn fetch(version: &str, to: &Path) -> Result<()> {
    let maven = find("mvn").ok_or("Maven is not on the PATH")?;
    let mut output = std::ffi::OsString::from("-DoutputDirectory=");
    output.push(to);
    Run::new(maven)
        .args(["--batch-mode", "--quiet", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"])
        .arg(format!("-Dartifact={ARTIFACT}:{version}:zip"))
        .arg(output)
        .at(to)
        .run()
}

fn verify(file: &Path, expected: &str) -> Result<()> {
    let bytes = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let actual = hex::encode(Sha256::digest(bytes));
    if actual == expected { Ok(()) } else { Err(format!("{}: the digest is {actual}", file.display())) }
}
