//! The state machine with both parties, checked exhaustively within small bounds: one load, two carriers, two tenders, a TMS
//! that may die at any moment, and a network that loses, repeats and reorders.
//!
//! The TMS decides by the real functions of `gladhand_protocol`: what an answer proves, what to do with an intent without
//! outcome, what an event does, what holds a load. What a carrier may do is asked of the hand-written matrix.
//!
//! * `state`: a state of the whole. `step`: every step out of one. `search`: breadth first, and the way back.

mod search;
mod state;
mod step;

pub use search::{Bounds, Flaw, Report, explore};
