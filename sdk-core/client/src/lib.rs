//! Gladhand for Rust programs: connect a TMS or a vehicle gateway to a carrier. All the input and output of the SDK is in
//! this crate; the rules are in `gladhand_protocol`, the documents in `gladhand_documents`.
//!
//! * [`Client`]: where everything begins: [`Client::connect`].
//! * [`tender`]: create, watch, withdraw; journaled before it is sent. [`dispatch`]: commands. `capacity`: search.
//! * [`events`]: durable cursors of the application. `inbox`: webhooks. `reconcile`, `health`, `metrics`.
//! * [`config`]: `gladhand.toml`, `GLADHAND_*` variables and the builder.
//! * [`contract`]: names, digests, signatures, states and eligibility as functions, without a client.
//! * [`clock`]: the injected clock.
//! * [`fork`]: forks of the host process.
//! * `failpoint`: where crash tests kill the process.
//! * [`journal`]: what was meant, sent, answered and heard, on disk.
//! * `core`: what these share. `carrier`: one carrier as they see it.
//! * [`Sandbox`]: a local carrier in one line.
//! * [`secret`]: what must not be seen.
//! * [`transport`]: one request to the carrier and its answer.
//! * [`identity`]: certificate, key and trust roots.
//! * [`observe`]: security events and expiries.
//! * [`auth`]: tokens, proofs and the calls that carry them.
//! * [`telemetry`]: a vehicle gateway publishes, a TMS follows.
//! * [`trace`]: the host's trace, carried into the requests of a call.

pub mod auth;
mod capacity;
mod carrier;
mod client;
pub mod clock;
pub mod config;
pub mod contract;
mod core;
pub mod dispatch;
pub mod events;
#[cfg(not(feature = "failpoints"))]
#[allow(dead_code, unreachable_pub, reason = "all of it is for crash tests")]
mod failpoint;
#[cfg(feature = "failpoints")]
pub mod failpoint;
pub mod fork;
mod health;
pub mod identity;
mod inbox;
pub mod journal;
mod metrics;
pub mod observe;
mod reconcile;
mod sandbox;
pub mod secret;
pub mod telemetry;
pub mod tender;
pub mod trace;
pub mod transport;

pub use client::Client;
pub use config::Config;
pub use dispatch::{CommandRequest, Requester};
pub use events::{Acknowledger, Delivery, EventReader, SafetyStream};
pub use gladhand_documents::error::{Code, Error, Kind, Result, Retry, Sent, Violation};
pub use gladhand_documents::json::{Document, Value};
pub use sandbox::Sandbox;
pub use telemetry::{Conservation, Follow, Gateway, GatewayOptions, GatewayStatus};
pub use tender::{CreateOptions, Watch};

#[cfg(test)]
mod testing;

/// The README's lines, run as a test against a sandbox carrier (`GLADHAND_SANDBOX` names the program).
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Those of the page on telemetry, likewise.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/telemetry.md")]
struct Telemetry;
