//! What the tests of this crate share.
//!
//! * [`Ca`]: a certificate authority.
//! * [`Server`]: a TLS server that wants a client certificate, answers as it is told and remembers what it saw.
//! * [`Carrier`]: such a server as authorization server and API, with knobs for misbehaviour.

mod ca;
mod carrier;
mod server;

pub(crate) use ca::Ca;
pub(crate) use carrier::{Carrier, Knobs, Nonce};
pub(crate) use server::{Reply, Seen, Server, Tls};
