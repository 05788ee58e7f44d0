//! The vehicle gateway as a handle.

use std::collections::HashMap;
use std::sync::Arc;

use gladhand_ffi::Gateway;

use crate::client::ordered;
use crate::document::DocumentHandle;
use crate::failure::Failure;
use crate::task::CancelHandle;

/// The vehicle's side of the telemetry stream.
#[derive(Debug, uniffi::Object)]
pub struct GatewayHandle(Gateway);

/// Connects a gateway, as `connect_client`.
#[uniffi::export]
pub async fn connect_gateway(
    path: Option<String>,
    settings: HashMap<String, String>,
    cancel: Arc<CancelHandle>,
) -> Result<Arc<GatewayHandle>, Failure> {
    Ok(Arc::new(GatewayHandle(Gateway::connect(path, ordered(settings), &cancel.0).await?)))
}

#[uniffi::export]
impl GatewayHandle {
    /// Takes a record; never waits. Answers what became of it.
    pub fn publish(&self, record: Arc<DocumentHandle>) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.publish(&record.0)?))
    }

    /// Waits until everything published is acknowledged or declared lost. Answers the counts.
    pub async fn flush(&self, cancel: Arc<CancelHandle>) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.flush(&cancel.0).await?))
    }

    /// What became of the records.
    pub fn stats(&self) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.stats()?))
    }

    /// Numbers to watch it by.
    pub fn metrics(&self) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.metrics()?))
    }

    /// Sends what waits, and ends. Answers the counts.
    pub async fn close(&self, cancel: Arc<CancelHandle>) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(DocumentHandle::shared(self.0.close(&cancel.0).await?))
    }
}
