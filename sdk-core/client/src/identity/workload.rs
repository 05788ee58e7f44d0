//! An identity of the SPIFFE Workload API: X.509-SVID, its bundle and the federated ones, as one stream of updates.
//! The crate `spiffe` speaks the protocol and stays behind this file; which SVID is ours, what an update means and when to
//! ask again is decided here. The protocol's own revocation lists are not read by the crate: lists come from `identity.crl`.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use gladhand_documents::error::{Code, Error, Result};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use spiffe::{WorkloadApiClient, WorkloadApiError, X509Context, X509Svid};
use tokio::sync::Mutex;

use super::list_file::ListFile;
use super::material::signing_key;
use super::{Anchors, Change, Identity, Material, RevocationLists, SpiffeId, Trust};
use crate::clock::SharedClock;
use crate::config::PemSource;
use crate::transport::BoxFuture;

/// How long the first SVID may take.
const START: Duration = Duration::from_secs(5);
/// The wait before the first further attempt; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);
/// How often the revocation lists are looked at.
const LOOK: Duration = Duration::from_millis(250);

type Updates = Pin<Box<dyn Stream<Item = Result<X509Context, WorkloadApiError>> + Send>>;

/// The Workload API of this host.
pub struct SpiffeIdentity {
    endpoint: Option<String>,
    clock: SharedClock,
    state: Mutex<State>,
}

/// The stream of updates. Kept in the state, so that whoever waits for it may stop waiting at any time.
enum Link {
    /// Connects, after the wait that the last failure costs.
    Opening(BoxFuture<'static, Result<Updates, WorkloadApiError>>),
    Open(Updates),
}

struct State {
    link: Link,
    /// Attempts in a row that came to nothing.
    failures: u32,
    /// The SVID that is ours: configured, or the default one of the first update. It does not change with the order of
    /// later updates.
    own: Option<SpiffeId>,
    present: Option<Parts>,
    lists: Option<ListFile>,
    withdrawn: bool,
    /// The last problem told, so that it is told once.
    told: Option<String>,
}

/// What an update consists of, in our own types.
#[derive(Clone, PartialEq, Eq)]
struct Parts {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<zeroize::Zeroizing<Vec<u8>>>,
    bundles: BTreeMap<String, Vec<CertificateDer<'static>>>,
}

impl SpiffeIdentity {
    /// An identity of this endpoint, or of the one that `SPIFFE_ENDPOINT_SOCKET` names. `id`: which of several SVIDs.
    pub fn new(endpoint: Option<String>, id: Option<SpiffeId>, crl: Option<PemSource>, clock: SharedClock) -> Self {
        let link = Link::Opening(Box::pin(connect(endpoint.clone(), clock.clone(), Duration::ZERO)));
        let state = State {
            link,
            failures: 0,
            own: id,
            present: None,
            lists: crl.map(ListFile::new),
            withdrawn: false,
            told: None,
        };
        Self { endpoint, clock, state: Mutex::new(state) }
    }

    /// Connects again, later the more attempts in a row came to nothing.
    fn reopen(&self, state: &mut State) {
        let wait = FIRST.saturating_mul(1 << state.failures.min(8)).min(LONGEST);
        state.failures = state.failures.saturating_add(1);
        state.link = Link::Opening(Box::pin(connect(self.endpoint.clone(), self.clock.clone(), wait)));
    }

    /// The next update; connects first where there is no stream. Cancel-safe.
    async fn next(&self, state: &mut State) -> Result<X509Context, WorkloadApiError> {
        loop {
            let update = match &mut state.link {
                Link::Opening(opening) => match opening.await {
                    Ok(updates) => {
                        state.link = Link::Open(updates);
                        continue;
                    }
                    Err(error) => Some(Err(error)),
                },
                Link::Open(updates) => updates.next().await,
            };
            return match update {
                Some(Ok(context)) => {
                    state.failures = 0;
                    Ok(context)
                }
                // What cannot be read says nothing of the stream that it came over.
                Some(Err(error)) if is_content(&error) => Err(error),
                other => {
                    self.reopen(state);
                    Err(other.and_then(Result::err).unwrap_or(WorkloadApiError::EmptyResponse))
                }
            };
        }
    }

    async fn first(&self, state: &mut State) -> Result<Arc<Material>> {
        let mut last = unavailable("says nothing");
        let limit = self.clock.sleep(START);
        tokio::pin!(limit);
        loop {
            let update = tokio::select! {
                update = self.next(state) => update,
                () = &mut limit => return Err(last),
            };
            match update {
                Ok(context) => match state.take(&context).await {
                    Ok(Some(material)) => return Ok(material),
                    Ok(None) => {}
                    Err(error) => return Err(error),
                },
                Err(error @ (WorkloadApiError::Endpoint(_) | WorkloadApiError::MissingEndpointSocket)) => {
                    let why = "`identity.spiffe_endpoint` (or SPIFFE_ENDPOINT_SOCKET) names no usable socket";
                    return Err(Error::new(Code::ConfigInvalid, why).caused_by(&error));
                }
                Err(error) if is_refusal(&error) => return Err(unavailable("gives no identity").caused_by(&error)),
                Err(error) => last = unavailable("cannot be used").caused_by(&error),
            }
        }
    }

