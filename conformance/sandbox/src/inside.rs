//! A carrier inside the caller's process, on the caller's runtime and clock: no socket, no thread. For simulations, which
//! make many carriers of one blueprint and decide themselves what becomes of each message.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use gladhand_documents::error::{Code, Error, Result};
use http::{Request, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::ca::Pair;
use crate::carrier::{Carrier, Parts};
use crate::clock::Clock;
use crate::credentials::{self, Facts, Role};
use crate::fingerprints::Presented;
use crate::oauth::OAuth;
use crate::oauth::clients::Client;
use crate::peer::Peer;
use crate::pki::Pki;
use crate::security::Security;
use crate::serve::Hangup;
use crate::start::keep_time;
use crate::tls::Door;
use crate::{Options, api, tls};

/// What is made once: authorities, certificates, clients.
pub struct Blueprint {
    dir: PathBuf,
    name: String,
    url: String,
    good: Pair,
    spiffe_id: String,
    roles: Vec<Role>,
    clients: Vec<Client>,
    pki: Arc<Pki>,
    peer: Peer,
    config_path: PathBuf,
}

impl Blueprint {
    /// A carrier that clients know by this address. Its credentials are written to the folder, which must exist.
    pub fn new(dir: &Path, options: &Options, url: &str) -> Result<Self> {
        let made = credentials::make(dir, options)?;
        let scac = crate::carrier::scac(&options.carrier);
        let facts = Facts { url, origin: url, scac: &scac, spiffe_id: &made.spiffe_id };
        let config_path = credentials::write_configurations(dir, options, &made.roles, &facts)?;
        let failed = || Error::new(Code::SandboxFailed, "the client's certificate cannot be read");
        let certificate = CertificateDer::from_pem_file(dir.join("client.pem")).map_err(|_| failed())?;
        let peer = Peer::from_der(&certificate).ok_or_else(failed)?;
        Ok(Self {
            dir: dir.to_owned(),
            name: options.carrier.clone(),
            url: url.to_owned(),
            pki: Arc::new(made.pki),
            good: made.carrier,
            spiffe_id: made.spiffe_id,
            roles: made.roles,
            clients: made.clients,
            peer,
            config_path,
        })
    }

    /// The TMS, by the certificate in the folder.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// `gladhand.toml` of the TMS.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// A new carrier with a full stock and no tenders. Needs a runtime: its deadlines take effect on it.
    pub fn carrier(&self, clock: Clock) -> Result<Inside> {
        let security = Arc::<Security>::default();
        let good = self.good.clone();
        let carrier = Arc::new(Carrier::new(Parts {
            name: self.name.clone(),
            origin: self.url.clone(),
            reached: self.url.clone(),
            dir: self.dir.clone(),
            oauth: OAuth::new(self.clients.iter().map(unused).collect(), None, None)?,
            webhook_tls: tls::client_config(&good, &self.pki)?,
            door: Arc::new(Door::new(self.pki.clone(), security.clone(), good.clone(), false)?),
            pki: self.pki.clone(),
            good,
            spiffe_id: self.spiffe_id.clone(),
            roles: self.roles.clone(),
            agent: None,
            security,
            clock,
        })?);
        tokio::spawn(keep_time(carrier.clone()));
        Ok(Inside { router: api::router(carrier.clone()), carrier })
    }
}

/// The same client, at a carrier that has not met it yet.
fn unused(client: &Client) -> Client {
    Client {
        id: client.id.clone(),
        name: client.name.clone(),
        partner_id: client.partner_id.clone(),
        tenant: client.tenant.clone(),
        scopes: client.scopes.clone(),
        consent: client.consent,
        keys: Mutex::new(client.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()),
        published: None,
    }
}

/// A carrier without sockets. When it is dropped, its deadlines no longer take effect by themselves.
pub struct Inside {
    /// The carrier.
    pub carrier: Arc<Carrier>,
    router: Router,
}

impl Inside {
    /// Executes one call, on a connection that showed the certificate of `peer`. Nothing where the carrier would have dropped
    /// the connection instead of answering.
    pub async fn call(&self, request: Request<Bytes>, peer: &Peer) -> Option<Response<Bytes>> {
        let mut request = request.map(Body::from);
        let hangup = Hangup { drop: CancellationToken::new(), freeze: CancellationToken::new() };
        let presented = Presented::of(request.headers());
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(presented);
        request.extensions_mut().insert(hangup.clone());
        let response = tokio::select! {
            biased;
            () = hangup.drop.cancelled() => return None,
            response = self.router.clone().oneshot(request) => response.ok()?,
        };
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.ok()?;
        Some(Response::from_parts(parts, body))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.carrier.stop.cancel();
    }
}
