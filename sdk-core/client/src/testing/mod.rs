//! What the tests of this crate share: a certificate authority and, for the network, a carrier's front door.

mod ca;

pub(crate) use ca::Ca;
