//! The one error table: every code of the contract (4h) and every failure of the SDK itself, with its kind, its retry
//! rule, its HTTP status and the sentence that tells the reader what to do next.
//!
//! The Python exceptions, the Node error classes, the Swift enum and `conformance/contract/errors.json` are generated
//! from [`Code::ALL`]. Nobody parses a message: branch on [`Error::code`] or [`Error::kind`].

use std::fmt;

/// What family a failure belongs to; one exception class per kind in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The SDK was called in a way that can never work; fix the calling code.
    Misuse,
    /// A setting is missing or wrong; the message names the key.
    Config,
    /// A document is malformed or breaks a rule; see the violations.
    Validation,
    /// Certificates, keys or the TLS handshake.
    Identity,
    /// Tokens, proofs and the authorization server.
    Auth,
    /// Something that looks like an attack or a misrouted message; also raised as a security event.
    Security,
    /// The other side understood and will not do it.
    Refused,
    /// The thing named does not exist there.
    NotFound,
    /// The request contradicts what the other side already holds.
    Conflict,
    /// The other side asks to slow down or to come back later.
    Unavailable,
    /// The network or the peer failed below the contract.
    Network,
    /// The local journal.
    Journal,
    /// The other side broke the contract.
    Protocol,
    /// The caller cancelled, or a deadline of the caller passed.
    Cancelled,
    /// A defect of Gladhand.
    Internal,
}

impl Kind {
    /// The kind in snake case, as bindings and `errors.json` spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Misuse => "misuse",
            Self::Config => "config",
            Self::Validation => "validation",
            Self::Identity => "identity",
            Self::Auth => "auth",
            Self::Security => "security",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::Network => "network",
            Self::Journal => "journal",
            Self::Protocol => "protocol",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// Every kind, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Misuse,
        Self::Config,
        Self::Validation,
        Self::Identity,
        Self::Auth,
        Self::Security,
        Self::Refused,
        Self::NotFound,
        Self::Conflict,
        Self::Unavailable,
        Self::Network,
        Self::Journal,
        Self::Protocol,
        Self::Cancelled,
        Self::Internal,
    ];
}

/// Whether the same call may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Repeating it cannot succeed.
    Never,
    /// It may be repeated as it is; idempotency makes that safe.
    Safe,
    /// It may be repeated after a wait ([`Error::retry_after_ms`] where the peer gave one).
    After,
}

impl Retry {
    /// The rule in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Safe => "safe",
            Self::After => "after",
        }
    }
}

/// How far the request got. Architecture decision 5: *maybe sent* is a state, never reported as rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// No byte of the request reached the peer.
    NotSent,
    /// The peer may have processed it; the journal knows, and the next start resolves it by read-back.
    MaybeSent,
    /// The peer answered.
    Acknowledged,
}

impl Sent {
    /// The state in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::MaybeSent => "maybe_sent",
            Self::Acknowledged => "acknowledged",
        }
    }
}

