//! What the tests of this crate share.
//!
//! * [`Ca`]: a certificate authority.
//! * [`Server`]: a TLS server that wants a client certificate, answers as it is told and remembers what it saw.
//! * [`Carrier`]: such a server as authorization server and API, with knobs for misbehaviour. `token_keys`: what it signs with.
//! * [`Authority`]: one with intermediates and revocation lists. [`Party`]: our side of a connection.
//! * [`Crafted`]: a peer that answers a ClientHello with bytes of our choice, as no TLS library would.
//! * `WorkloadApi`: a SPIFFE Workload API on a Unix socket.

mod authority;
mod ca;
mod carrier;
mod crafted;
mod party;
mod server;
mod token_keys;
#[cfg(all(feature = "spiffe", unix))]
mod workload_api;

pub(crate) use authority::{Authority, Issued, Leaf, List};
pub(crate) use ca::Ca;
pub(crate) use carrier::{Carrier, Knobs, Nonce, Published, Signed, payload};
pub(crate) use crafted::Crafted;
pub(crate) use party::{Party, get};
pub(crate) use server::{Reply, Seen, Server, Tls};
#[cfg(all(feature = "spiffe", unix))]
pub(crate) use workload_api::{Svid, WorkloadApi};
