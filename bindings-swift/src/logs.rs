//! What the core logs, as batches to pull.

use std::collections::HashMap;
use std::sync::Arc;

use gladhand_ffi::logs::{Level, LogRecord, Logs};

use crate::failure::Failure;
use crate::task::CancelHandle;

/// A listener at work. Dropping it ends it.
#[derive(Debug, uniffi::Object)]
pub struct LogsHandle(Logs);

/// One record.
#[derive(Clone, Debug, uniffi::Record)]
pub struct LogFields {
    /// Seconds since 1970.
    pub at: f64,
    /// `error` to `trace`.
    pub level: String,
    /// Which part of the core.
    pub logger: String,
    /// What happened.
    pub message: String,
    /// The facts.
    pub fields: HashMap<String, String>,
    /// The trace of the call that it happened in.
    pub trace_id: Option<String>,
}

impl From<LogRecord> for LogFields {
    fn from(record: LogRecord) -> Self {
        Self {
            at: record.at.as_duration().as_secs_f64(),
            level: record.level.as_str().to_owned(),
            logger: record.logger(),
            message: record.message,
            fields: record.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            trace_id: record.trace_id,
        }
    }
}

/// Listens from now on.
#[uniffi::export]
pub fn listen_to_log(level: Option<String>) -> Result<Arc<LogsHandle>, Failure> {
    Ok(Arc::new(LogsHandle(Logs::open(Level::parse(level.as_deref())?))))
}

#[uniffi::export]
impl LogsHandle {
    /// The next records; nothing when there will be no more.
    pub async fn next(&self, cancel: Arc<CancelHandle>) -> Result<Option<Vec<LogFields>>, Failure> {
        let batch = self.0.next(&cancel.0).await?;
        Ok(batch.map(|records| records.into_iter().map(LogFields::from).collect()))
    }
}
