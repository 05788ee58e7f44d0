//! A SPIFFE Workload API (X.509) on a unix socket: SVIDs for the TMS and for its vehicle gateway that rotate at half of
//! their life, their bundle and the carrier's federated one, and the ways in which such an agent lets a workload down.
//!
//! * [`wire`]: the messages. [`api`]: the service and its socket.
//!
//! There is no attestation: whoever may open the socket is the workload.

pub mod api;
pub mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gladhand_documents::error::Result;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ca::{Pair, Wanted};
use crate::canaries;
use crate::credentials::{CARRIERS_DOMAIN, Role, TRUST_DOMAIN};
use crate::pki::{Branch, Pki};
use wire::{X509BundlesResponse, X509Svid, X509SvidResponse};

/// The agent: what it would answer at the moment.
pub struct Agent {
    pki: Arc<Pki>,
    workloads: Vec<Workload>,
    state: watch::Sender<State>,
}

struct Workload {
    hint: &'static str,
    uri: String,
    wanted: Wanted,
}

/// What the agent has to say, and how it lets its workloads down.
#[derive(Clone, Debug)]
pub struct State {
    /// One per workload.
    svids: Vec<Pair>,
    /// Lifetime of SVIDs, in seconds.
    pub lifetime_s: u32,
    /// The workload has no identity any more: `PERMISSION_DENIED`.
    pub withdrawn: bool,
    /// The agent is not ready: `UNAVAILABLE`.
    pub unavailable: bool,
    /// The bundle of the own trust domain holds nothing.
    pub empty_bundle: bool,
    /// The carrier's trust domain is not federated with any more.
    pub remove_federated: bool,
    /// The other workload's SVID comes first.
    pub reversed: bool,
    /// SVIDs are not renewed: they run out.
    pub frozen: bool,
}

impl Agent {
    /// An agent for these workloads.
    pub fn new(pki: Arc<Pki>, roles: &[Role], lifetime_s: u32) -> Result<Arc<Self>> {
        let workloads = roles.iter().filter(|role| role.name != "other");
        let workloads: Vec<Workload> =
            workloads.map(|role| Workload { hint: role.name, uri: role.uri.clone(), wanted: role.wanted() }).collect();
        let state = State {
            svids: issue(&pki, &workloads, lifetime_s)?,
            lifetime_s,
            withdrawn: false,
            unavailable: false,
            empty_bundle: false,
            remove_federated: false,
            reversed: false,
            frozen: false,
        };
        Ok(Arc::new(Self { pki, workloads, state: watch::Sender::new(state) }))
    }

    /// Issues new SVIDs and tells every workload that listens.
    pub fn rotate(&self) -> Result<()> {
        let lifetime_s = self.state.borrow().lifetime_s;
        let svids = issue(&self.pki, &self.workloads, lifetime_s)?;
        self.state.send_modify(|state| state.svids = svids);
        Ok(())
    }

    /// Changes what it says; every workload that listens hears of it.
    pub fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// A view that wakes on each change.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Rotates at half of the SVIDs' life until `stop`.
    pub async fn keep_fresh(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let half = Duration::from_secs(self.state.borrow().lifetime_s.into()) / 2;
            let mut changed = self.watch();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(half) => {
                    if self.state.borrow().frozen {
                        continue;
                    }
                    if let Err(error) = self.rotate() {
                        tracing::error!(%error, "no new SVIDs");
                    }
                }
                // A rotation by hand or another lifetime starts the wait anew.
                _ = changed.changed() => {}
            }
        }
    }

    /// The SVIDs in the order in which `role` gets them: its own first.
    fn svids(&self, role: &str, state: &State) -> X509SvidResponse {
        let bundle = if state.empty_bundle { Vec::new() } else { self.pki.clients_root().to_vec() };
        let mut svids: Vec<X509Svid> = self
            .workloads
            .iter()
            .zip(&state.svids)
            .map(|(workload, pair)| X509Svid {
                spiffe_id: workload.uri.clone(),
                x509_svid: pair.chain().iter().flat_map(|certificate| certificate.to_vec()).collect(),
                x509_svid_key: pair.key_der().to_vec(),
                bundle: bundle.clone(),
                hint: workload.hint.to_owned(),
            })
            .collect();
        svids.sort_by_key(|svid| (svid.hint != role) != state.reversed);
        X509SvidResponse { svids, crl: Vec::new(), federated_bundles: self.federated(state) }
    }

    fn bundles(&self, state: &State) -> X509BundlesResponse {
        let mut bundles = self.federated(state);
        if !state.empty_bundle {
            bundles.insert(TRUST_DOMAIN.to_owned(), self.pki.clients_root().to_vec());
        }
        X509BundlesResponse { crl: Vec::new(), bundles }
    }

    fn federated(&self, state: &State) -> HashMap<String, Vec<u8>> {
        if state.remove_federated {
            return HashMap::new();
        }
        HashMap::from([(CARRIERS_DOMAIN.to_owned(), self.pki.servers_root().to_vec())])
    }

    /// What it says, as control shows it.
    pub fn to_json(&self) -> Value {
        let state = self.state.borrow();
        let svid = |(workload, pair): (&Workload, &Pair)| {
            json!({
                "spiffeId": workload.uri, "fingerprint": pair.fingerprint, "notAfter": pair.not_after * 1000,
            })
        };
        json!({
            "svids": self.workloads.iter().zip(&state.svids).map(svid).collect::<Vec<_>>(),
            "lifetimeS": state.lifetime_s,
            // The keeper's own view is taken and dropped; those that last are streams.
            "streams": self.state.receiver_count().saturating_sub(1),
        })
    }
}

fn issue(pki: &Pki, workloads: &[Workload], lifetime_s: u32) -> Result<Vec<Pair>> {
    let issue = |workload: &Workload| {
        let wanted = workload.wanted.clone().lasting(lifetime_s.into());
        pki.issue(Branch::Clients, &wanted).inspect(|pair| canaries::note_keys(&pair.key_pem))
    };
    workloads.iter().map(issue).collect()
}
