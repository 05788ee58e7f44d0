//! What belongs to one environment of JavaScript: the main thread, or a worker. When it ends, so does what was started in it:
//! nobody is left who would hear of it.

use std::cell::RefCell;

use gladhand_ffi::CancelToken;
use napi::bindgen_prelude::{FunctionRef, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::Failure;

/// What makes the class of an error from its facts.
pub(crate) type Maker = FunctionRef<Failure, Unknown<'static>>;

thread_local! {
    /// Cancelled when the environment of this thread ends. Every token of a call is a child of it.
    static ENDED: RefCell<CancelToken> = RefCell::default();
}

/// Takes the function that makes the error classes of the TypeScript half. Called once, when the package is loaded.
#[napi]
pub fn errors_by(env: Env, make: Maker) -> Result<()> {
    let ended = CancelToken::new();
    env.add_env_cleanup_hook(ended.clone(), |ended| ended.cancel())?;
    ENDED.set(ended);
    env.set_instance_data(make, (), |_| ())
}

/// The function that [`errors_by`] took.
pub(crate) fn maker<'env>(env: Env) -> Result<&'env Maker> {
    let found = env.get_instance_data::<Maker>()?;
    found.map(|make| &*make).ok_or_else(|| napi::Error::from_reason("the package is not loaded"))
}

/// A token that nobody has cancelled yet; the end of this thread's environment does.
pub(crate) fn token() -> CancelToken {
    ENDED.with_borrow(CancelToken::child)
}
