//! The Swift face of Gladhand: typed functions and handles that `uniffi` carries to Swift.
//!
//! - [`client`]: the operations of the SDK;
//! - [`contract`]: names, digests, signatures and states by themselves;
//! - [`document`]: the lossless JSON document, as a handle;
//! - [`failure`]: the one error, as a record;
//! - [`gateway`]: the vehicle's side;
//! - [`logs`]: what the core logs;
//! - [`sandbox`]: a local carrier;
//! - [`streams`]: what arrives over time;
//! - [`task`]: how a call runs and is cancelled.
//!
//! It never holds a rule of the contract: no retry, no key, no default (architecture decision 3). Every exported function
//! throws, because `uniffi` makes a panic in a function that does not throw fatal to the Swift process; and no call is
//! left to `uniffi`'s own executor, because Swift's task cancellation does not reach Rust by itself.

// A failure is taken apart at the border at once: a box would only move it.
#![allow(clippy::result_large_err)]
// `uniffi` carries the standard hasher only.
#![allow(clippy::implicit_hasher)]

pub mod client;
pub mod contract;
pub mod document;
pub mod failure;
pub mod gateway;
pub mod logs;
pub mod sandbox;
pub mod streams;
pub mod task;

uniffi::setup_scaffolding!("gladhand");

/// The version of Gladhand's core; the same for every package of a release.
#[uniffi::export]
pub fn core_version() -> Result<String, failure::Failure> {
    Ok(env!("CARGO_PKG_VERSION").to_owned())
}
