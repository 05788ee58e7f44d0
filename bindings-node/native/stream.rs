//! What the core yields one by one, pulled by JavaScript: nothing runs ahead of it. Closing ends a pull that is under way
//! and gives back what the core holds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gladhand_ffi::{CancelToken as Cancel, Task, spawn, stream};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::promise::promise;

/// A stream of the core that yields documents.
pub(crate) trait Pull: Send + 'static {
    /// The next one; nothing at the end.
    fn pull(&self, cancel: &Cancel) -> Task<Option<gladhand_ffi::Document>>;
    /// Ends it.
    fn end(&self);
}

macro_rules! pull {
    ($($stream:ty),+) => {$(
        impl Pull for $stream {
            fn pull(&self, cancel: &Cancel) -> Task<Option<gladhand_ffi::Document>> {
                self.next(cancel)
            }
            fn end(&self) {
                self.close();
            }
        }
    )+};
}

pull!(stream::Watch, stream::Follow, stream::SecurityEvents);

/// Holds a stream of the core until it is closed.
pub(crate) struct Open<S>(Mutex<Option<S>>);

impl<S> Open<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(Mutex::new(Some(stream)))
    }

    /// The stream, while it is open.
    pub(crate) fn get(&self) -> MutexGuard<'_, Option<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pull after the end.
pub(crate) fn ended<T: Send + 'static>(cancel: &Cancel) -> Task<Option<T>> {
    spawn(cancel, async { Ok(None) })
}

/// A stream of documents: a tender that changes, positions, security events.
#[napi]
pub struct DocumentStream(Open<Box<dyn Pull>>);

impl DocumentStream {
    pub(crate) fn new(stream: impl Pull) -> Self {
        Self(Open::new(Box::new(stream)))
    }
}

#[napi]
impl DocumentStream {
    /// The next document; null at the end.
    #[napi]
    pub fn next<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        let cancel = token(cancel);
        let task = self.0.get().as_ref().map_or_else(|| ended(&cancel), |stream| stream.pull(&cancel));
        promise(env, task, |found| found.map(Document))
    }

    /// Ends it; a pending `next` settles with null.
    #[napi]
    pub fn close(&self) {
        if let Some(stream) = self.0.get().take() {
            stream.end();
        }
    }
}
