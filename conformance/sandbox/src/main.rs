//! `gladhand-sandbox`: starts the sandbox carrier, prints one line of JSON when it is ready, and runs until it is told
//! to stop: a signal, `POST /shutdown` on the control interface, or the end of standard input with `--exit-with-parent`.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use gladhand_sandbox::profile::Profile;
use gladhand_sandbox::{Options, Sandbox};
use serde_json::json;

const USAGE: &str =
    "usage: gladhand-sandbox [--dir DIR] [--carrier aurora] [--tenant acme] [--port 0] [--control-port 0]
                        [--ca-dir DIR] [--config-out FILE] [--exit-with-parent] [--public-url URL]
                        [--trusted-hop-fingerprint HEX|issue] [--crl] [--shared-dir DIR]
                        [--spiffe-socket PATH] [--svid-lifetime SECONDS] [--profile NAME]
                        [--delivered FILE]

Starts a stateful carrier on loopback. Prints one line of JSON when it is ready:
  {\"ready\":true,\"url\":…,\"control\":…,\"config\":…,\"dir\":…,\"gatewayConfig\":…,\"pid\":…}
--ca-dir uses the certificate authority of another running sandbox, so that two carriers share one trust root.
--public-url is the origin that clients know, where a gateway stands in front; --trusted-hop-fingerprint pins the
certificate (SHA-256) of the gateway whose Client-Cert is believed (RFC 9440), `issue` makes one: hop.pem.
--crl names crl.pem in the configurations and checks client certificates against revocation lists.
--shared-dir makes this one of several instances of a carrier: one jti store, nonces and keys that all accept.
--dir is kept: a sandbox that starts again there has the same authorities and keys, and its telemetry.
--delivered appends a line for each telemetry record that followers are given, and each declared loss; see README.
--profile fails as a real carrier does: replica_lag, async_ingest, gateway_503_after_commit, gateway_404,
lost_key_store, restored, clock_+6min, clock_-6min, late_create_after_withdraw; see README.
--spiffe-socket serves a SPIFFE Workload API there, with SVIDs of --svid-lifetime seconds (3600).";

fn main() -> ExitCode {
    let (options, exit_with_parent) = match arguments(std::env::args().skip(1)) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let sandbox = match Sandbox::start(options) {
        Ok(sandbox) => sandbox,
        Err(error) => {
            eprintln!("{error}");
            for cause in error.causes() {
                eprintln!("  because: {cause}");
            }
            return ExitCode::FAILURE;
        }
    };
    stop_on_signal(sandbox.stopper());
    let ready = json!({
        "ready": true,
        "url": sandbox.url(),
        "control": sandbox.control_url(),
        "config": sandbox.config_path(),
        "dir": sandbox.dir(),
        "gatewayConfig": sandbox.gateway_config_path(),
        "pid": std::process::id(),
    });
    println!("{ready}");
    let _ = std::io::stdout().flush();
    if exit_with_parent {
        let stop = sandbox.stopper();
        std::thread::spawn(move || {
            // The parent holds the other end; when it is gone, however it went, reading ends.
            let _ = std::io::copy(&mut std::io::stdin().lock().by_ref(), &mut std::io::sink());
            stop();
        });
    }
    sandbox.wait();
    ExitCode::SUCCESS
}

/// SIGINT and SIGTERM end it in order, so that the keys it wrote to a temporary folder go with it. Here and not in the
/// library: a host's signals are the host's. Returns when they are caught.
#[cfg(unix)]
fn stop_on_signal(stop: impl FnOnce() + Send + 'static) {
    use tokio::signal::unix::{SignalKind, signal};
    let (caught, ready) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
            let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
            drop(caught);
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop();
        });
    });
    let _ = ready.recv();
}

#[cfg(not(unix))]
fn stop_on_signal(_: impl FnOnce() + Send + 'static) {}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<Option<(Options, bool)>, String> {
    let mut options = Options::default();
    let mut exit_with_parent = false;
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let mut value = || inline.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
        let port = |value: String| value.parse().map_err(|_| format!("{value:?} is no port"));
        match name.as_str() {
            "--dir" => options.dir = Some(value()?.into()),
            "--carrier" => options.carrier = value()?,
            "--tenant" => options.tenant = value()?,
            "--port" => options.port = port(value()?)?,
            "--control-port" => options.control_port = port(value()?)?,
            "--ca-dir" => options.ca_dir = Some(value()?.into()),
            "--config-out" => options.config_out = Some(value()?.into()),
            "--public-url" => options.public_url = Some(value()?),
            "--trusted-hop-fingerprint" => options.trusted_hop = Some(value()?),
            "--delivered" => options.delivered = Some(value()?.into()),
            "--crl" => options.crl = true,
            "--profile" => {
                let name = value()?;
                options.profile = Profile::parse(&name).ok_or(format!("{name:?} is no profile"))?;
            }
            "--shared-dir" => options.shared_dir = Some(value()?.into()),
            "--spiffe-socket" => options.spiffe_socket = Some(value()?.into()),
            "--svid-lifetime" => {
                let seconds = value()?;
                let parsed = seconds.parse().ok().filter(|seconds| *seconds >= 2);
                options.svid_lifetime_s = parsed.ok_or(format!("{seconds:?} is no number of seconds above 1"))?;
            }
            "--exit-with-parent" => exit_with_parent = true,
            "-h" | "--help" => return Ok(None),
            other => return Err(format!("{other:?} is not known")),
        }
    }
    Ok(Some((options, exit_with_parent)))
}
