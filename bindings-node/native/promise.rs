//! A call of the core as a promise: it runs on the runtime that all bindings share, and settles on the JavaScript thread
//! that asked. While it is pending it keeps the process alive; when its environment goes (a worker that ends), the answer
//! is dropped.

use std::future::Future;

use gladhand_ffi::CancelToken;
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};

use crate::error::raise;

/// Starts `call` and gives the promise of `convert`ed answer. Rejects with the structured error.
pub(crate) fn promise<'env, T, J>(
    env: &'env Env,
    cancel: &CancelToken,
    call: impl Future<Output = gladhand_ffi::Result<T>> + Send + 'static,
    convert: impl FnOnce(T) -> J + Send + 'static,
) -> Result<Object<'env>>
where
    T: Send + 'static,
    J: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    gladhand_ffi::spawn(cancel, call).then(move |outcome| {
        deferred.resolve(move |env| outcome.map(convert).map_err(|error| raise(env, &error)));
    });
    Ok(promise)
}