macro_rules! codes {
    ($($(#[$section:meta])* $variant:ident $code:literal $kind:ident $retry:ident $status:literal $remedy:literal;)*) => {
        /// A stable error code. The text is part of the contract; variants are only ever added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$section])* #[doc = concat!("`", $code, "`: ", $remedy)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text, such as `tender_conflict`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The family of the failure.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }

            /// Whether the same call may be repeated.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$variant => Retry::$retry,)* }
            }

            /// The HTTP status the contract gives this code (4h); 0 for failures that never cross the wire.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What to do next, in one sentence.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// The code with this text, if the table has it.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    // Contract 4h, in its order.
    MalformedJson "malformed_json" Validation Never 400 "Send one JSON text, UTF-8, without duplicate keys, at most 32 levels deep.";
    SchemaInvalid "schema_invalid" Validation Never 400 "Correct the members that the violations name.";
    IdempotencyKeyRequired "idempotency_key_required" Protocol Never 400 "Send an Idempotency-Key on every mutation.";
    UnsupportedVersion "unsupported_version" Protocol Never 400 "Choose one of the versions that the answer lists.";
    TokenExpired "token_expired" Auth Safe 401 "Fetch a new token; the SDK does so once by itself.";
    TokenInvalid "token_invalid" Auth Never 401 "Check the issuer, the audience and the client registration.";
    UseDpopNonce "use_dpop_nonce" Auth Safe 401 "Repeat with the nonce that came with the answer; the SDK does so once by itself.";
    PopMissing "pop_missing" Auth Never 401 "Send a DPoP proof with this operation.";
    PopInvalid "pop_invalid" Auth Never 401 "Check that the proof's method, address, token hash and body hash are those of the request.";
    PopReplayed "pop_replayed" Security Never 401 "Make a fresh proof for each attempt; if you did, someone replays your requests.";
    CertMismatch "cert_mismatch" Security Never 401 "Use the certificate that is registered for this client id.";
    ScopeMissing "scope_missing" Refused Never 403 "Ask the carrier to grant the scope that the message names.";
    TenantForbidden "tenant_forbidden" Refused Never 403 "Use the tenant that this client id belongs to.";
    LaneNotContracted "lane_not_contracted" Refused Never 403 "Ask the carrier to contract this lane, or choose another capacity.";
    DataSharingDenied "data_sharing_denied" Refused Never 403 "The consent in the data sharing agreement does not cover this; ask the carrier to extend it.";
    NotFound "not_found" NotFound Never 404 "Check the id; the carrier does not know it.";
    VersionSunset "version_sunset" Refused Never 410 "Upgrade Gladhand: this version of the contract is no longer served.";
    Archived "archived" NotFound Never 410 "It is archived; ask the carrier for its record.";
    CursorExpired "cursor_expired" NotFound Never 410 "The feed no longer reaches so far back; read a snapshot and reconcile.";
    TenderConflict "tender_conflict" Conflict Never 409 "Another live tender covers this load; look at the tender named in the answer before anything else.";
    CapacityCommitted "capacity_committed" Conflict Never 409 "The capacity is taken; search again.";
    IllegalTransition "illegal_transition" Conflict Never 409 "Read the tender again: it is no longer in a state that allows this.";
    AlreadyAccepted "already_accepted" Conflict Never 409 "The carrier has accepted; request a cancellation or an amendment instead.";
    TenderWithdrawn "tender_withdrawn" Conflict Never 409 "The tender was withdrawn; tender again as a new attempt if the load still needs a truck.";
    HoldExpired "hold_expired" Conflict Never 409 "The hold has lapsed; place a new one.";
    CounterExpired "counter_expired" Conflict Never 409 "The counter offer has lapsed; read the tender again.";
    StaleRevision "stale_revision" Conflict Never 409 "Read the tender again; a newer revision exists.";
    RevisionGap "revision_gap" Conflict Never 409 "Send the revision that follows the carrier's latest.";
    RevisionContentConflict "revision_content_conflict" Conflict Never 409 "This revision number was used with other content; send the next one.";
    StaleDispatch "stale_dispatch" Conflict Never 409 "Read the dispatch again, decide again, and send the command with its current revision.";
    CommandOutOfOrder "command_out_of_order" Conflict Never 409 "A later command was already granted; read the dispatch again.";
    EnvironmentMismatch "environment_mismatch" Config Never 409 "Client and carrier are in different environments; check `environment` in the configuration.";
    IdempotencyInFlight "idempotency_in_flight" Unavailable After 409 "The first attempt is still running; repeat with the same key after the wait.";
    EtagMismatch "etag_mismatch" Conflict Never 412 "Read it again and repeat with the new ETag.";
    EtagRequired "etag_required" Protocol Never 428 "Send If-Match with the ETag that you read.";
    TooLarge "too_large" Validation Never 413 "Make the document smaller; the limit is in the message.";
    UnsupportedMedia "unsupported_media" Protocol Never 415 "Send application/json.";
    IdempotencyKeyReused "idempotency_key_reused" Protocol Never 422 "The key was used with another body; this is a defect of the sender, never repeat it.";
    NotUnderstood "not_understood" Refused Never 422 "The receiver does not know a member that must be understood; agree on it first or leave it out.";
    CapacityUnknown "capacity_unknown" Refused Never 422 "The capacity id is not the carrier's; search again.";
    CurrencyUnknown "currency_unknown" Validation Never 422 "Use an ISO 4217 currency code.";
    WeightExceeded "weight_exceeded" Refused Never 422 "Reduce the weight, or choose a capacity with a higher limit.";
    HazmatNotPermitted "hazmat_not_permitted" Refused Never 422 "Choose a capacity that permits hazardous materials.";
    OddIneligible "odd_ineligible" Refused Never 422 "The route leaves the operational design domain; choose another capacity.";
    WindowOutsideOffer "window_outside_offer" Refused Never 422 "Move the appointments into the capacity's available window.";
    DetourNotPermitted "detour_not_permitted" Refused Never 422 "Name a permitted detour, or request approval.";
    InspectionExpired "inspection_expired" Refused Never 422 "The vehicle's inspection lapses before dispatch; choose another capacity.";
    RateSumMismatch "rate_sum_mismatch" Validation Never 422 "Line haul, fuel and accessorials must add up to the amount.";
    StopsUnbalanced "stops_unbalanced" Validation Never 422 "Every commodity must be picked up once and delivered once, in that order.";
    TimezoneOffsetMismatch "timezone_offset_mismatch" Validation Never 422 "Give the UTC offset that the named time zone has at that local time.";
    RespondByPast "respond_by_past" Validation Never 422 "Give a respondBy at least 60 seconds ahead.";
    EquipmentMismatch "equipment_mismatch" Refused Never 422 "Choose a capacity with the equipment that the load requires.";
    ClockSkew "clock_skew" Protocol Never 422 "Correct the clock; the measured offset is in the message.";
    RateLimited "rate_limited" Unavailable After 429 "Wait as long as Retry-After says.";
    InternalServerError "internal" Unavailable Safe 500 "The carrier failed; the SDK reads back before it repeats.";
    BadGateway "bad_gateway" Unavailable Safe 502 "A gateway before the carrier failed; the SDK reads back before it repeats.";
    Timeout "timeout" Unavailable Safe 504 "No answer in time; the SDK reads back before it repeats.";
    CapacityBackpressure "capacity_backpressure" Unavailable After 503 "The carrier is saturated; wait as long as Retry-After says.";
    Maintenance "maintenance" Unavailable After 503 "The carrier is in maintenance; wait as long as Retry-After says.";

    // Of the SDK itself: these never cross the wire.
    InvalidArgument "invalid_argument" Misuse Never 0 "Correct the argument that the message names.";
    ClientClosed "client_closed" Misuse Never 0 "The client was closed; connect a new one.";
    ForkedClient "forked_client" Misuse Never 0 "This handle was made before a fork; connect again in the child process.";
    ConfigMissing "config_missing" Config Never 0 "Set the key that the message names, in gladhand.toml or as GLADHAND_ variable.";
    ConfigInvalid "config_invalid" Config Never 0 "Correct the key that the message names.";
    CarrierUnknown "carrier_unknown" Config Never 0 "Name a carrier of the configuration's [carriers] section.";
    CertificateUnreadable "certificate_unreadable" Identity Never 0 "Give PEM files with a certificate chain and an unencrypted PKCS#8, SEC1 or PKCS#1 key.";
    CertificateExpired "certificate_expired" Identity Never 0 "Renew the client certificate; it is outside its validity.";
    KeyMismatch "key_mismatch" Identity Never 0 "Certificate and private key do not belong together; deploy them as a pair.";
    ServerCertificateExpired "server_certificate_expired" Identity After 0 "The carrier's certificate is outside its validity; call the carrier.";
    ServerCertificateUntrusted "server_certificate_untrusted" Identity Never 0 "The carrier's certificate is not issued by the configured trust roots; check `identity.trust` and the address.";
    ServerNameMismatch "server_name_mismatch" Identity Never 0 "The carrier's certificate is for another name; check the address.";
    ServerCertificateRevoked "server_certificate_revoked" Security Never 0 "The carrier's certificate is revoked; stop, and call the carrier.";
    ClientCertificateRefused "client_certificate_refused" Identity Never 0 "The carrier refused the client certificate; check that it is registered and not revoked.";
    PeerNotAuthorized "peer_not_authorized" Security Never 0 "The peer's SPIFFE ID is not the carrier's; check `spiffe_id`, and if it is right, stop and call the carrier.";
    RevocationUnknown "revocation_unknown" Identity After 0 "No valid revocation list covers the peer's certificate; renew the list that `identity.crl` names.";
    ClientAuthNotRequested "client_auth_not_requested" Security Never 0 "The peer did not ask for the client certificate; something stands between, or the carrier is set up wrongly.";
    IdentityUnavailable "identity_unavailable" Identity After 0 "The Workload API gives no identity; check that the agent runs and that this workload is registered.";
    IdentityRevoked "identity_revoked" Identity Never 0 "This identity was taken away; give the client a new one.";
    CryptoProviderConflict "crypto_provider_conflict" Config Never 0 "Another library of this program switches on a second backend of jsonwebtoken; build with one of them only.";
    TlsHandshake "tls_handshake" Identity After 0 "The TLS handshake failed; compare the TLS policies of both sides.";
    IssuerMismatch "issuer_mismatch" Security Never 0 "The metadata names another issuer than configured; check `issuer`.";
    EndpointNotAllowed "endpoint_not_allowed" Security Never 0 "The metadata points to an origin that is not allowed; check `issuer`.";
    TokenRequestRefused "token_request_refused" Auth Never 0 "The authorization server refused the client; check its registration, key and scope.";
    TokenUnavailable "token_unavailable" Auth After 0 "The authorization server does not answer; the SDK keeps trying.";
    TokenTypeDowngraded "token_type_downgraded" Security Never 0 "The authorization server answered with another token type than asked for; do not use it, call the carrier.";
    TokenBindingMismatch "token_binding_mismatch" Security Never 0 "The token is bound to another key or certificate; do not use it, call the carrier.";
    TokenSignatureInvalid "token_signature_invalid" Security Never 0 "The token's signature does not hold against the issuer's published keys, or its algorithm is not taken; do not use it, call the carrier.";
    TokenAudienceMismatch "token_audience_mismatch" Auth Never 0 "The token is for another audience; check `resource` in the configuration.";
    Connect "connect" Network Safe 0 "The carrier cannot be reached; check address, name resolution and firewall.";
    ConnectionLost "connection_lost" Network Safe 0 "The connection broke before the answer; the SDK reads back what became of a request.";
    DeadlineExceeded "deadline_exceeded" Network Safe 0 "No answer in time; the SDK reads back what became of a request.";
    BreakerOpen "breaker_open" Unavailable After 0 "Too many recent failures; wait, the SDK probes by itself.";
    UnexpectedAnswer "unexpected_answer" Protocol Never 0 "The answer is not of the contract; keep the request id and call the carrier.";
    WebhookSignatureMissing "webhook_signature_missing" Security Never 401 "Pass the webhook-id, webhook-timestamp and webhook-signature headers and the raw body.";
    WebhookSignatureInvalid "webhook_signature_invalid" Security Never 401 "The body or its headers were changed, or signed with an unknown key; pass the raw bytes, and if you did, call the carrier.";
    WebhookSourceForeign "webhook_source_foreign" Security Never 403 "The event names a source that this signing key does not own.";
    EventIllegal "event_illegal" Protocol Never 0 "The carrier's event breaks the state machine; the tender is frozen, reconcile it.";
    HistoryDiverged "history_diverged" Protocol Never 0 "Both sides hold different histories; freeze the tender and follow RB-06.";
    SnapshotStale "snapshot_stale" Protocol After 0 "The carrier answered with an older state than already applied; read again.";
    EpochChanged "epoch_changed" Protocol Never 0 "The carrier restored from a backup; reconcile before any further mutation.";
    JournalUnwritable "journal_unwritable" Journal After 0 "The journal cannot be written; free space or repair the folder. Nothing goes out until it can be.";
    JournalCorrupt "journal_corrupt" Journal Never 0 "A journal row does not match its digest; follow RB-19 before any further tender.";
    JournalTruncated "journal_truncated" Journal Never 0 "The journal lost its tail; reconcile before any send (RB-19).";
    JournalBusy "journal_busy" Journal After 0 "Another process holds the journal; repeat.";
    JournalUnsupported "journal_unsupported" Journal Never 0 "Put the journal on a local file system and let this version of Gladhand open it.";
    TenderUnknown "tender_unknown" NotFound Never 0 "No tender of that id is in the journal.";
    LoadHeld "load_held" Conflict Never 0 "A tender of this load is still open; tender again only when the carrier has released it.";
    ConsumerLeased "consumer_leased" Conflict After 0 "Another reader holds this consumer; stop it, or wait until its lease lapses.";
    TelemetryRefused "telemetry_refused" Security Never 0 "The collector refused the stream; check the producer id and the registration of the vehicle.";
    TelemetryBacklogFull "telemetry_backlog_full" Unavailable After 0 "The backlog is full; publish slower, or widen the lane's budget.";
    RecordTooLarge "record_too_large" Validation Never 0 "Make the record smaller; the limit is in the message.";
    SandboxUnavailable "sandbox_unavailable" Config Never 0 "Install the sandbox carrier: `pip install gladhand-sandbox`, `npm install --save-dev gladhand-sandbox`, or the program itself; or name it in GLADHAND_SANDBOX.";
    SandboxFailed "sandbox_failed" Internal Never 0 "The sandbox carrier did not start; its output is in the message.";
    Cancelled "cancelled" Cancelled Safe 0 "The caller cancelled; if the request had left, the journal resolves what became of it.";
    InternalPanic "internal_panic" Internal Never 0 "A defect of Gladhand; report it with the message.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One broken rule of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where: a JSON Pointer (RFC 6901).
    pub path: String,
    /// Which rule, such as `required` or `rate_sum_mismatch`.
    pub code: String,
    /// What to do, in words.
    pub message: String,
}

/// A failure, with all that an operator or a program needs to act on it. Log-safe: no secret ever enters it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    sent: Sent,
    http_status: Option<u16>,
    retry_after_ms: Option<u64>,
    problem: Option<String>,
    violations: Vec<Violation>,
    request_id: Option<String>,
    idempotency_key: Option<String>,
    trace_id: Option<String>,
    tender_id: Option<String>,
    causes: Vec<String>,
}

/// The SDK's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of this code. `message` says what happened and names the field, file or key concerned.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            sent: Sent::NotSent,
            http_status: None,
            retry_after_ms: None,
            problem: None,
            violations: Vec::new(),
            request_id: None,
            idempotency_key: None,
            trace_id: None,
            tender_id: None,
            causes: Vec::new(),
        }))
    }

    /// A document with broken rules; the message names the first.
    pub fn invalid(code: Code, what: &str, violations: Vec<Violation>) -> Self {
        let first = violations
            .first()
            .map_or_else(String::new, |v| format!(": {} {}", if v.path.is_empty() { "/" } else { &v.path }, v.message));
        let mut error = Self::new(code, format!("{what} breaks {} rule(s){first}", violations.len()));
        error.0.violations = violations;
        error
    }

    /// Adds the underlying failure, and what lies under it, to the cause chain.
    pub fn caused_by(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            let text = error.to_string();
            if self.0.causes.last() != Some(&text) {
                self.0.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds what explains it to the message; log-safe, like the message itself.
    pub fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(note);
        self
    }

    /// States how far the request got.
    pub fn sent(mut self, sent: Sent) -> Self {
        self.0.sent = sent;
        self
    }

    /// Adds the HTTP status that the peer answered with.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Adds the wait that the peer asked for, in milliseconds.
    pub fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.0.retry_after_ms = Some(ms);
        self
    }

    /// Adds the problem document (RFC 9457) as it came.
    pub fn with_problem(mut self, problem: impl Into<String>) -> Self {
        self.0.problem = Some(problem.into());
        self
    }

    /// Adds broken rules.
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.0.violations = violations;
        self
    }

    /// Adds the request id of the peer.
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Adds the idempotency key of the mutation.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.0.idempotency_key = Some(key.into());
        self
    }

    /// Adds the trace id.
    pub fn with_trace_id(mut self, id: impl Into<String>) -> Self {
        self.0.trace_id = Some(id.into());
        self
    }

    /// Adds the tender concerned.
    pub fn with_tender_id(mut self, id: impl Into<String>) -> Self {
        self.0.tender_id = Some(id.into());
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The family.
    pub fn kind(&self) -> Kind {
        self.0.code.kind()
    }

    /// Whether the same call may be repeated.
    pub fn retry(&self) -> Retry {
        self.0.code.retry()
    }

    /// How far the request got.
    pub fn sent_state(&self) -> Sent {
        self.0.sent
    }

    /// What happened, log-safe. Without the remedy; [`fmt::Display`] adds it.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        self.0.code.remedy()
    }

    /// The HTTP status that the peer answered with.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The wait that the peer asked for, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.0.retry_after_ms
    }

    /// The problem document (RFC 9457) as it came.
    pub fn problem(&self) -> Option<&str> {
        self.0.problem.as_deref()
    }

    /// The broken rules.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// The request id of the peer.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The idempotency key of the mutation.
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    /// The trace id.
    pub fn trace_id(&self) -> Option<&str> {
        self.0.trace_id.as_deref()
    }

    /// The tender concerned.
    pub fn tender_id(&self) -> Option<&str> {
        self.0.tender_id.as_deref()
    }

    /// The chain of causes, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.0.code, self.0.message.trim_end_matches('.'), self.remedy())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
            assert!(code.remedy().ends_with('.'), "{code} needs a whole sentence");
        }
    }

    #[test]
    fn display_says_what_to_do() {
        let error = Error::new(Code::ConfigMissing, "`tenant` is not set");
        assert_eq!(
            error.to_string(),
            "config_missing: `tenant` is not set. Set the key that the message names, in gladhand.toml or as GLADHAND_ variable."
        );
    }
}
