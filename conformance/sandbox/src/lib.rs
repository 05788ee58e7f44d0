//! The sandbox carrier: a stateful carrier in one process on loopback, for demos, tests and certification.
//!
//! It shares documents with the SDK and nothing else: the rules of the contract are written here a second time, so that
//! the two sides of the wire check each other.
//!
//! * [`ca`], [`credentials`]: a certificate authority of its own, and the files it hands to its clients.
//! * [`tls`], [`serve`]: mutual TLS 1.3 and the accept loop. [`oauth`]: the authorization server. [`auth`]: the gate.
//! * [`api`]: the operations of contract 4.0. [`state`]: what it remembers, under one lock.
//! * [`collector`]: the telemetry collector; [`telemetry`] ties it in.
//! * [`webhook`]: signing and delivering events. [`object`], [`problem`]: writing answers and refusals.
//! * [`control`]: what tests may do to it. [`faults`], [`requests`], [`clock`]: failing, seeing, passing time. [`canaries`]: what nobody may print.
//!
//! [`Sandbox::start`] runs it on threads of its own; dropping it stops it.

pub mod api;
pub mod auth;
pub mod ca;
pub mod canaries;
pub mod carrier;
pub mod clock;
pub mod collector;
pub mod control;
pub mod credentials;
pub mod faults;
pub mod oauth;
pub mod object;
pub mod problem;
pub mod random;
pub mod requests;
pub mod serve;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod webhook;

mod start;

pub use start::{Options, Sandbox};
