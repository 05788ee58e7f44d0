//! Watches the source of the identity and publishes what it yields, at every carrier. One task per client; it ends with
//! the client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use gladhand_documents::error::{Code, Error, Result};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Change, Identity, Material, PemUpdate};
use crate::auth::Authorized;
use crate::clock::{SharedClock, within};
use crate::observe::{Activity, Expiry, SecurityEvent, SecurityLog};
use crate::trace;

/// How long a caller who asked for a rotation waits for it; it goes on without them.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the present certificate is looked at for its end.
const GLANCE: Duration = Duration::from_secs(30);

/// The source of one client, and the carriers that use it.
pub(crate) struct Rotation {
    identity: Arc<dyn Identity>,
    material: ArcSwap<Material>,
    carriers: Vec<Authorized>,
    clock: SharedClock,
    security: SecurityLog,
}

impl Rotation {
    /// A rotation that begins with this material.
    pub(crate) fn new(
        identity: Arc<dyn Identity>,
        material: Arc<Material>,
        carriers: Vec<Authorized>,
        clock: SharedClock,
        security: SecurityLog,
    ) -> Arc<Self> {
        let rotation = Self { identity, material: ArcSwap::new(material.clone()), carriers, clock, security };
        rotation.tell_lists(None, &material);
        Arc::new(rotation)
    }

    /// Watches until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        // Aborted with this task: a client that is closed publishes nothing more.
        let mut publications = JoinSet::new();
        loop {
            let change = tokio::select! {
                () = stop.cancelled() => return,
                change = self.identity.change() => change,
                _ = publications.join_next(), if !publications.is_empty() => continue,
                () = self.clock.sleep(GLANCE) => {
                    self.carriers.iter().for_each(|carrier| carrier.epochs().expire());
                    continue;
                }
            };
            match change {
                Change::Renewed(material) => {
                    self.take_in(&material);
                    for carrier in &self.carriers {
                        publications.spawn(publish(carrier.clone(), material.clone(), false));
                    }
                }
                Change::Unusable(error) => {
                    let present = self.material.load();
                    let event = SecurityEvent::failed(Activity::RotationFailed, &error);
                    self.security.emit(&event.fact("kept", present.facts().fingerprint()));
                    tracing::warn!(target: "gladhand::identity", error = error.message(), "the new identity is not usable");
                }
                Change::Withdrawn(why) => self.take_away(&why),
            }
        }
    }

    /// Takes other PEM where the identity is in memory. Publication as [`Rotation::rotate`].
    pub(crate) async fn update(&self, pem: PemUpdate) -> Result<()> {
        let material = self.identity.update(pem)?;
        // The watching task hears of it too; whoever comes second finds it done.
        self.take_in(&material);
        self.publish_everywhere(&material, false).await
    }

    /// Publishes a new generation of the present material: new connections, new tokens, a new DPoP key. Returns when it
    /// is in use at every carrier.
    ///
    /// Errors: `identity_revoked` after the material was taken away; `token_unavailable` if an issuer keeps it waiting,
    /// while the publication goes on.
    pub(crate) async fn rotate(&self) -> Result<()> {
        let material = self.material.load_full();
        for carrier in &self.carriers {
            carrier.generation().end().check()?;
        }
        self.publish_everywhere(&material, true).await
    }

    async fn publish_everywhere(&self, material: &Arc<Material>, again: bool) -> Result<()> {
        let publications: JoinSet<Result<()>> = self
            .carriers
            .iter()
            .map(|carrier| trace::resume(trace::current(), publish(carrier.clone(), material.clone(), again)))
            .collect();
        let outcomes = tokio::spawn(publications.join_all());
        let outcomes = within(&*self.clock, PATIENCE, outcomes).await.ok_or_else(|| {
            Error::new(
                Code::TokenUnavailable,
                "an issuer gives no token for the new identity yet; the old one stays until then",
            )
        })?;
        let outcomes =
            outcomes.map_err(|error| Error::new(Code::InternalPanic, "a publication ended early").caused_by(&error))?;
        outcomes.into_iter().collect()
    }

    /// Takes the identity away at every carrier.
    pub(crate) fn take_away(&self, why: &Error) {
        for carrier in &self.carriers {
            carrier.epochs().revoke(why);
        }
        let event = SecurityEvent::new(Activity::IdentityRevoked).code(why.code());
        self.security.emit(&event.fact("fingerprint", self.material.load().facts().fingerprint()));
    }

    /// The certificate, the trust anchors and the revocation lists.
    pub(crate) fn expiries(&self) -> Vec<Expiry> {
        self.material.load().expiries()
    }

    fn take_in(&self, material: &Arc<Material>) {
        let old = self.material.swap(material.clone());
        self.tell_lists(Some(&old), material);
    }

    fn tell_lists(&self, old: Option<&Material>, new: &Material) {
        let known = old.map_or(&[][..], |old| old.revocation().facts());
        for list in new.revocation().facts().iter().filter(|list| !known.contains(list)) {
            let event = SecurityEvent::new(Activity::RevocationListLoaded)
                .fact("fingerprint", &list.fingerprint)
                .fact("issuer", &list.issuer)
                .fact("next_update", list.next_update)
                .fact("revoked", list.revoked);
            self.security.emit(&event);
        }
    }
}

async fn publish(carrier: Authorized, material: Arc<Material>, again: bool) -> Result<()> {
    let outcome = carrier.renew(material, again).await;
    if let Err(error) = &outcome {
        carrier.record(SecurityEvent::failed(Activity::RotationFailed, error));
    }
    outcome.map(drop)
}

impl fmt::Debug for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation").field("identity", &self.identity).finish_non_exhaustive()
    }
}
