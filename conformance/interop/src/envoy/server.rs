//! The Envoy process: where it listens, what it counts, and the file that its certificate comes from.

use std::path::{Path, PathBuf};

use serde_json::Value;

pub(super) use super::config::Envoy;
use super::config::sds;
use crate::Outcome;
use crate::pki::Pair;
use crate::process::Peer;
use crate::stranger::control;

/// A running Envoy.
pub(super) struct Proxy {
    peer: Peer,
    folder: PathBuf,
    admin: String,
    ports: Vec<(String, u64)>,
}

impl Proxy {
    pub(super) async fn start(program: &Path, folder: &Path, envoy: &Envoy, server: &Pair) -> Outcome<Self> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        write("server.pem", &server.certificate)?;
        write("server.key", &server.key)?;
        write("sds.json", &sds(&server.certificate, &server.key).to_string())?;
        write("envoy.json", &envoy.bootstrap(&folder.display().to_string()).to_string())?;
        let at = folder.join("admin.txt");
        let admin_file = at.display().to_string();
        let arguments = [
            "--config-path",
            "envoy.json",
            "--admin-address-path",
            &admin_file,
            "--use-dynamic-base-id",
            "--concurrency",
            "2",
            "--log-level",
            "warning",
        ];
        let mut peer = Peer::silent("envoy", folder, program, &arguments, &[])?;
        let address = || std::fs::read_to_string(&at).map(|text| format!("http://{}", text.trim())).unwrap_or_default();
        peer.until(async || {
            let ready = control("GET", &format!("{}/server_info", address())).await;
            ready.is_ok_and(|info| info["state"] == "LIVE")
        })
        .await?;
        let admin = address();
        let listeners = control("GET", &format!("{admin}/listeners?format=json")).await?;
        let ports = listeners["listener_statuses"].as_array().into_iter().flatten().filter_map(|listener| {
            let port = listener["local_address"]["socket_address"]["port_value"].as_u64()?;
            Some((listener["name"].as_str()?.to_owned(), port))
        });
        Ok(Self { peer, folder: folder.to_owned(), admin, ports: ports.collect() })
    }

    /// Where this listener is.
    pub(super) fn url(&self, listener: &str) -> String {
        let port = self.ports.iter().find(|(name, _)| name == listener).map_or(0, |(_, port)| *port);
        format!("https://localhost:{port}")
    }

    /// The sum over all listeners of the TLS counter of this name.
    pub(super) async fn counter(&self, name: &str) -> Outcome<u64> {
        self.sum(|full| full.ends_with(&format!(".{name}"))).await
    }

    /// The sum of all TLS counters with this in their names.
    pub(super) async fn counters(&self, part: &str) -> Outcome<u64> {
        self.sum(|full| full.contains(part)).await
    }

    async fn sum(&self, wanted: impl Fn(&str) -> bool) -> Outcome<u64> {
        let stats = control("GET", &format!("{}/stats?format=json&filter=^listener%5C..*ssl", self.admin)).await?;
        let all = stats["stats"].as_array().cloned().unwrap_or_default();
        let of_listeners = all.iter().filter(|stat| {
            let name = stat["name"].as_str().unwrap_or_default();
            // The admin listener speaks no TLS.
            wanted(name)
        });
        Ok(of_listeners.filter_map(|stat| stat["value"].as_u64()).sum())
    }

    /// Puts another certificate in the file that the listener `sds` watches; it appears whole.
    pub(super) fn write_sds(&self, pair: &Pair) -> Outcome {
        let (new, path) = (self.folder.join("sds.new"), self.folder.join("sds.json"));
        let content: Value = sds(&pair.certificate, &pair.key);
        let step = std::fs::write(&new, content.to_string()).and_then(|()| std::fs::rename(&new, &path));
        step.map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(super) async fn stop(self) {
        self.peer.stop().await;
    }
}
