//! What carriers say: durable events, acknowledged one by one; safety events, called back at once.

use gladhand_ffi::Error;
use gladhand_ffi::stream::{Delivered, Events as Source};
use napi::bindgen_prelude::{Function, Object, Unknown};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Result, Status};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::error::thrown;
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

/// A callback for safety events at work.
#[napi]
pub struct SafetyWatch(gladhand_ffi::CancelToken);

impl SafetyWatch {
    /// Calls back for each event until it is closed or the client is. The callback does not keep the process alive.
    /// An error that ends them is told as well: a listener that hears nothing must know.
    pub(crate) fn start(
        client: &gladhand_ffi::Client,
        callback: &Function<'_, Document, ()>,
        failed: &Function<'_, Unknown<'static>, ()>,
    ) -> Result<Self> {
        let call = callback
            .build_threadsafe_function::<Document>()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<0>()
            .build_callback(|context| Ok(context.value))?;
        let tell = failed
            .build_threadsafe_function::<Error>()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<0>()
            .build_callback(|context| thrown(context.env, &context.value))?;
        let token = gladhand_ffi::CancelToken::new();
        let (opening, cancel) = (client.safety(&token), token.clone());
        let listening = gladhand_ffi::spawn(&token, async move {
            let stream = opening.await?;
            while let Some(event) = stream.next(&cancel).await? {
                if call.call(Document(event), ThreadsafeFunctionCallMode::NonBlocking) == Status::Closing {
                    break;
                }
            }
            Ok(())
        });
        let ended = token.clone();
        listening.then(move |outcome| {
            if let Err(error) = outcome
                && !ended.is_cancelled()
            {
                tell.call(error, ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        Ok(Self(token))
    }
}

#[napi]
impl SafetyWatch {
    /// Ends it.
    #[napi]
    pub fn close(&self) {
        self.0.cancel();
    }
}
