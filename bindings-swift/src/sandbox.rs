//! A local carrier for development and tests, as a handle.

use std::path::PathBuf;
use std::sync::Arc;

use gladhand_ffi::Sandbox;

use crate::document::DocumentHandle;
use crate::failure::Failure;
use crate::task::{CancelHandle, blocking, call};

/// A running sandbox carrier. It ends with its last handle.
#[derive(Debug, uniffi::Object)]
pub struct SandboxHandle(Arc<Sandbox>);

#[uniffi::export]
impl SandboxHandle {
    /// The ready line: `url`, `control`, `config`, `gatewayConfig`, `dir`, `pid`.
    pub fn ready(&self) -> Result<Arc<DocumentHandle>, Failure> {
        Ok(Arc::new(self.0.ready().clone().into()))
    }

    /// Calls the control interface: reads without a body, acts with one. Errors: `sandbox_failed`, `invalid_argument`.
    pub async fn control(
        &self,
        path: String,
        body: Option<Arc<DocumentHandle>>,
        cancel: Arc<CancelHandle>,
    ) -> Result<Arc<DocumentHandle>, Failure> {
        let sandbox = Arc::clone(&self.0);
        let body = body.map(|body| body.0.clone());
        call(&cancel, blocking(move || sandbox.control(&path, body.as_ref()))).await.map(DocumentHandle::shared)
    }

    /// A `LoadTender` that the carrier would take, for an offer or any.
    pub async fn load(
        &self,
        load_id: String,
        offer: Option<Arc<DocumentHandle>>,
        cancel: Arc<CancelHandle>,
    ) -> Result<Arc<DocumentHandle>, Failure> {
        let sandbox = Arc::clone(&self.0);
        let offer = offer.map(|offer| offer.0.clone());
        call(&cancel, blocking(move || sandbox.load(&load_id, offer.as_ref()))).await.map(DocumentHandle::shared)
    }

    /// Ends the carrier and waits for it.
    pub async fn stop(&self, cancel: Arc<CancelHandle>) -> Result<(), Failure> {
        let sandbox = Arc::clone(&self.0);
        call(
            &cancel,
            blocking(move || {
                sandbox.stop();
                Ok(())
            }),
        )
        .await
    }
}

/// Starts a carrier. Errors: `sandbox_unavailable`, `sandbox_failed`.
#[uniffi::export]
pub async fn start_sandbox(
    program: Option<String>,
    carrier: String,
    arguments: Vec<String>,
    cancel: Arc<CancelHandle>,
) -> Result<Arc<SandboxHandle>, Failure> {
    let program = program.map(PathBuf::from);
    let start = move || Sandbox::start_with(program.as_deref(), &carrier, &arguments);
    let sandbox = call(&cancel, blocking(start)).await?;
    Ok(Arc::new(SandboxHandle(Arc::new(sandbox))))
}

/// A carrier that somebody else started and ends, by its control address.
#[uniffi::export]
pub fn attach_sandbox(control: String) -> Result<Arc<SandboxHandle>, Failure> {
    Ok(Arc::new(SandboxHandle(Arc::new(Sandbox::attach(&control)?))))
}
