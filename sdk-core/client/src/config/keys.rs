//! The table of all settings. The reader, the environment overlay, the "did you mean" and the documentation follow it.

/// One setting.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Key {
    /// The dotted path; `*` stands for a carrier's name.
    pub path: &'static str,
    /// Whether it must be set.
    pub required: bool,
    /// What it means.
    pub meaning: &'static str,
}

const fn required(path: &'static str, meaning: &'static str) -> Key {
    Key { path, required: true, meaning }
}

const fn optional(path: &'static str, meaning: &'static str) -> Key {
    Key { path, required: false, meaning }
}

/// Every key of `gladhand.toml`.
pub const KEYS: &[Key] = &[
    required("environment", "which world this is, such as production or sandbox"),
    required("tenant", "who we are at the carriers"),
    optional("deny_deprecated_days", "refuse calls that the carrier ends within so many days, for CI; none unless set"),
    required("journal.path", "the journal's SQLite file, on a local file system"),
    optional("identity.source", "files (the default: PEM, watched) or spiffe (the Workload API)"),
    optional("identity.certificate", "the client certificate and its chain, PEM; needed by files"),
    optional("identity.private_key", "the client certificate's key, PEM; needed by files"),
    optional("identity.trust", "the roots that carriers' certificates must lead to, PEM; needed by files"),
    optional("identity.crl", "certificate revocation lists, PEM; with it, what no valid list covers is refused"),
    optional("identity.spiffe_endpoint", "the Workload API's socket; SPIFFE_ENDPOINT_SOCKET unless set"),
    optional("identity.spiffe_id", "which of several SVIDs is ours; the first unless set"),
    required("carriers.*.base_url", "where the carrier's API is, https"),
    required("carriers.*.client_id", "our OAuth client id at the carrier"),
    optional("carriers.*.client_auth", "private_key_jwt (the default) or tls_client_auth"),
    optional("carriers.*.assertion_key", "the keys that sign client assertions, PEM; needed by private_key_jwt"),
    optional("carriers.*.issuer", "the authorization server's identifier; the origin of base_url unless set"),
    optional("carriers.*.resource", "the audience of tokens; the origin of base_url unless set"),
    optional("carriers.*.allowed_origins", "further origins that the authorization server's metadata may point to"),
    optional("carriers.*.scac", "the carrier's SCAC"),
    optional("carriers.*.telemetry_url", "where the telemetry service is; the origin of base_url unless set"),
    optional("carriers.*.server_name", "the name in the carrier's certificate; the host of base_url unless set"),
    optional(
        "carriers.*.spiffe_id",
        "the SPIFFE IDs the carrier may have, exact or whole trust domains; needed by spiffe",
    ),
    optional("carriers.*.tls_minimum", "1.3 (the default) or 1.2"),
    optional("carriers.*.htu_base", "the address that proofs name, where a gateway rewrites paths"),
    optional("carriers.*.deadline_ms", "how long one attempt may take, in milliseconds; 30000 unless set"),
    optional("carriers.*.dpop_algorithm", "ES256 (the default), EdDSA or PS256: how proofs of possession are signed"),
    optional("carriers.*.dpop_key", "a key that proves possession, PEM; a new one per process unless set"),
    optional("carriers.*.allow_rs256", "whether tokens signed by RS256 are taken; false unless set"),
    optional(
        "carriers.*.assertion_key_lead_s",
        "how long a new assertion key is published before it signs, in seconds; 300 unless set",
    ),
    optional("carriers.*.clock_offset_s", "seconds added to our clock in proofs and assertions; 0 unless set"),
    optional(
        "carriers.*.webhook_test_secret",
        "a shared secret, whsec_, by which webhooks may be signed too: for tests, in the environments sandbox and test only",
    ),
    optional("gateway.producer", "the id that a vehicle gateway is registered under; only where one runs"),
    optional("gateway.spool", "the folder of the gateway's spool, on a local file system; in memory unless set"),
    optional("gateway.spool_bytes", "what all lanes together may hold, in bytes; 16777216 (16 MiB) unless set"),
    optional(
        "gateway.linger_ms",
        "how long routine records wait to share a frame, in milliseconds: what a crash can lose; 1000 unless set",
    ),
];
