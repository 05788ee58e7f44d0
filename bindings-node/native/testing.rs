//! The functions `TESTING_…`, with which the tests try the bridge itself: panics, cancellation, errors, streams and callbacks.
//! Each does what its namesake in `gladhand_ffi::testing` says. Absent from releases.

use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

use gladhand_ffi::{spawn, testing};
use napi::bindgen_prelude::{Function, Object, Unknown};
use napi::{Env, Result};
use napi_derive::napi;

use crate::callback::Callback;
use crate::cancel::{CancelToken, token};
use crate::document::Document;
use crate::error::raise;
use crate::promise::promise;
use crate::stream::{DocumentStream, Pull};

/// Gives the number back.
#[napi(js_name = "TESTING_echo")]
pub fn echo(env: Env, value: i64) -> Result<i64> {
    testing::echo(value).map_err(|error| raise(env, &error))
}

/// Gives the number back by way of the runtime.
#[napi(js_name = "TESTING_round_trip")]
pub fn round_trip<'env>(env: &'env Env, value: i64, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
    promise(env, testing::round_trip(value, &token(cancel)), |value| value)
}

/// Gives the number back by way of a thread that does nothing else: the round trip of the host, without our runtime.
#[napi(js_name = "TESTING_bare_round_trip")]
pub fn bare_round_trip(env: &Env, value: i64) -> Result<Object<'_>> {
    type Job = Box<dyn FnOnce() + Send>;
    static THREAD: LazyLock<Sender<Job>> = LazyLock::new(|| {
        let (send, jobs) = channel::<Job>();
        std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        send
    });
    let (deferred, promise) = env.create_deferred()?;
    let settle = move || deferred.resolve(move |_| Ok(value));
    THREAD.send(Box::new(settle)).map_err(|_| napi::Error::from_reason("the thread has ended"))?;
    Ok(promise)
}

/// Panics.
#[napi(js_name = "TESTING_panic")]
pub fn panic(env: Env) -> Result<i64> {
    testing::panic().map_err(|error| raise(env, &error))
}

/// Panics on the runtime.
#[napi(js_name = "TESTING_panic_later")]
pub fn panic_later<'env>(env: &'env Env, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
    promise(env, testing::panic_later(&token(cancel)), |value| value)
}

/// Answers after so many milliseconds.
#[napi(js_name = "TESTING_slow")]
pub fn slow<'env>(env: &'env Env, milliseconds: u32, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
    promise(env, testing::slow(milliseconds.into(), &token(cancel)), |value| value)
}

/// Slow calls that have not ended.
#[napi(js_name = "TESTING_under_way")]
pub fn under_way() -> f64 {
    testing::under_way() as f64
}

/// Slow calls that were cancelled.
#[napi(js_name = "TESTING_cancelled")]
pub fn cancelled() -> f64 {
    testing::cancelled() as f64
}

/// Every code of the error table.
#[napi(js_name = "TESTING_codes")]
pub fn codes() -> Vec<&'static str> {
    testing::codes()
}

/// Fails with that code.
#[napi(js_name = "TESTING_fail")]
pub fn fail(env: Env, code: String) -> Result<i64> {
    testing::fail(&code).map_err(|error| raise(env, &error))
}

/// Fails with that code on the runtime.
#[napi(js_name = "TESTING_fail_later")]
pub fn fail_later<'env>(env: &'env Env, code: String, cancel: Option<&CancelToken>) -> Result<Object<'env>> {
    promise(env, testing::fail_later(&code, &token(cancel)), |value| value)
}

impl Pull for gladhand_ffi::stream::Stream<testing::Storm> {
    fn pull(&self, cancel: &gladhand_ffi::CancelToken) -> gladhand_ffi::Task<Option<gladhand_ffi::Document>> {
        self.next(cancel)
    }
    fn end(&self) {
        self.close();
    }
}

/// Documents with the numbers up to `count`, as a stream.
#[napi(js_name = "TESTING_storm")]
pub fn storm(count: u32) -> DocumentStream {
    DocumentStream::new(testing::storm(count.into()))
}

/// The same, called back.
#[napi(js_name = "TESTING_callback_storm")]
pub fn callback_storm(
    count: u32,
    callback: Function<'_, Document, Unknown<'static>>,
    failed: Function<'_, Unknown<'static>, Unknown<'static>>,
) -> Result<Callback> {
    let open = |token: &gladhand_ffi::CancelToken| spawn(token, async move { Ok(testing::storm(count.into())) });
    Callback::start(open, &callback, &failed)
}
