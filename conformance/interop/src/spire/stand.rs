//! SPIRE server and agent, and who is registered: a real Workload API on a socket in a folder of its own.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;

use crate::process::Peer;
use crate::{Outcome, Programs};

/// The trust domain.
pub(super) const DOMAIN: &str = "interop.gladhand.test";
/// How long an SVID lives, in seconds. The agent renews it at half of that.
pub(super) const LIFETIME: u32 = 20;

/// A running SPIRE.
pub(super) struct Spire {
    program: PathBuf,
    folder: PathBuf,
    uid: u32,
    server: Peer,
    agent: Option<Peer>,
    agent_program: PathBuf,
}

impl Spire {
    /// Starts the server, attests the agent by a join token, and waits for the Workload API.
    pub(super) async fn start(programs: &Programs, folder: &Path) -> Outcome<Self> {
        let uid = std::fs::metadata(folder).map_err(|error| error.to_string())?.uid();
        let port = free_port()?;
        let at = folder.display();
        let server_config = format!(
            r#"server {{
  bind_address = "127.0.0.1"
  bind_port = "{port}"
  socket_path = "{at}/server.sock"
  trust_domain = "{DOMAIN}"
  data_dir = "{at}/server"
  log_level = "INFO"
  ca_ttl = "1h"
}}
plugins {{
  DataStore "sql" {{ plugin_data {{ database_type = "sqlite3" connection_string = "{at}/server.db" }} }}
  NodeAttestor "join_token" {{ plugin_data {{}} }}
  KeyManager "memory" {{ plugin_data {{}} }}
}}
"#
        );
        write(&folder.join("server.conf"), &server_config)?;
        let program = programs.path("spire-server")?;
        let mut server = Peer::silent("spire-server", folder, &program, &["run", "-config", "server.conf"], &[])?;
        let socket = format!("{at}/server.sock");
        server
            .until(async || {
                let health = command(&program, &["healthcheck", "-socketPath", &socket]).await;
                health.is_ok_and(|output| output.status.success())
            })
            .await?;
        let agent_program = programs.path("spire-agent")?;
        let mut spire = Self { program, folder: folder.to_owned(), uid, server, agent: None, agent_program };
        let token = spire.tell(&["token", "generate", "-spiffeID", &agent_id()]).await?;
        let token = token.lines().find_map(|line| line.strip_prefix("Token: ")).unwrap_or_default().trim().to_owned();
        let bundle = spire.tell(&["bundle", "show"]).await?;
        write(&folder.join("bundle.pem"), &bundle)?;
        let agent_config = format!(
            r#"agent {{
  data_dir = "{at}/agent"
  log_level = "INFO"
  server_address = "127.0.0.1"
  server_port = "{port}"
  socket_path = "{at}/agent.sock"
  trust_bundle_path = "{at}/bundle.pem"
  trust_domain = "{DOMAIN}"
}}
plugins {{
  NodeAttestor "join_token" {{ plugin_data {{}} }}
  KeyManager "memory" {{ plugin_data {{}} }}
  WorkloadAttestor "unix" {{ plugin_data {{ discover_workload_path = true }} }}
}}
"#
        );
        write(&folder.join("agent.conf"), &agent_config)?;
        spire.start_agent(Some(&token)).await?;
        Ok(spire)
    }

    async fn start_agent(&mut self, token: Option<&str>) -> Outcome {
        let mut arguments = vec!["run", "-config", "agent.conf"];
        arguments.extend(token.map(|token| ["-joinToken", token]).into_iter().flatten());
        let mut agent = Peer::silent("spire-agent", &self.folder, &self.agent_program, &arguments, &[])?;
        let socket = self.folder.join("agent.sock").display().to_string();
        agent
            .until(async || {
                let health = command(&self.agent_program, &["healthcheck", "-socketPath", &socket]).await;
                health.is_ok_and(|output| output.status.success())
            })
            .await?;
        self.agent = Some(agent);
        Ok(())
    }

    /// The Workload API, as `SPIFFE_ENDPOINT_SOCKET` has it.
    pub(super) fn endpoint(&self) -> String {
        format!("unix://{}/agent.sock", self.folder.display())
    }

    /// Registers a workload of our user, and with `program` only that program. Its entry's id.
    pub(super) async fn register(&self, path: &str, program: Option<&Path>) -> Outcome<String> {
        let id = format!("spiffe://{DOMAIN}{path}");
        let (uid, ttl) = (format!("unix:uid:{}", self.uid), LIFETIME.to_string());
        let mut arguments = vec!["entry", "create", "-parentID"];
        let parent = agent_id();
        arguments.extend([&*parent, "-spiffeID", &*id, "-selector", &*uid, "-x509SVIDTTL", &*ttl]);
        let by_path = program.map(|program| format!("unix:path:{}", program.display()));
        arguments.extend(by_path.as_deref().map(|selector| ["-selector", selector]).into_iter().flatten());
        let said = self.tell(&arguments).await?;
        let entry = said.lines().find_map(|line| line.strip_prefix("Entry ID")?.split(':').nth(1));
        Ok(entry.unwrap_or_default().trim().to_owned())
    }

    /// Takes an entry back.
    pub(super) async fn unregister(&self, entry: &str) -> Outcome {
        self.tell(&["entry", "delete", "-entryID", entry]).await.map(drop)
    }

    /// What the administrator of the server says to it.
    async fn tell(&self, arguments: &[&str]) -> Outcome<String> {
        let socket = self.folder.join("server.sock").display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["-socketPath", &*socket]);
        let output = command(&self.program, &all).await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(self.server.said(&format!("refused `{}`: {said}{why}", arguments.join(" "))))
    }

    /// Ends the agent alone: the Workload API is gone.
    pub(super) async fn stop_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.stop().await;
        }
    }

    pub(super) async fn stop(mut self) {
        self.stop_agent().await;
        self.server.stop().await;
    }
}

/// The agent's own SPIFFE ID.
fn agent_id() -> String {
    format!("spiffe://{DOMAIN}/agent")
}

async fn command(program: &Path, arguments: &[&str]) -> Outcome<Output> {
    let output = Command::new(program).args(arguments).output().await;
    output.map_err(|error| format!("{}: {error}", program.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// SPIRE wants to know its port beforehand.
fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
