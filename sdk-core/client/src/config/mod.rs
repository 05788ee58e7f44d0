//! One configuration for four languages: `gladhand.toml`, then `GLADHAND_*` variables, then what the program sets itself;
//! the later wins. A wrong, missing or unknown setting is an error that names the key, never a silent default
//! (architecture, decision 9).
//!
//! * [`Config`]: everything a client needs, checked.
//! * [`ConfigBuilder`]: the same keys as methods.
//! * `keys`: the table of all keys, with what each means.
//! * `settings`: reads and layers the sources.
//! * `checked`: turns settings into typed values.

mod builder;
mod checked;
mod keys;
pub(crate) mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gladhand_documents::error::{Code, Error, Result};
use gladhand_protocol::proof::signer::Algorithm;
use gladhand_protocol::proof::webhook::WebhookKey;
use url::Url;

pub use builder::{CarrierSettings, ConfigBuilder};
pub use keys::{KEYS, Key};

use crate::identity::SpiffeId;
use crate::secret::Secret;

/// Everything that a client needs to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Which world this is, such as `production` or `sandbox`; part of every tender id.
    pub environment: String,
    /// Who we are at the carriers; part of every tender id.
    pub tenant: String,
    /// Calls that the carrier ends within so many days fail with `version_sunset` before they leave (contract 5). For CI:
    /// in production it would stop freight before its time.
    pub deny_deprecated_days: Option<u32>,
    /// Where the journal lies.
    pub journal: JournalConfig,
    /// Our certificate, our key and whom we trust.
    pub identity: IdentityConfig,
    /// The carriers by the name that the program calls them.
    pub carriers: BTreeMap<String, CarrierConfig>,
    /// The vehicle gateway, where this process is one.
    pub gateway: Option<GatewayConfig>,
}

/// `[journal]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalConfig {
    /// The SQLite file.
    pub path: PathBuf,
}

/// `[identity]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IdentityConfig {
    /// Where certificate, key and trust come from.
    pub source: IdentitySource,
    /// Certificate revocation lists; without them nothing is checked for revocation.
    pub crl: Option<PemSource>,
}

/// Where the identity comes from.
#[derive(Clone, Debug)]
pub enum IdentitySource {
    /// PEM, in files that are watched or in memory.
    Pem(PemIdentity),
    /// The SPIFFE Workload API.
    Spiffe {
        /// `unix:///path` or `tcp://address:port`; `SPIFFE_ENDPOINT_SOCKET` of the process's environment unless set.
        endpoint: Option<String>,
        /// Which of several SVIDs; the first one unless set.
        id: Option<SpiffeId>,
    },
}

/// An identity in PEM.
#[derive(Clone, Debug)]
pub struct PemIdentity {
    /// The client certificate and its chain.
    pub certificate: PemSource,
    /// The client certificate's private key.
    pub private_key: PemSource,
    /// The roots that the carriers' certificates must lead to.
    pub trust: PemSource,
}

