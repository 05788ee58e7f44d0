//! The client registry: an id, the certificate identity it must present on every connection, its assertion key, the
//! tenant it acts for and the scopes it may ask for.

use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

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

/// What the data sharing agreement covers; absent means not given (identity §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Live positions.
    pub position: bool,
    /// Personal data of drivers.
    pub driver_pii: bool,
    /// Use for analytics.
    pub analytics: bool,
}

impl Default for Consent {
    fn default() -> Self {
        Self { position: true, driver_pii: false, analytics: false }
    }
}

/// A registered client.
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// The URI name its certificate must carry.
    pub uri: String,
    /// The key of its assertions.
    pub assertion_key: DecodingKey,
    /// The partner organisation.
    pub partner_id: String,
    /// The tenant it acts for.
    pub tenant: String,
    /// Scopes it may ask for.
    pub scopes: &'static [&'static str],
}
