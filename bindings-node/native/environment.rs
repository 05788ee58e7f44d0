//! What belongs to one environment of JavaScript: the main thread, or a worker. When it ends, so does what was started in it:
//! nobody is left who would hear of it.

use gladhand_ffi::CancelToken;
use napi::bindgen_prelude::{FunctionRef, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::error::Failure;

/// What makes the class of an error from its facts.
type Maker = FunctionRef<Failure, Unknown<'static>>;

pub(crate) struct Environment {
    pub(crate) make: Maker,
    /// Cancelled when the environment ends. Every token of a call is a child of it.
    pub(crate) ended: CancelToken,
}

/// Takes the function that makes the error classes of the TypeScript half. Called once, when the package is loaded.
#[napi]
pub fn errors_by(env: Env, make: Maker) -> Result<()> {
    let ended = CancelToken::new();
    env.add_env_cleanup_hook(ended.clone(), |ended| ended.cancel())?;
    env.set_instance_data(Environment { make, ended }, (), |_| ())
}

/// The environment of this thread.
pub(crate) fn environment<'env>(env: Env) -> Result<&'env Environment> {
    let found = env.get_instance_data::<Environment>()?;
    found.map(|found| &*found).ok_or_else(|| napi::Error::from_reason("the package is not loaded"))
}