/// `[carriers.<name>]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CarrierConfig {
    /// The name in this configuration.
    pub name: String,
    /// Where the carrier's API is.
    pub base_url: Url,
    /// Our OAuth client id there.
    pub client_id: String,
    /// How we authenticate at the authorization server.
    pub client_auth: ClientAuth,
    /// The authorization server's identifier (RFC 8414 §2), compared character by character.
    pub issuer: String,
    /// The audience that tokens are asked for (RFC 8707 §2).
    pub resource: String,
    /// Origins that the metadata may point to, beside those of `issuer` and `base_url`.
    pub allowed_origins: Vec<String>,
    /// The carrier's SCAC.
    pub scac: Option<String>,
    /// Where the telemetry service is; the origin of `base_url` unless set.
    pub telemetry_url: Url,
    /// The name that the carrier's certificate must carry; the host of the address unless set.
    pub server_name: Option<String>,
    /// The SPIFFE IDs that the carrier may have: exact ones, or trust domains. Empty: it is known by its host name.
    pub spiffe_id: Vec<SpiffeId>,
    /// The lowest version of TLS that is spoken with it.
    pub tls_minimum: TlsMinimum,
    /// What proofs name as address, where a gateway rewrites paths (RFC 9449 §4.2); `base_url` unless set.
    pub htu_base: Option<Url>,
    /// How long one attempt may take.
    pub deadline: Duration,
    /// The key that proves possession.
    pub dpop: DpopConfig,
    /// Whether a token may be signed by RS256 (FAPI 2.0 §5.4.1 forbids it; some servers know nothing else).
    pub allow_rs256: bool,
    /// How long a new assertion key is published before it signs: at least as long as the authorization server caches our
    /// key set.
    pub assertion_key_lead: Duration,
    /// Seconds that are added to our clock in proofs and assertions, where this machine's clock cannot be set.
    pub clock_offset_s: i64,
    /// A shared secret by which webhooks may be signed too (HMAC), in tests.
    pub webhook_test_key: Option<WebhookKey>,
}

/// The key that proves possession (RFC 9449).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DpopConfig {
    /// How it signs; ES256 unless set.
    pub algorithm: Algorithm,
    /// A key of our own; a new one per process and generation unless set.
    pub key: Option<PemSource>,
}

/// The lowest version of TLS that is spoken with a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMinimum {
    /// TLS 1.2, with the four suites of BCP 195 that the policy names.
    Tls12,
    /// TLS 1.3.
    #[default]
    Tls13,
}

/// `[gateway]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatewayConfig {
    /// The id that the gateway is registered under at the carrier.
    pub producer: String,
    /// The folder of the spool; without one, what is not acknowledged is kept in memory and lost with the process.
    pub spool: Option<PathBuf>,
    /// What all lanes together may hold, bytes.
    pub spool_bytes: Option<u64>,
    /// How long a routine or diagnostic record may wait for others to share its frame: what a crash can lose of them.
    pub linger: Option<Duration>,
}

/// How a client authenticates at the authorization server.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// A signed assertion (RFC 7523 §2.2) with this key.
    PrivateKeyJwt {
        /// The signing key, PEM.
        assertion_key: PemSource,
    },
    /// The client certificate itself (RFC 8705 §2.1).
    TlsClientAuth,
}

/// PEM, in a file or inline.
#[derive(Clone, Debug)]
pub enum PemSource {
    /// A file.
    File(PathBuf),
    /// The PEM text itself.
    Inline(Secret),
}

impl PemSource {
    /// What to call it in a message: the path, or `inline PEM`.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => format!("`{}`", path.display()),
            Self::Inline(_) => "inline PEM".to_owned(),
        }
    }
}

impl Config {
    /// Reads the file that `GLADHAND_CONFIG` names, else `gladhand.toml` in the working folder if there is one, and the
    /// `GLADHAND_*` variables of this process.
    pub fn load() -> Result<Self> {
        Self::builder().environment_variables().default_file().build()
    }

    /// Reads this file, and the `GLADHAND_*` variables of this process. Relative paths in the file are relative to it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().environment_variables().file(path.as_ref()).build()
    }

    /// Reads a TOML text alone; relative paths in it are relative to `base`.
    pub fn from_toml(text: &str, base: impl AsRef<Path>) -> Result<Self> {
        Self::builder().toml(text, base.as_ref()).build()
    }

    /// The same keys as methods.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// The carrier of this name; `carrier_unknown` lists those that there are.
    pub fn carrier(&self, name: &str) -> Result<&CarrierConfig> {
        self.carriers.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.carriers.keys().map(String::as_str).collect();
            Error::new(
                Code::CarrierUnknown,
                format!("there is no [carriers.{name}]; the configuration has {}", known.join(", ")),
            )
        })
    }
}

#[cfg(test)]
mod tests;
