//! What only travels between the two sides: searches, snapshots, pages, problems (contract 4).

use super::capacity::{CapacityOffer, CapacityStatus, Carrier, Money, Place, Window};
use super::dispatch::ControlMode;
use super::field::{Any, Count, Counter, Digest, Flag, Id, Instant, Int, List, Quantum, Text, Version};
use super::tender::TenderDecision;
use super::{choice, entity, rules};

choice! {
    /// The state of a tender (contract 4a); unknown means the load stays held.
    TenderState open { Offer "offer", Pending "pending", Countered "countered", Accepted "accepted", Rejected "rejected", Expired "expired", Withdrawn "withdrawn", Dispatched "dispatched", Enroute "enroute", Delivered "delivered", Cancelled "cancelled", Aborted "aborted" }
    /// A cancellation after acceptance (contract 4a).
    Cancellation open { None "none", Requested "requested", Confirmed "confirmed", Declined "declined" }
    /// An amendment after acceptance (contract 4a).
    Amendment open { None "none", Received "received", Confirmed "confirmed", Declined "declined", Withdrawn "withdrawn" }
    /// How a webhook's caller authenticates (contract 4e).
    WebhookAuth open { Required "required", SignatureOnly "signature_only" }
    /// What becomes of a held vehicle when the hold's lease lapses (contract 4f); unknown is nothing to rely on.
    HoldLapse open { Release "release", Remain "remain" }
    /// Life of a version of the contract (contract 5).
    VersionStatus open { Preview "preview", Active "active", Deprecated "deprecated", Sunset "sunset" }
}

