//! Notes whether a server asked for the client certificate. One per connection: rustls tells of it only by asking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

/// The generation's resolver, with a memory.
#[derive(Debug)]
pub(super) struct Asked {
    inner: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Asked {
    pub(super) fn new(inner: Arc<dyn ResolvesClientCert>) -> Arc<Self> {
        Arc::new(Self { inner, asked: AtomicBool::new(false) })
    }

    /// Whether the certificate was asked for.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Release);
        self.inner.resolve(hints, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
