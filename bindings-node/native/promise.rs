//! A task of the core as a promise: it runs on the runtime that all bindings share, and settles on the JavaScript thread
//! that asked. While it is pending it keeps the process alive; when its environment goes (a worker that ends), the answer
//! is dropped.

use gladhand_ffi::Task;
use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result};

use crate::error::raise;

/// The promise of a task's answer, converted. Rejects with the class of the error.
pub(crate) fn promise<T, J>(
    env: &Env,
    task: Task<T>,
    convert: impl FnOnce(T) -> J + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + 'static,
    J: ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    task.then(move |outcome| {
        deferred.resolve(move |env| outcome.map(convert).map_err(|error| raise(env, &error)));
    });
    Ok(promise)
}
