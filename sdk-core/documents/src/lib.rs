//! Gladhand documents: what is said between a TMS and a carrier. Pure: no sockets, disk, clock or randomness; both sides
//! of the wire may use this crate.
//!
//! * [`error`]: the one error table.
//! * [`json`]: the lossless document: every byte kept, one member changed at a time.
//! * [`model`]: the entity table: every document of the contract, declared once.
//! * [`money`], [`geo`], [`time`]: the arithmetic the contract relies on.
//! * [`telemetry`]: vehicle records, the columnar batch and its frame.

pub mod error;
pub mod geo;
pub mod json;
pub mod model;
pub mod money;
pub mod telemetry;
pub mod time;
