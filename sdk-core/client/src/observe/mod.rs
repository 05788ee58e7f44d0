//! What happened, for the people who run this: security events and expiries. It decides nothing and holds no secret.
//!
//! * [`SecurityEvent`]: one authentication, rotation, refusal or warning, in the shape of OCSF 1.6.
//! * [`SecurityLog`]: the one channel that all of them go through; [`SecurityStream`] reads it.
//! * [`Expiry`]: something that ends, and when to warn of it. `monitor`: which warnings are due. `status`: all of it as a document, and the
//!   task that warns.

mod expiry;
mod monitor;
mod security;
mod security_log;
pub(crate) mod status;

pub use expiry::{Expiry, Subject};
pub use security::{Activity, SecurityEvent};
pub use security_log::{SecurityLog, SecurityStream};
