//! An identity in memory: the program gives PEM, and gives other PEM when it is renewed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gladhand_documents::error::Result;
use tokio::sync::watch;

use super::pem::Contents;
use super::{Change, Identity, Material, PemUpdate};
use crate::clock::SharedClock;
use crate::config::{PemIdentity, PemSource};
use crate::transport::BoxFuture;

/// PEM in memory.
pub struct InlineIdentity {
    clock: SharedClock,
    present: Mutex<(PemIdentity, Option<PemSource>)>,
    news: watch::Sender<Option<Arc<Material>>>,
    heard: tokio::sync::Mutex<watch::Receiver<Option<Arc<Material>>>>,
}

impl InlineIdentity {
    /// An identity of these texts.
    pub fn new(pem: PemIdentity, crl: Option<PemSource>, clock: SharedClock) -> Self {
        let (news, heard) = watch::channel(None);
        Self { clock, present: Mutex::new((pem, crl)), news, heard: tokio::sync::Mutex::new(heard) }
    }

    fn present(&self) -> MutexGuard<'_, (PemIdentity, Option<PemSource>)> {
        // Only ever replaced as a whole.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn material(&self, pem: &PemIdentity, crl: Option<&PemSource>) -> Result<Arc<Material>> {
        Material::of_pem(&Contents::read(pem, crl)?, &*self.clock).map(Arc::new)
    }
}

impl Identity for InlineIdentity {
    fn load(&self) -> BoxFuture<'_, Result<Arc<Material>>> {
        let (pem, crl) = self.present().clone();
        Box::pin(async move { self.material(&pem, crl.as_ref()) })
    }

    fn change(&self) -> BoxFuture<'_, Change> {
        Box::pin(async move {
            let mut heard = self.heard.lock().await;
            loop {
                if heard.changed().await.is_err() {
                    // The sender is a field beside it.
                    std::future::pending::<()>().await;
                }
                if let Some(material) = heard.borrow_and_update().clone() {
                    return Change::Renewed(material);
                }
            }
        })
    }

    fn update(&self, update: PemUpdate) -> Result<Arc<Material>> {
        let mut present = self.present();
        let (mut pem, mut crl) = present.clone();
        if let Some((certificate, private_key)) = update.pair {
            (pem.certificate, pem.private_key) = (certificate, private_key);
        }
        pem.trust = update.trust.unwrap_or(pem.trust);
        crl = update.crl.or(crl);
        let material = self.material(&pem, crl.as_ref())?;
        *present = (pem, crl);
        self.news.send_replace(Some(material.clone()));
        Ok(material)
    }
}

impl fmt::Debug for InlineIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InlineIdentity")
    }
}
