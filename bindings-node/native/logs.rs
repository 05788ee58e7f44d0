//! What the core logs, called back in batches: the next one is taken when the listener has returned from the last.

use std::collections::BTreeMap;

use gladhand_ffi::logs::{Level, LogRecord, Logs};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Result, Status};
use napi_derive::napi;
use tokio::sync::oneshot;

use crate::error::raise;

/// One record.
#[napi(object, object_from_js = false)]
pub struct LogFields {
    /// Milliseconds since 1970.
    pub at_ms: f64,
    /// `error` to `trace`.
    pub level: &'static str,
    /// Which part of the core.
    pub logger: String,
    /// What happened.
    pub message: String,
    /// The facts.
    pub fields: BTreeMap<&'static str, String>,
    /// The trace of the call that it happened in.
    pub trace_id: Option<String>,
}

impl From<LogRecord> for LogFields {
    fn from(record: LogRecord) -> Self {
        Self {
            at_ms: record.at.as_duration().as_secs_f64() * 1000.0,
            level: record.level.as_str(),
            logger: record.logger(),
            message: record.message,
            fields: record.fields.into_iter().collect(),
            trace_id: record.trace_id,
        }
    }
}

/// A listener at work.
#[napi]
pub struct LogListener(gladhand_ffi::CancelToken);

#[napi]
impl LogListener {
    /// Calls back with batches until it is closed. Does not keep the process alive.
    #[napi(factory)]
    pub fn start(env: Env, level: Option<String>, callback: Function<'_, Vec<LogFields>, ()>) -> Result<Self> {
        let level = Level::parse(level.as_deref()).map_err(|error| raise(env, &error))?;
        let call = callback
            .build_threadsafe_function::<Vec<LogFields>>()
            .weak::<true>()
            .callee_handled::<false>()
            .max_queue_size::<0>()
            .build_callback(|context| Ok(context.value))?;
        let logs = Logs::open(level);
        let token = gladhand_ffi::CancelToken::new();
        let cancel = token.clone();
        drop(gladhand_ffi::spawn(&token, async move {
            while let Some(batch) = logs.next(&cancel).await? {
                let (returned, heard) = oneshot::channel();
                let batch = batch.into_iter().map(LogFields::from).collect();
                let status =
                    call.call_with_return_value(batch, ThreadsafeFunctionCallMode::NonBlocking, |_: Result<()>, _| {
                        let _ = returned.send(());
                        Ok(())
                    });
                // An environment that goes away, such as a worker that ends, never returns.
                if status == Status::Closing || heard.await.is_err() {
                    break;
                }
            }
            Ok(())
        }));
        Ok(Self(token))
    }

    /// Ends it.
    #[napi]
    pub fn close(&self) {
        self.0.cancel();
    }
}

/// Logs so many records, as fast as it can: for tests.
#[cfg(feature = "testing")]
#[napi(js_name = "TESTING_log")]
pub fn testing_log(env: &Env, count: f64) -> Result<napi::bindgen_prelude::Object<'_>> {
    let task = gladhand_ffi::testing::log(count as u64, &gladhand_ffi::CancelToken::new());
    crate::promise::promise(env, task, |value| value as f64)
}
