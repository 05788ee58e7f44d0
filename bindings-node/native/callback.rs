//! What the core yields, called back: one at a time, so that nothing piles up, and the next one is asked for only once the
//! callback has run. A callback does not keep the process alive.

use gladhand_ffi::stream::{Source, Stream};
use gladhand_ffi::{CancelToken, Document as Found, Error, Task, spawn};
use napi::bindgen_prelude::{Function, Unknown};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio::sync::oneshot;

use crate::document::Document;
use crate::environment;
use crate::error::thrown;

/// A callback at work.
#[napi]
pub struct Callback(CancelToken);

impl Callback {
    /// Calls back for each document of the stream until it is closed or the stream ends. An error that ends it is told by
    /// `failed`: a listener that hears nothing must know. What the callback throws is an uncaught exception, as in any listener.
    pub(crate) fn start<S: Source<Item = Found>>(
        open: impl FnOnce(&CancelToken) -> Task<Stream<S>>,
        callback: &Function<'_, Document, Unknown<'static>>,
        failed: &Function<'_, Unknown<'static>, Unknown<'static>>,
    ) -> Result<Self> {
        let call = callback
            .build_threadsafe_function::<Document>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| Ok(context.value))?;
        let tell = failed
            .build_threadsafe_function::<Error>()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| thrown(context.env, &context.value))?;
        // An environment that ends answers no more: what waits for a callback in it would wait for ever.
        let token = environment::token();
        let (opening, cancel) = (open(&token), token.clone());
        let calling = spawn(&token, async move {
            let stream = opening.await?;
            while let Some(document) = stream.next(&cancel).await? {
                let (ran, heard) = oneshot::channel();
                let back = move |outcome: Result<Unknown<'static>>, _: Env| {
                    let _ = ran.send(());
                    outcome.map(drop)
                };
                let mode = ThreadsafeFunctionCallMode::NonBlocking;
                if call.call_with_return_value(Document(document), mode, back) != Status::Ok || heard.await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let ended = token.clone();
        calling.then(move |outcome| {
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
impl Callback {
    /// Ends it.
    #[napi]
    pub fn close(&self) {
        self.0.cancel();
    }
}
