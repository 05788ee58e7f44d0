//! The client registry: an id, the certificate identity it must present on every connection, the keys of its assertions,
//! the partner and tenant it acts for, what it may ask for and what the agreement with it covers.

use std::sync::Mutex;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ca::Wanted;
use crate::peer::Peer;

/// Every scope of a TMS (contract 4.0).
pub const TMS_SCOPES: &[&str] = &[
    "capacity:read",
    "capacity:hold",
    "tender:read",
    "tender:write",
    "events:read",
    "webhooks:write",
    "dispatch:read",
    "command:stop",
    "command:resume",
    "command:route",
    "command:intervention",
    "command:hold",
    "documents:read",
    "reconcile:read",
    "telemetry:read",
];

/// Every scope of a vehicle gateway.
pub const GATEWAY_SCOPES: &[&str] = &["telemetry:write"];

/// What the data sharing agreement covers; absent means not given (identity §2), member by member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Live positions.
    pub position: bool,
    /// Personal data of drivers.
    pub driver_pii: bool,
    /// Use for analytics.
    pub analytics: bool,
}

impl Consent {
    /// What the sandbox's agreements cover unless control says otherwise.
    pub const USUAL: Self = Self { position: true, driver_pii: false, analytics: false };
}

/// By which name of its certificate a client is known (RFC 8705 §2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A URI name: `tls_client_auth_san_uri`.
    Uri(String),
    /// A DNS name: `tls_client_auth_san_dns`.
    Dns(String),
    /// The whole subject: `tls_client_auth_subject_dn`.
    Subject(String),
}

impl Name {
    /// Whether a certificate bears it.
    pub fn fits(&self, peer: &Peer) -> bool {
        match self {
            Self::Uri(uri) => peer.uris.contains(uri),
            Self::Dns(name) => peer.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::Subject(subject) => peer.subject == *subject,
        }
    }

    /// A certificate that bears it.
    pub fn certificate(&self, client_id: &str) -> Wanted {
        match self {
            Self::Uri(uri) => Wanted::client(client_id, uri),
            Self::Dns(name) => Wanted { uris: Vec::new(), dns: vec![name.clone()], ..Wanted::client(client_id, "") },
            Self::Subject(subject) => {
                let common_name = subject.strip_prefix("CN=").unwrap_or(subject);
                Wanted { uris: Vec::new(), ..Wanted::client(common_name, "") }
            }
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Uri(name) | Self::Dns(name) | Self::Subject(name) => name,
        }
    }
}

/// A registered client.
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The name that its certificate must bear.
    pub name: Name,
    /// The partner organisation.
    pub partner_id: String,
    /// The tenant it acts for.
    pub tenant: String,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Its own agreement, if it differs from the carrier's usual one.
    pub consent: Option<Consent>,
    /// The keys of its assertions.
    pub keys: Mutex<JwkSet>,
    /// Where its keys are published, if it publishes them, and when they were last asked for (Unix seconds).
    pub published: Option<(Url, Mutex<u64>)>,
}

impl Client {
    /// A client of one assertion key that is known by a URI name.
    pub fn new(id: String, uri: String, tenant: &str, scopes: &[&str], key: Jwk) -> Self {
        Self {
            id,
            name: Name::Uri(uri),
            partner_id: tenant.to_owned(),
            tenant: tenant.to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            consent: None,
            keys: Mutex::new(JwkSet { keys: vec![key] }),
            published: None,
        }
    }
}