    async fn changed(&self, state: &mut State) -> Change {
        loop {
            let watching = state.lists.is_some();
            let update = tokio::select! {
                update = self.next(state) => Some(update),
                () = self.clock.sleep(LOOK), if watching => None,
            };
            let change = match update {
                None => state.look_at_lists().await,
                Some(Ok(context)) => match state.take(&context).await {
                    Ok(material) => material.map(Change::Renewed),
                    Err(error) if error.code() == Code::IdentityUnavailable => state.withdraw(error),
                    Err(error) => state.unusable(error),
                },
                Some(Err(error)) if is_refusal(&error) => {
                    state.withdraw(unavailable("takes the identity away").caused_by(&error))
                }
                Some(Err(error)) => {
                    state.unusable(unavailable("gives nothing usable; the last good identity stays").caused_by(&error))
                }
            };
            if let Some(change) = change {
                return change;
            }
        }
    }
}

impl State {
    /// The material of an update; nothing if it is what there is. Error `identity_unavailable` if our SVID is not in it.
    async fn take(&mut self, context: &X509Context) -> Result<Option<Arc<Material>>> {
        let svid = match &self.own {
            Some(own) => context.svids().iter().find(|svid| svid.spiffe_id().to_string() == own.as_str()),
            None => context.default_svid(),
        };
        let svid = svid.ok_or_else(|| match &self.own {
            Some(own) => unavailable(&format!("gives no SVID of {own}")),
            None => unavailable("gives no SVID"),
        })?;
        let parts = Parts::of(svid, context);
        if self.present.as_ref() == Some(&parts) && !self.withdrawn {
            return Ok(None);
        }
        let lists = match &mut self.lists {
            Some(file) => file.load().await?,
            None => RevocationLists::none(),
        };
        let material = parts.material(lists)?;
        if self.own.is_none() {
            self.own = SpiffeId::parse(&svid.spiffe_id().to_string()).ok();
        }
        self.present = Some(parts);
        self.withdrawn = false;
        self.told = None;
        Ok(Some(material))
    }

    async fn look_at_lists(&mut self) -> Option<Change> {
        let outcome = self.lists.as_mut()?.look().await?;
        let parts = self.present.as_ref().filter(|_| !self.withdrawn)?;
        match outcome.and_then(|lists| parts.material(lists)) {
            Ok(material) => Some(Change::Renewed(material)),
            Err(error) => Some(Change::Unusable(error)),
        }
    }

    fn withdraw(&mut self, why: Error) -> Option<Change> {
        let first = !std::mem::replace(&mut self.withdrawn, true);
        first.then_some(Change::Withdrawn(why))
    }

    fn unusable(&mut self, error: Error) -> Option<Change> {
        let text = format!("{} {:?}", error.message(), error.causes());
        (self.told.as_ref() != Some(&text)).then(|| {
            self.told = Some(text);
            Change::Unusable(error)
        })
    }
}

impl Parts {
    fn of(svid: &X509Svid, context: &X509Context) -> Self {
        let der = |certificate: &spiffe::cert::Certificate| CertificateDer::from(certificate.as_bytes().to_vec());
        let bundles = context.bundle_set().iter().map(|(domain, bundle)| {
            (domain.as_str().to_owned(), bundle.authorities().iter().map(der).collect::<Vec<_>>())
        });
        Self {
            chain: svid.cert_chain().iter().map(der).collect(),
            key: Arc::new(zeroize::Zeroizing::new(svid.private_key().as_bytes().to_vec())),
            bundles: bundles.collect(),
        }
    }

    fn material(&self, lists: RevocationLists) -> Result<Arc<Material>> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.to_vec()));
        let key = signing_key(&key, "of the X.509-SVID")?;
        // A bundle without authorities trusts nobody of its domain, and says nothing of the others.
        let bundles = self.bundles.iter().filter(|(_, authorities)| !authorities.is_empty());
        let bundles = bundles
            .map(|(domain, authorities)| Ok((domain.clone(), Anchors::new(authorities.clone())?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        Material::new(self.chain.clone(), key, Trust::Bundles(bundles), lists).map(Arc::new)
    }
}

async fn connect(endpoint: Option<String>, clock: SharedClock, wait: Duration) -> Result<Updates, WorkloadApiError> {
    clock.sleep(wait).await;
    let client = match endpoint {
        Some(endpoint) => WorkloadApiClient::connect_to(endpoint).await?,
        None => WorkloadApiClient::connect_env().await?,
    };
    Ok(Box::pin(client.stream_x509_contexts().await?))
}

/// Whether an error is about what a message says, not about the connection.
fn is_content(error: &WorkloadApiError) -> bool {
    matches!(
        error,
        WorkloadApiError::MissingRequiredField { .. }
            | WorkloadApiError::InvalidResponseField { .. }
            | WorkloadApiError::X509Svid(_)
            | WorkloadApiError::X509Bundle(_)
            | WorkloadApiError::SpiffeId(_)
    )
}

/// Whether this workload has no identity (Workload API §6: `PERMISSION_DENIED`).
fn is_refusal(error: &WorkloadApiError) -> bool {
    matches!(error, WorkloadApiError::NoIdentityIssued | WorkloadApiError::PermissionDenied(_))
}

fn unavailable(why: &str) -> Error {
    Error::new(Code::IdentityUnavailable, format!("the Workload API {why}"))
}

impl Identity for SpiffeIdentity {
    fn load(&self) -> BoxFuture<'_, Result<Arc<Material>>> {
        Box::pin(async move {
            let material = self.first(&mut *self.state.lock().await).await?;
            material.check_validity(&*self.clock)?;
            Ok(material)
        })
    }

    fn change(&self) -> BoxFuture<'_, Change> {
        Box::pin(async move { self.changed(&mut *self.state.lock().await).await })
    }
}

impl fmt::Debug for SpiffeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiffeIdentity").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
