//! Gladhand documents: what is said between a TMS and a carrier. Pure: no sockets, disk, clock or randomness; both sides
//! of the wire may use this crate.
//!
//! * [`error`]: the one error table.
//! * [`json`]: the lossless document: every byte kept, one member changed at a time.

pub mod error;
pub mod json;
