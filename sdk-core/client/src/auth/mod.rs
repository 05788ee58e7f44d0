//! What we may do: tokens, proofs and the calls that carry them (identity §2 and §3).
//!
//! * [`Caller`]: the seam that the tender, inbox and reconcile modules call a carrier through.
//! * [`Authorized`]: a caller over the real network, with tokens of both profiles and a fresh proof per attempt.
//! * `discovery`: the authorization server's metadata (RFC 8414).
//! * `token_request`: one request for a token. `cache`: which tokens there are, one flight per token. `breaker`: when
//!   to ask again after a failure.
//! * `assertion_keys`: the keys that sign assertions, and when each does.
//! * `dpop_key`: the key that proves possession. `private_pem`: reads keys that sign.
//! * `jwks`: the issuer's keys. `verifier`: whether a signature holds. `skew`: whose clock is wrong.
//! * `reaction`: what an answer asks of us.
//! * `problem`: what an answer that is no success means.
//! * `renewal`: how a new generation takes the place of the present one.
//! * `random`: what must be unique or unguessable.

mod assertion_keys;
mod authorized;
mod breaker;
mod cache;
mod call;
mod discovery;
mod dpop_key;
mod jwks;
mod private_pem;
mod problem;
pub(crate) mod random;
mod reaction;
mod renewal;
mod retry_after;
mod skew;
mod token_request;
pub(crate) mod verifier;

pub use authorized::{Authorized, GrpcProof};
pub(crate) use cache::TokenCache;
pub use call::{Caller, Profile, Request, Response};
pub(crate) use dpop_key::dpop_key;

#[cfg(all(test, feature = "failpoints"))]
mod failpoint_tests;
#[cfg(test)]
mod negative_nonce_tests;
#[cfg(test)]
mod negative_token_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof_tests;
