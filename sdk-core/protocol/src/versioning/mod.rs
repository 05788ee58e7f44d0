//! Which version of the contract is spoken, and what is about to end (contract 5). Pure: headers and dates come in as text.
//!
//! * [`negotiation`]: what is asked for, and whether a carrier serves it.
//! * [`deprecation`]: the header fields that say that a route ends.

pub mod deprecation;
pub mod negotiation;
