//! What the SDK answers its own application.

use super::dispatch::{Command, CommandRevocation, CommandState, CommandType, ControlMode};
use super::field::{
    Any, Count, Counter, Dec, Digest, Flag, Id, Instant, Int, Latitude, List, Longitude, Quantum, Text,
};
use super::tender::TenderDecision;
use super::wire::{Amendment, Cancellation, TenderState};
use super::{choice, entity};

choice! {
    /// Whether the carrier is known to have a tender (contract 4a).
    Receipt closed { Proven "proven", Unproven "unproven" }
    /// Whether local and remote history agree (contract 4a).
    Sync closed { InSync "in_sync", Gap "gap", Diverged "diverged" }
    /// A verdict on eligibility.
    Verdict closed { Eligible "eligible", Ineligible "ineligible", Undetermined "unknown" }
    /// What became of an incoming webhook (contract 4e).
    InboxOutcome closed { Stored "stored", Duplicate "duplicate", Parked "parked", Quarantined "quarantined", Heartbeat "heartbeat" }
}

entity! {
    /// A tender as the application sees it (contract 4a).
    Tender {
        /// The tender.
        tender_id "tenderId": Id<64> => required;
        /// The load.
        load_id "loadId": Id<64> => required;
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// From 1; rises only by tendering again.
        attempt "attempt": Count => required;
        /// Its revision.
        revision "revision": Count => required;
        /// Its state.
        state "state": TenderState => required;
        /// Its state among the seven of the brief; absent for cancelled and aborted.
        brief_state "briefState": Text<16>;
        /// Whether the carrier is known to have it.
        receipt "receipt": Receipt => required;
        /// True where the call joined a tender that already held the load.
        joined "joined": Flag => required;
        /// Whether the load may go to somebody else.
        load_released "loadReleased": Flag => required;
        /// The carrier's decision.
        decision "decision": TenderDecision;
        /// Why it was refused: code and words.
        reason "reason": Reason;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128>;
        /// Who is in control of the vehicle.
        control_mode "controlMode": ControlMode;
        /// How far a cancellation after acceptance is.
        cancellation "cancellation": Cancellation;
        /// How far an amendment after acceptance is.
        amendment "amendment": Amendment;
        /// Whether both histories agree.
        sync "sync": Sync => required;
        /// Last sequence applied.
        last_sequence "lastSequence": Counter => required;
        /// Digest of the history up to there.
        history_digest "historyDigest": Digest => required;
        /// When it last changed here.
        updated_at "updatedAt": Instant => required;
        /// Open exceptions.
        exceptions "exceptions": List<Any, 0, 1000>;
    }

    /// Why something was refused.
    Reason {
        /// A reason code of the contract, or an error code.
        code "code": Text<64> => required;
        /// In words.
        text "text": Text<2000>;
    }

    /// Offers of several carriers.
    CapacityResult {
        /// Offers with the carrier that made them.
        offers "offers": List<CarrierOffer, 0, 10_000> => required;
        /// Carriers that did not answer.
        failures "failures": List<CarrierFailure, 0, 1000> => required;
    }

    /// An offer and who made it.
    CarrierOffer {
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// The offer, byte for byte as it came.
        offer "offer": super::capacity::CapacityOffer => required;
    }

    /// A carrier that did not answer.
    CarrierFailure {
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// Error code.
        code "code": Text<64> => required;
        /// In words.
        message "message": Text<2000> => required;
    }

    /// Whether a load fits an offer, and why.
    Eligibility {
        /// The verdict; anything but eligible is a no.
        verdict "verdict": Verdict => required;
        /// Every check, in a stable order.
        checks "checks": List<EligibilityCheck, 0, 1000> => required;
        /// The revision of the offer that was checked.
        capacity_revision "capacityRevision": Count => required;
        /// When.
        evaluated_at "evaluatedAt": Instant => required;
    }

    /// One check of eligibility.
    EligibilityCheck {
        /// Stable code.
        code "code": Text<64> => required;
        /// Where the constraint stands in the offer.
        constraint "constraint": Text<512> => required;
        /// Where the load's value stands in the tender.
        load "load": Text<512> => required;
        /// eligible, ineligible or unknown.
        result "result": Verdict => required;
        /// What the load has.
        actual "actual": Text<200>;
        /// What the offer permits.
        limit "limit": Text<200>;
        /// What to do.
        remedy "remedy": Text<500>;
    }

    /// What became of an incoming webhook (contract 4e).
    InboxReceipt {
        /// What became of it.
        outcome "outcome": InboxOutcome => required;
        /// HTTP status to answer with.
        status "status": Count => required;
        /// The carrier that signed it.
        carrier "carrier": Text<64>;
        /// The tender.
        tender_id "tenderId": Text<64>;
        /// Its sequence.
        sequence "sequence": Counter;
        /// Its type.
        r#type "type": Text<128>;
    }

    /// What to answer a carrier that asks whether it may send webhooks here (CloudEvents webhook 1.0, section 4).
    InboxHandshake {
        /// HTTP status to answer with.
        status "status": Count => required;
        /// The carrier that asks.
        carrier "carrier": Text<64> => required;
        /// Header fields to answer with.
        headers "headers": List<HeaderField, 0, 16> => required;
    }

    /// What to answer to a request to a webhook's address, whatever the request was.
    InboxAnswer {
        /// HTTP status to answer with.
        status "status": Count => required;
        /// Header fields to answer with.
        headers "headers": List<HeaderField, 0, 16> => required;
        /// The content to answer with; mostly none.
        body "body": Text<1024> => required;
    }

    /// A header field of HTTP.
    HeaderField {
        /// Its name.
        name "name": Text<64> => required;
        /// Its value.
        value "value": Text<2048> => required;
    }

    /// A command as the journal knows it: who asked for what and why, and what became of it (contract 4f).
    CommandRecord {
        /// The command.
        command_id "commandId": Id<64> => required;
        /// The dispatch.
        dispatch_id "dispatchId": Text<128> => required;
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// The tender, where the journal has it.
        tender_id "tenderId": Id<64>;
        /// What was asked for, byte for byte.
        command "command": Command => required;
        /// How far it is known to have got; `expired` where no answer came in time, which is a no.
        state "state": CommandState => required;
        /// `proven` once the carrier answered, `unproven` while the journal resolves it, `refused` or `not_sent`.
        receipt "receipt": Text<16> => required;
        /// Why the carrier did not take it.
        code "code": Text<64>;
        /// Every answer and event about it, the oldest first.
        history "history": List<CommandStep, 0, 1000> => required;
        /// Who took it back and why, where somebody tried.
        revocation "revocation": CommandRevocation;
        /// The command that undoes it.
        inverse "inverse": CommandType;
        /// True where nothing undoes it.
        irreversible "irreversible": Flag => required;
    }

    /// One thing that the carrier said of a command.
    CommandStep {
        /// How far it got.
        state "state": CommandState => required;
        /// When the carrier says that it began.
        at "at": Instant;
        /// Why, or what became of it.
        reason "reason": Text<500>;
    }

    /// Where a load is, and how fresh that is.
    Position {
        /// The load.
        load_id "loadId": Text<64> => required;
        /// The vehicle.
        vehicle_id "vehicleId": Text<128> => required;
        /// The vehicle's clock.
        observed_at "observedAt": Instant => required;
        /// This program's clock.
        received_at "receivedAt": Instant => required;
        /// Milliseconds between observation and now, corrected by the server's clock.
        freshness_ms "freshnessMs": Counter => required;
        /// Degrees.
        lat "lat": Latitude => required;
        /// Degrees.
        lon "lon": Longitude => required;
        /// Metres per second, negative in reverse.
        speed_mps "speedMps": Dec<3, -10_000, 10_000>;
        /// Degrees clockwise from north.
        heading_deg "headingDeg": Dec<2, 0, 360>;
        /// Mode of the driving system.
        autonomy_mode "autonomyMode": Text<32> => required;
        /// The producer's number of the record.
        event_sequence "eventSequence": Text<20> => required;
        /// Records of this load that were passed over since the last position.
        skipped "skipped": Counter => required;
        /// The collector may have delivered it before.
        possible_duplicate "possibleDuplicate": Flag => required;
    }

    /// What reconciling found (contract 4g).
    ReconciliationReport {
        /// When.
        at "at": Instant => required;
        /// Tenders compared.
        compared "compared": Count => required;
        /// Tenders whose histories are equal.
        equal "equal": Count => required;
        /// Differences that remain.
        differences "differences": Count => required;
        /// Repairs made.
        repairs "repairs": Count => required;
        /// Each difference with its class.
        items "items": List<ReconciliationItem, 0, 10_000> => required;
        /// Carriers that did not answer.
        failures "failures": List<CarrierFailure, 0, 1000> => required;
    }

    /// One difference (contract 4g).
    ReconciliationItem {
        /// The tender.
        tender_id "tenderId": Text<64> => required;
        /// The carrier.
        carrier "carrier": Text<64> => required;
        /// Class of the contract, such as LOCAL_GAP.
        class "class": Text<32> => required;
        /// What was done.
        repair "repair": Text<200>;
        /// Whether it remains.
        open "open": Flag => required;
        /// Last local sequence.
        local_sequence "localSequence": Counter;
        /// Last remote sequence.
        remote_sequence "remoteSequence": Counter;
    }

    /// What verifying the journal found (contract 4g).
    JournalReport {
        /// Whether every row matches its digest and the chain is whole.
        intact "intact": Flag => required;
        /// Rows.
        entries "entries": Counter => required;
        /// Digest of the last row.
        head "head": Digest => required;
        /// Intents without an outcome.
        unresolved "unresolved": Counter => required;
        /// Where the journal lies.
        path "path": Text<4096> => required;
        /// What is not as it was written, in words; the first twenty.
        damage "damage": List<Text<200>, 0, 20>;
    }

    /// One row of the exported journal (contract 4g).
    JournalEntry {
        /// Position from 1.
        index "index": Counter => required;
        /// INTENT, OUTCOME, EVENT_IN, SNAPSHOT or OVERRIDE.
        kind "kind": Text<16> => required;
        /// Wall clock.
        at "at": Instant => required;
        /// Digest of the row.
        digest "digest": Digest => required;
        /// Digest of the row before it.
        previous "previous": Digest => required;
        /// What it says.
        body "body": Any => required;
    }

    /// How the client is.
    Health {
        /// ok, degraded or down.
        status "status": Text<16> => required;
        /// Intents without an outcome.
        unresolved "unresolved": Counter => required;
        /// Each carrier.
        carriers "carriers": List<CarrierHealth, 0, 1000> => required;
        /// When the client certificate ends.
        certificate_not_after "certificateNotAfter": Instant;
        /// Version of the SDK.
        version "version": Text<32> => required;
    }

    /// How one carrier is.
    CarrierHealth {
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// Whether the last call reached it.
        reachable "reachable": Flag => required;
        /// Why not.
        code "code": Text<64>;
        /// Negotiated TLS version.
        tls_version "tlsVersion": Text<16>;
        /// Negotiated cipher suite.
        cipher_suite "cipherSuite": Text<64>;
        /// Negotiated key exchange.
        key_exchange "keyExchange": Text<64>;
        /// Share of 503 among the answers of the last minute, 0 to 1 (contract 4d).
        backpressure_ratio "backpressureRatio": Dec<3, 0, 1>;
        /// The contract's version of its latest answer (contract 5).
        api_version "apiVersion": Text<32>;
        /// Operations that the carrier says will end (contract 5).
        deprecations "deprecations": List<RouteDeprecation, 0, 100>;
    }

    /// An operation that the carrier says will end (contract 5).
    RouteDeprecation {
        /// The operation's name, such as `tenders.create`; `*` for the whole version.
        route "route": Text<64> => required;
        /// Since when it is deprecated.
        deprecated_at "deprecatedAt": Instant;
        /// When it ends.
        sunset_at "sunsetAt": Instant;
        /// Where to read about it.
        about "about": Text<2048>;
        /// What comes after it.
        successor "successor": Text<2048>;
    }

    /// Numbers to watch a client by (operations 6e), for a gauge each. No load and no tender is named.
    Metrics {
        /// The samples, in a stable order; every series is there from the start, at 0.
        samples "samples": List<MetricSample, 0, 10_000> => required;
    }

    /// One gauge's value now.
    MetricSample {
        /// Its name, as Prometheus has it, with the unit at the end.
        name "name": Text<128> => required;
        /// Labels: `partner`, `route`.
        labels "labels": Any => required;
        /// Its value.
        value "value": Quantum => required;
    }

    /// What we are known by, how long that lasts, and what happened to it (identity §1, §5).
    IdentityStatus {
        /// Where certificates come from: pem or spiffe.
        source "source": Text<16> => required;
        /// Each carrier's generation of credentials.
        generations "generations": List<GenerationStatus, 0, 1000> => required;
        /// Everything that ends, the first to end first.
        expiries "expiries": List<Expiring, 0, 10_000> => required;
        /// How often each kind of security event happened since the client was made.
        events "events": List<EventCount, 0, 1000> => required;
    }

    /// The generation of credentials that a carrier is called with.
    GenerationStatus {
        /// The carrier's name in the configuration.
        carrier "carrier": Text<64> => required;
        /// Counted from 1.
        generation "generation": Counter => required;
        /// SHA-256 of the client certificate, hexadecimal.
        fingerprint "fingerprint": Text<64> => required;
        /// The certificate's URI names, such as a SPIFFE ID.
        uris "uris": List<Text<2048>, 0, 100> => required;
        /// Earlier generations that still finish calls.
        draining "draining": Int<0, 1_000_000> => required;
    }

    /// Something that ends.
    Expiring {
        /// certificate, trust_anchor, revocation_list, token, key_set, webhook_key or assertion_key.
        subject "subject": Text<32> => required;
        /// Which one: a fingerprint, an issuer, a scope or a key id.
        id "id": Text<2048> => required;
        /// The carrier, where it belongs to one.
        carrier "carrier": Text<64>;
        /// When its life began.
        not_before "notBefore": Instant => required;
        /// When it ends.
        not_after "notAfter": Instant => required;
        /// Seconds until then; negative afterwards.
        seconds_left "secondsLeft": Int<{ -1_000_000_000_000 }, 1_000_000_000_000> => required;
        /// How many of its warnings are due.
        warnings_due "warningsDue": Int<0, 10> => required;
    }

    /// How often one kind of security event happened.
    EventCount {
        /// The event's name.
        event "event": Text<64> => required;
        /// How often it succeeded.
        succeeded "succeeded": Int<0, 9_007_199_254_740_991> => required;
        /// How often it failed.
        failed "failed": Int<0, 9_007_199_254_740_991> => required;
    }

    /// What was negotiated with a peer on one connection (identity §1).
    ConnectionFacts {
        /// The TLS version, such as TLSv1_3.
        version "version": Text<16> => required;
        /// The cipher suite.
        cipher_suite "cipherSuite": Text<64> => required;
        /// The key exchange group.
        key_exchange "keyExchange": Text<64> => required;
        /// The application protocol: h2 or http/1.1.
        alpn "alpn": Text<16>;
        /// SHA-256 of the peer's certificate, hexadecimal.
        peer_fingerprint "peerFingerprint": Text<64> => required;
        /// The peer certificate's URI names.
        peer_uris "peerUris": List<Text<2048>, 0, 100> => required;
        /// SHA-256 of the client certificate, hexadecimal.
        our_fingerprint "ourFingerprint": Text<64> => required;
        /// The generation of credentials.
        generation "generation": Counter => required;
        /// When the connection was made.
        connected_at "connectedAt": Instant => required;
    }

    /// Public keys for others to verify with (RFC 7517 §5).
    JwkSet {
        /// The keys.
        keys "keys": List<Any, 0, 100> => required;
    }

    /// A security event, in the shape of OCSF 1.6 (identity §5).
    SecurityEvent {
        /// 3002 Authentication, 3003 Authorize Session.
        class_uid "class_uid": Int<0, 100_000> => required;
        /// What happened, by name.
        message "message": Text<64> => required;
        /// When, in milliseconds since 1970.
        time "time": Int<0, 9_007_199_254_740_991> => required;
        /// 1 informational to 5 critical.
        severity_id "severity_id": Int<0, 6> => required;
        /// Success or Failure.
        status "status": Text<16> => required;
        /// The code of what went wrong.
        status_code "status_code": Text<64>;
        /// What to do about it.
        status_detail "status_detail": Text<1000>;
        /// The further facts: carrier, scope, fingerprint and others, each a text.
        unmapped "unmapped": Any => required;
    }
}
