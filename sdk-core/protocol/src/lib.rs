//! The rules of the contract that our side keeps. Pure (sans-IO): no socket, no disk, no clock, no randomness; time,
//! random numbers and bytes are arguments. What does the input and output is the crate `gladhand`.
//!
//! * [`proof`]: DPoP proofs, client assertions, key thumbprints, token checks, webhook signatures.
//! * [`telemetry`]: lanes, frames, credit, acknowledgement, gaps; freshness.
//! * [`tender`]: states, history, idempotency, eligibility, recovery.
//! * [`trace`]: the host's trace, on its way to the carrier.
//! * [`versioning`]: which version of the contract is spoken, and what is about to end.

pub mod proof;
pub mod telemetry;
pub mod tender;
pub mod trace;
pub mod versioning;
