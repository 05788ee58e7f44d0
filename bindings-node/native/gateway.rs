//! The vehicle side.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;

use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::error::raise;
use crate::promise::promise;

/// A vehicle gateway.
#[napi]
pub struct Gateway(gladhand_ffi::Gateway);

#[napi]
impl Gateway {
    /// Connects.
    #[napi]
    pub fn connect<'env>(
        env: &'env Env,
        path: Option<String>,
        settings: Vec<(String, String)>,
        cancel: Option<&CancelToken>,
    ) -> Result<Object<'env>> {
        promise(env, gladhand_ffi::Gateway::connect(path, settings, &token(cancel)), Self)
    }

    /// Takes a record; never waits.
    #[napi]
    pub fn publish(&self, env: Env, record: &Document) -> Result<Document> {
        self.0.publish(&record.0).map(Document).map_err(|error| raise(env, &error))
    }

    /// Waits until everything is acknowledged or declared lost.
    #[napi]
    pub fn flush<'env>(&self, env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
        promise(env, self.0.flush(&token(cancel)), Document)
    }

    /// What became of the records.
    #[napi]
    pub fn stats(&self, env: Env) -> Result<Document> {
        self.0.stats().map(Document).map_err(|error| raise(env, &error))
    }

    /// Sends what waits, and ends.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        promise(env, self.0.close(&token(None)), Document)
    }
}
