//! A local carrier: the program `gladhand-sandbox`, started and ended with its handle.

use std::path::PathBuf;
use std::sync::Arc;

use gladhand_ffi::{Code, Error, spawn};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::promise::promise;

/// A running sandbox carrier; collected, it ends.
#[napi]
pub struct Sandbox(Arc<gladhand_ffi::Sandbox>);

#[napi]
impl Sandbox {
    /// Starts the carrier of this name; `packaged` is the program of its own npm package. Rejects with `sandbox_unavailable` or `sandbox_failed`.
    #[napi]
    pub fn start<'env>(
        env: &'env Env,
        carrier: String,
        program: Option<String>,
        packaged: Option<String>,
        extra: Vec<String>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        let (program, packaged) = (program.map(PathBuf::from), packaged.map(PathBuf::from));
        let start = blocking(move || {
            gladhand_ffi::Sandbox::start_packaged(program.as_deref(), packaged.as_deref(), &carrier, &extra)
        });
        promise(env, spawn(&token(cancel), start), |sandbox| Self(Arc::new(sandbox)))
    }

    /// A member of the ready line.
    #[napi]
    pub fn fact(&self, name: String) -> String {
        self.0.fact(&name)
    }

    /// Calls the control interface: `GET` without a body, `POST` with one.
    #[napi]
    pub fn control<'env>(&self, env: &'env Env, path: String, body: Option<&Document>) -> Result<Object<'env>> {
        let (sandbox, body) = (Arc::clone(&self.0), body.map(|body| body.0.clone()));
        let control = blocking(move || sandbox.control(&path, body.as_ref()));
        promise(env, spawn(&token(None), control), Document)
    }

    /// A load that fits the carrier's stock, or this offer of it.
    #[napi]
    pub fn load<'env>(&self, env: &'env Env, load_id: String, offer: Option<&Document>) -> Result<Object<'env>> {
        let (sandbox, offer) = (Arc::clone(&self.0), offer.map(|offer| offer.0.clone()));
        let load = blocking(move || sandbox.load(&load_id, offer.as_ref()));
        promise(env, spawn(&token(None), load), Document)
    }

    /// Ends the carrier and waits for it.
    #[napi]
    pub fn stop<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let sandbox = Arc::clone(&self.0);
        let stop = blocking(move || {
            sandbox.stop();
            Ok(())
        });
        promise(env, spawn(&token(None), stop), |()| ())
    }
}

/// Work that blocks its thread, on a thread for such work.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> gladhand_ffi::Result<T> + Send + 'static,
) -> gladhand_ffi::Result<T> {
    let task = gladhand_ffi::runtime::get()?.spawn_blocking(work);
    task.await.unwrap_or_else(|e| Err(Error::new(Code::InternalPanic, "the sandbox's thread ended").caused_by(&e)))
}
