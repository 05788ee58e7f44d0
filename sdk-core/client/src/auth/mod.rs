//! What we may do: tokens and the calls that carry them.
//!
//! * [`Caller`]: the seam that the tender, inbox and reconcile modules call a carrier through.

mod call;

pub use call::{Caller, Profile, Request, Response};
