//! What the tests of this crate share.
//!
//! * [`Ca`]: a certificate authority.
//! * [`Server`]: a TLS server that wants a client certificate, answers as it is told and remembers what it saw.
//! * [`Carrier`]: such a server as authorization server and API, with knobs for misbehaviour. `token_keys`: what it signs with.

mod ca;
mod carrier;
mod server;
mod token_keys;

pub(crate) use ca::Ca;
pub(crate) use carrier::{Carrier, Knobs, Nonce, Published, Signed, payload};
pub(crate) use server::{Reply, Seen, Server, Tls};
