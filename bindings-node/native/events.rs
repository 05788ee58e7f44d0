//! What carriers say: durable events, acknowledged one by one.

use gladhand_ffi::stream::{Delivered, Events as Source};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::promise::promise;
use crate::stream::{Open, ended};

/// The events of one consumer.
#[napi]
pub struct Events(Open<Source>);

impl Events {
    pub(crate) fn new(source: Source) -> Self {
        Self(Open::new(source))
    }
}

#[napi]
impl Events {
    /// The next event; null once the client is closed.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        let cancel = token(cancel);
        let task = self.0.get().as_ref().map_or_else(|| ended(&cancel), |events| events.next(&cancel));
        let delivered = self.0.get().as_ref().map(Source::delivered);
        promise(env, task, move |found| found.zip(delivered).map(|(found, delivered)| Delivery(delivered(found))))
    }

    /// Ends the reading and lets another reader take the consumer.
    #[napi]
    pub fn close(&self) {
        if let Some(events) = self.0.get().take() {
            events.close();
        }
    }
}

/// One event for one consumer.
#[napi]
pub struct Delivery(Delivered);

#[napi]
impl Delivery {
    /// The event, byte for byte.
    #[napi(getter)]
    pub fn event(&self) -> Document {
        Document(self.0.event.clone())
    }

    /// Acknowledges it.
    #[napi]
    pub fn ack<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.ack(&token(cancel)), |()| ())
    }

    /// Gives it back.
    #[napi]
    pub fn give_back(&self) {
        self.0.give_back();
    }
}
