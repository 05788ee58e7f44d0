//! Gladhand for Rust programs: connect a TMS or a vehicle gateway to a carrier. All the input and output of the SDK is in
//! this crate; the rules are in `gladhand_protocol`, the documents in `gladhand_documents`.
//!
//! * [`config`]: `gladhand.toml`, `GLADHAND_*` variables and the builder.
//! * [`clock`]: the injected clock.
//! * `failpoint`: where crash tests kill the process.
//! * [`journal`]: what was meant, sent, answered and heard, on disk.
//! * [`Sandbox`]: a local carrier in one line.
//! * [`secret`]: what must not be seen.
//! * [`transport`]: one request to the carrier and its answer.
//! * [`identity`]: certificate, key and trust roots.
//! * [`auth`]: tokens, proofs and the calls that carry them.

pub mod auth;
pub mod clock;
pub mod config;
mod failpoint;
pub mod identity;
pub mod journal;
mod sandbox;
pub mod secret;
pub mod transport;

pub use gladhand_documents::error::{Code, Error, Kind, Result, Retry, Sent, Violation};
pub use gladhand_documents::json::Document;
pub use sandbox::Sandbox;

#[cfg(test)]
mod testing;
