//! The sandbox carrier: a stateful carrier in one process on loopback, for demos, tests and certification.
//!
//! It shares documents with the SDK and nothing else: the rules of the contract are written here a second time, so that
//! the two sides of the wire check each other.
//!
//! * [`ca`], [`pki`], [`credentials`], [`files`]: authorities of its own, revocation, and what it hands to its clients.
//! * [`tls`], [`serve`]: mutual TLS 1.3 and the accept loop. [`peer`], [`hop`]: who is at the other end.
//! * [`oauth`]: the authorization server. [`auth`]: the gate. [`shared`]: what several instances of a carrier share.
//! * [`spiffe`]: a SPIFFE Workload API for its clients.
//! * [`fingerprints`], [`security`]: which identity came with what, and what was refused.
//! * [`api`]: the operations of contract 4.0. [`state`]: what it remembers, under one lock.
//! * [`contract`]: which versions it serves. [`limit`]: how many calls.
//! * [`collector`]: the telemetry collector; [`telemetry`] ties it in.
//! * [`webhook`]: signing and delivering events. [`object`], [`problem`]: writing answers and refusals.
//! * [`control`]: what tests may do to it. [`faults`], [`profile`], [`requests`], [`clock`]: failing, seeing, passing time. [`canaries`]: what nobody may print.
//!
//! [`inside`] makes one without sockets, for simulations.
//! [`Sandbox::start`] runs it on threads of its own; dropping it stops it.

pub mod api;
pub mod auth;
pub mod ca;
pub mod canaries;
pub mod carrier;
pub mod clock;
pub mod collector;
pub mod contract;
pub mod control;
pub mod credentials;
pub mod faults;
pub mod files;
pub mod fingerprints;
pub mod hop;
pub mod limit;
pub mod oauth;
pub mod object;
pub mod peer;
pub mod pki;
pub mod problem;
pub mod profile;
pub mod random;
pub mod requests;
pub mod security;
pub mod serve;
pub mod shared;
pub mod spiffe;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod webhook;

pub mod inside;
mod start;

pub use start::{Options, Sandbox};