entity! {
    /// What a carrier publishes of itself (contract 5).
    Discovery {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// `sandbox`, `production` or another.
        environment "environment": Text<32> => required;
        /// The carrier.
        carrier "carrier": Carrier => required;
        /// Versions served.
        versions "versions": List<ContractVersion, 1, 16> => required;
        /// Days for which an old major stays.
        compatibility_window_days "compatibilityWindowDays": Count => required;
        /// OAuth issuer (RFC 8414).
        issuer "issuer": Text<512> => required;
        /// OAuth resource (RFC 8707).
        resource "resource": Text<512> => required;
        /// How long idempotency keys are kept.
        idempotency "idempotency": IdempotencyPolicy => required;
        /// Keys that sign webhooks.
        webhook_keys "webhookKeys": List<WebhookKey, 0, 16> => required;
        /// Seconds within which the carrier decides.
        decision_sla_seconds "decisionSlaSeconds": Count;
        /// Limits.
        limits "limits": Limits => required;
        /// Optional capabilities.
        features "features": List<Text<64>, 0, 64> => required;
        /// Changes when the carrier restores from a backup (contract 4e).
        log_epoch "logEpoch": Text<64> => required;
        /// Release of the IANA time zone database.
        tzdb "tzdb": Text<16>;
        /// Address of the telemetry collector.
        telemetry_endpoint "telemetryEndpoint": Text<512>;
        /// Pounds assumed for an empty vehicle of unknown tare (contract 3d).
        assumed_tare_lbs "assumedTareLbs": Int<1, 200_000>;
        /// What becomes of a held vehicle when the hold's lease lapses.
        hold_lapse "holdLapse": HoldLapse;
    }

    /// A version that a carrier serves (contract 5).
    ContractVersion {
        /// Major.
        major "major": Count => required;
        /// Minor.
        minor "minor": Count => required;
        /// Its life.
        status "status": VersionStatus => required;
        /// Since when it is deprecated.
        deprecated_at "deprecatedAt": Instant;
        /// When it ends.
        sunset_at "sunsetAt": Instant;
    }

    /// How long idempotency keys are kept (contract 4c).
    IdempotencyPolicy {
        /// Hours.
        retention_hours "retentionHours": Count => required;
    }

    /// A key that signs webhooks (contract 4e).
    WebhookKey {
        /// The key's name.
        key_id "keyId": Text<64> => required;
        /// `whpk_` and the base64 of an ed25519 public key.
        public_key "publicKey": Text<128> => required;
        /// What is signed with it before this is not genuine.
        not_before "notBefore": Instant;
        /// What is signed with it from this on is not genuine.
        not_after "notAfter": Instant;
    }

    /// Limits of a carrier (contract 4d).
    Limits {
        /// Most seconds that `Prefer: wait` may ask for.
        max_wait_seconds "maxWaitSeconds": Count => required;
        /// Most bytes of a request body.
        max_body_bytes "maxBodyBytes": Count => required;
    }

    /// A search for capacity (contract 4.0).
    CapacitySearch {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version;
        /// From where.
        origin "origin": Place => required;
        /// To where.
        destination "destination": Place => required;
        /// Statute miles around both; 50 by default.
        radius_mi "radiusMi": Quantum;
        /// When.
        window "window": Window;
        /// Trailer type.
        equipment "equipment": Text<32>;
        /// Pounds of cargo.
        weight_lbs "weightLbs": Int<1, 200_000>;
        /// Where the last page ended.
        cursor "cursor": Text<512>;
    }

    /// One page of offers (contract 4.0).
    CapacityPage {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// Offers.
        offers "offers": List<CapacityOffer, 0, 1000> => required;
        /// More follow.
        cursor "cursor": Text<512>;
    }

    /// A tender as the carrier holds it (contract 4e).
    TenderSnapshot {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Text<64> => required;
        /// The capacity.
        capacity_id "capacityId": Text<128>;
        /// Its revision.
        revision "revision": Int<1, 4_294_967_295> => required;
        /// Its state.
        state "state": TenderState => required;
        /// Who is in control.
        control_mode "controlMode": ControlMode;
        /// Overlay.
        cancellation "cancellation": Cancellation;
        /// Overlay.
        amendment "amendment": Amendment;
        /// Open exceptions.
        exceptions "exceptions": List<Any, 0, 1000>;
        /// The decision.
        decision "decision": TenderDecision;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128>;
        /// What was agreed.
        accepted_rate "acceptedRate": Money;
        /// Last sequence of its history.
        last_sequence "lastSequence": Counter => required;
        /// Digest of its history up to there (contract 4e).
        history_digest "historyDigest": Digest => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
        /// When it last changed.
        updated_at "updatedAt": Instant;
    }

    /// One page of tenders (contract 4.0).
    TenderPage {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// Tenders.
        tenders "tenders": List<TenderSnapshot, 0, 1000> => required;
        /// More follow.
        cursor "cursor": Text<512>;
    }

    /// The history of one tender (contract 4e).
    EventPage {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// Events in order, verbatim.
        events "events": List<Any, 0, 10_000> => required;
        /// Last sequence.
        last_sequence "lastSequence": Counter => required;
        /// Digest up to there.
        history_digest "historyDigest": Digest => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
    }

    /// The account's events in commit order (contract 4e).
    EventFeed {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// Events, verbatim.
        events "events": List<Any, 0, 10_000> => required;
        /// Opaque; nothing ever appears behind it.
        cursor "cursor": Text<512> => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
    }

    /// Where webhooks go (contract 4e).
    WebhookSubscription [rules::webhook_url] {
        /// Semantic version of the contract.
        schema_version "schemaVersion": Version => required;
        /// The subscription.
        subscription_id "subscriptionId": Id<64> => required;
        /// Public https address.
        url "url": Text<2048> => required;
        /// Event types; empty is all.
        types "types": List<Text<128>, 0, 64> => required;
        /// How the caller authenticates.
        mtls "mtls": WebhookAuth => required;
    }

    /// Digests of the account's tenders (contract 4g).
    DigestPage {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// Cursor up to which they hold.
        as_of "asOf": Text<512> => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
        /// One for each tender.
        items "items": List<TenderDigest, 0, 10_000> => required;
        /// More follow.
        cursor "cursor": Text<512>;
    }

    /// Digest of one tender (contract 4g).
    TenderDigest {
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Text<64> => required;
        /// Its revision.
        revision "revision": Count => required;
        /// Its state.
        state "state": TenderState => required;
        /// Last sequence.
        last_sequence "lastSequence": Counter => required;
        /// Digest up to there.
        history_digest "historyDigest": Digest => required;
        /// What was agreed.
        accepted_rate "acceptedRate": Money;
    }

    /// Digest of one tender's history up to a sequence (contract 4g).
    HistoryDigest {
        /// Semantic version of the contract; absent means 1.0.0.
        schema_version "schemaVersion": Version;
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// Up to and with this.
        sequence "sequence": Counter => required;
        /// The digest there.
        history_digest "historyDigest": Digest => required;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64> => required;
    }

    /// A problem (RFC 9457; contract 4h).
    Problem {
        /// What kind, as a URI.
        r#type "type": Text<512>;
        /// In a few words.
        title "title": Text<200>;
        /// HTTP status.
        status "status": Int<100, 599>;
        /// In full.
        detail "detail": Text<2000>;
        /// Stable code of the error table.
        code "code": Text<64> => required;
        /// Whether the same request may be repeated.
        retryable "retryable": Flag;
        /// Seconds to wait.
        retry_after_s "retryAfterS": Count;
        /// For the carrier's support.
        trace_id "traceId": Text<64>;
        /// The tender concerned.
        tender_id "tenderId": Text<64>;
        /// Changes when the carrier restores from a backup.
        log_epoch "logEpoch": Text<64>;
        /// What stands in the way.
        existing "existing": ExistingTender;
        /// Broken rules.
        violations "violations": List<ProblemViolation, 0, 1000>;
        /// Where to read more.
        docs "docs": Text<512>;
    }

    /// The tender that stands in the way (contract 4h).
    ExistingTender {
        /// The tender.
        tender_id "tenderId": Text<64> => required;
        /// Its state.
        state "state": TenderState => required;
        /// Its address.
        location "location": Text<512>;
    }

    /// A broken rule (contract 4h).
    ProblemViolation {
        /// JSON Pointer.
        path "path": Text<512> => required;
        /// Which rule.
        code "code": Text<64> => required;
        /// In words.
        message "message": Text<500> => required;
    }

    /// A change of capacity (contract 4b).
    CapacityChange {
        /// The capacity.
        capacity_id "capacityId": Text<128> => required;
        /// Its status.
        status "status": CapacityStatus => required;
    }
}
