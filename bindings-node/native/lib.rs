//! The native half of the npm package `gladhand`: what the core offers, as Node-API classes and promises.
//!
//! * [`document`]: the lossless document. * [`cancel`]: the token behind an `AbortSignal`.
//! * [`promise`]: a task of the core as a promise. * [`error`]: a failure of the core as a JavaScript error.
//! * [`environment`]: what belongs to a thread of JavaScript.
//! * [`contract`]: names, digests, signatures and states by themselves. * [`client`]: the operations. * [`stream`], [`events`]: what is pulled.
//! * [`callback`]: what is called back. * [`logs`]: the host's log.
//! * [`gateway`], [`columns`]: the vehicle side. * [`sandbox`]: a local carrier. * `testing`: what only tests have.
//!
//! It holds no rule of the contract, no retry and no default, and it never sees an `AbortSignal`: that type of napi
//! overwrites the caller's handler. The TypeScript half (`src/`) gives the calls their names and classes; nobody else
//! loads this addon.

mod callback;
mod cancel;
mod client;
mod columns;
mod contract;
mod document;
mod environment;
mod error;
mod events;
mod gateway;
mod logs;
mod promise;
mod sandbox;
mod stream;
#[cfg(feature = "testing")]
mod testing;

use napi_derive::napi;

/// The version of the addon; the TypeScript half refuses another one.
#[napi]
pub fn version() -> &'static str {
    gladhand_ffi::VERSION
}

/// Bytes of a webhook's body that are enough to see that it is too large.
#[napi]
pub fn webhook_limit() -> u32 {
    gladhand_ffi::WEBHOOK_LIMIT as u32
}
