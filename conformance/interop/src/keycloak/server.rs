//! The Keycloak process: a home of its own around the installed program, a realm from a file, data in memory.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::pki::Pair;
use crate::process::Peer;
use crate::stranger::Stranger;
use crate::{Outcome, Programs};

const PASSWORD: &str = "interop";

/// A running Keycloak.
pub(super) struct Keycloak {
    peer: Peer,
    /// The issuer of the realm.
    pub(super) issuer: String,
}

impl Keycloak {
    /// Starts it with this realm; `trust` is whom its clients' certificates must lead to.
    pub(super) async fn start(
        programs: &Programs,
        folder: &Path,
        realm: &Value,
        own: &Pair,
        trust: &str,
        ready: &Stranger,
    ) -> Outcome<Self> {
        let home = folder.join("keycloak");
        let installed = programs.path("keycloak")?;
        lay_out(&home, &installed)?;
        write(&home.join("data/import/interop.json"), &realm.to_string())?;
        write(&home.join("server.pem"), &own.certificate)?;
        write(&home.join("server.key"), &own.key)?;
        write(&home.join("trust.pem"), trust)?;
        import_trust(&programs.path("keytool")?, &home).await?;
        let port = free_port()?;
        let origin = format!("https://localhost:{port}");
        let at = home.display();
        let arguments = [
            "-Xms64m".to_owned(),
            "-Xmx512m".to_owned(),
            format!("-Dkc.home.dir={at}"),
            format!("-Djboss.server.config.dir={at}/conf"),
            "-Djava.util.logging.manager=org.jboss.logmanager.LogManager".to_owned(),
            "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=\
             io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory"
                .to_owned(),
            "--add-opens=java.base/java.util=ALL-UNNAMED".to_owned(),
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED".to_owned(),
            "--add-opens=java.base/java.security=ALL-UNNAMED".to_owned(),
            "--add-opens=java.base/java.lang=ALL-UNNAMED".to_owned(),
            "-cp".to_owned(),
            installed.join("lib/quarkus-run.jar").display().to_string(),
            "io.quarkus.bootstrap.runner.QuarkusEntryPoint".to_owned(),
            "start".to_owned(),
            "--optimized".to_owned(),
            "--import-realm".to_owned(),
            // No cluster, and so no port of its own for one.
            "--cache=local".to_owned(),
            "--http-host=127.0.0.1".to_owned(),
            format!("--https-port={port}"),
            format!("--hostname={origin}"),
            format!("--https-certificate-file={at}/server.pem"),
            format!("--https-certificate-key-file={at}/server.key"),
            format!("--https-trust-store-file={at}/trust.p12"),
            format!("--https-trust-store-password={PASSWORD}"),
            "--https-client-auth=required".to_owned(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut peer = Peer::silent("keycloak", folder, &programs.path("java")?, &arguments, &[])?;
        let issuer = format!("{origin}/realms/interop");
        let metadata = format!("{issuer}/.well-known/openid-configuration");
        peer.until(async || ready.send("GET", &metadata, &[], "").await.is_ok_and(|(status, _)| status == 200)).await?;
        Ok(Self { peer, issuer })
    }

    pub(super) async fn stop(self) {
        self.peer.stop().await;
    }
}

/// The program's parts are linked; what it writes is ours.
fn lay_out(home: &Path, installed: &Path) -> Outcome {
    let failed = |error: std::io::Error| format!("{}: {error}", home.display());
    std::fs::create_dir_all(home.join("data/import")).map_err(failed)?;
    for part in ["lib", "providers", "themes", "conf"] {
        std::os::unix::fs::symlink(installed.join(part), home.join(part)).map_err(failed)?;
    }
    Ok(())
}

async fn import_trust(keytool: &PathBuf, home: &Path) -> Outcome {
    let arguments = ["-importcert", "-noprompt", "-alias", "root", "-file", "trust.pem", "-keystore", "trust.p12"];
    let output = Command::new(keytool)
        .args(arguments)
        .args(["-storetype", "PKCS12", "-storepass", PASSWORD])
        .current_dir(home)
        .output()
        .await
        .map_err(|error| format!("keytool: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The port is part of the issuer, so it must be known beforehand.
fn free_port() -> Outcome<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
