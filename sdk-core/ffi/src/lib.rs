//! What the three bindings share, so that each of them stays thin: the one runtime, tasks that can be cancelled and never
//! panic across a language border, handles that know their process, and the operations of the SDK on documents.
//!
//! * [`Client`], [`Gateway`]: the operations, as tasks on documents. * [`stream`]: what is pulled.
//! * [`observation`], [`columns`]: telemetry records from numbers in natural units, one by one and many at a time.
//! * `webhook`: answers a request to a webhook's address. * [`WEBHOOK_LIMIT`]: how much of its body to read.
//! * [`contract`]: names, digests, signatures and states by themselves.
//! * [`identity`]: rotation, status and security events of a client.
//! * [`runtime`]: one Tokio runtime per process, made lazily, made anew after a fork. * [`fork`]: what is called around one.
//! * [`logs`]: what the core logs, for the host's own log.
//! * [`task`]: an operation under way: awaited, waited for with a tick (Ctrl-C), or cancelled.
//! * `testing`: what only tests have, behind the feature of that name: each language's tests of its bridge.
//!
//! A binding adds its language's types and nothing else: no rule of the contract, no retry, no default.

pub mod client;
pub mod columns;
pub mod contract;
pub mod fork;
pub mod gateway;
pub mod identity;
pub mod logs;
pub mod observation;
pub mod runtime;
pub mod stream;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod webhook;

pub use client::{Asking, Client, Command};
pub use gateway::Gateway;
pub use gladhand::telemetry::{Admission, Published};
pub use gladhand::{Delivery, Sandbox};
pub use gladhand_documents::error::{Code, Error, Kind, Result, Retry, Sent, Violation};
pub use gladhand_documents::json::{Document, quote};
pub use identity::Pem;
pub use logs::{LogRecord, Logs};
pub use stream::{Events, Follow, Safety, SecurityEvents, Watch};
pub use task::{CancelToken, Task, spawn};
pub use webhook::LIMIT as WEBHOOK_LIMIT;

/// The version of the SDK; core and bindings carry the same.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
