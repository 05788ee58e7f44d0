// The contract by itself: names, digests, signatures and states as functions of their arguments.
import Foundation
internal import GladhandCore

/// The contract by itself, for what a TMS does without a client: naming a tender before it is tendered, proving a history
/// equal, checking a webhook in front of the SDK, asking what may come next. No client, no clock, no journal, no network.
///
/// ```swift
/// let id = try Contract.tenderId(
///     environment: "sandbox", tenant: "acme", carrier: "aurora", loadId: "L-1", attempt: 1)
/// let following = try Contract.nextStates(.enroute)  // delivered, aborted
/// ```
public enum Contract {
    /// A webhook whose signature holds.
    public struct VerifiedWebhook: Sendable, Hashable {
        /// The webhook's id, the same on every attempt.
        public let id: String
        /// When this attempt was made, in seconds since 1970.
        public let timestamp: Int
        /// The `keyId` of the key that signed it.
        public let keyId: String
    }

    /// The permanent id of a tender (contract 3a): `t-` and 22 characters, the same on every machine.
    ///
    /// - Parameters:
    ///   - environment: `environment` of the configuration.
    ///   - tenant: `tenant` of the configuration.
    ///   - carrier: The carrier's key in the configuration.
    ///   - loadId: The load.
    ///   - attempt: Which attempt at tendering the load, from 1; only a released load is tendered again.
    /// - Throws: ``GladhandError`` with `invalidArgument` for an attempt below 1.
    public static func tenderId(
        environment: String, tenant: String, carrier: String, loadId: String, attempt: Int
    ) throws -> String {
        let scope = ScopeRecord(environment: environment, tenant: tenant, carrier: carrier)
        return try bridged { try contractTenderId(scope: scope, loadId: loadId, attempt: Int64(attempt)) }
    }

    /// The idempotency key of a mutation (contract 4c): 43 characters.
    ///
    /// - Parameters:
    ///   - environment: `environment` of the configuration.
    ///   - tenant: `tenant` of the configuration.
    ///   - carrier: The carrier's key in the configuration.
    ///   - operation: Such as `tenders.create`.
    ///   - operationId: What the contract's table has for the operation, such as the tender's id, `/` and the revision.
    /// - Throws: ``GladhandError`` with `internalPanic` for a defect of the core; nothing else.
    public static func idempotencyKey(
        environment: String, tenant: String, carrier: String, operation: String, operationId: String
    ) throws -> String {
        let scope = ScopeRecord(environment: environment, tenant: tenant, carrier: carrier)
        return try bridged {
            try contractIdempotencyKey(scope: scope, operation: operation, operationId: operationId)
        }
    }

    /// SHA-256 of an event's bytes as they came, in lower-case hexadecimal: what enters a history (contract 4e).
    ///
    /// - Throws: ``GladhandError`` with `internalPanic` for a defect of the core; nothing else.
    public static func eventDigest(_ event: Data) throws -> String {
        try bridged { try contractEventDigest(event: event) }
    }

    /// The same, of an event as it came.
    ///
    /// - Throws: as ``eventDigest(_:)-(Data)``.
    public static func eventDigest(_ event: Event) throws -> String {
        try eventDigest(event.document.bytes)
    }

    /// The digest of a tender's history before its first event (contract 4e): 64 hexadecimal digits.
    ///
    /// - Throws: ``GladhandError`` with `internalPanic` for a defect of the core; nothing else.
    public static func historyStart(tenderId: String) throws -> String {
        try bridged { try contractHistoryStart(tenderId: tenderId) }
    }

    /// The digest of a history after one more event (contract 4e). Both sides hold the same history if theirs are equal.
    ///
    /// - Parameters:
    ///   - previous: The digest before the event.
    ///   - sequence: The event's place in the tender's history, from 1.
    ///   - eventDigest: What ``eventDigest(_:)-(Data)`` gives for its bytes.
    /// - Throws: ``GladhandError`` with `invalidArgument` for a digest that is not 64 hexadecimal digits and for a sequence
    ///   below 1.
    public static func historyExtend(_ previous: String, sequence: Int, eventDigest: String) throws -> String {
        try bridged {
            try contractHistoryExtend(previous: previous, sequence: Int64(sequence), eventDigest: eventDigest)
        }
    }

    /// Verifies a webhook's signature (contract 4e): who signed these bytes, and when this attempt was made. It does not say
    /// whether the event is new or in order: ``Client/inbox`` does.
    ///
    /// - Parameters:
    ///   - headers: The headers of the request as they came; names in any case.
    ///   - body: The raw bytes of the body, never a parsed and printed form.
    ///   - keys: The keys that the carrier publishes. One of a form that this version does not know is passed over, and so is
    ///     one that is not good at the attempt's time.
    ///   - at: The time; the attempt may be at most 300 seconds from it.
    /// - Throws: ``GladhandError`` with `webhookSignatureMissing` or `webhookSignatureInvalid`; `clockSkew` for a genuine
    ///   webhook of another time; `schemaInvalid` for a key that is none.
    public static func verifyWebhook(
        headers: [(name: String, value: String)], body: Data, keys: [WebhookKey], at: Instant
    ) throws -> VerifiedWebhook {
        let headers = headers.map { HeaderRecord(name: $0.name, value: $0.value) }
        let keys = try keys.map { try $0.given }
        let found = try bridged {
            try contractVerifyWebhook(headers: headers, body: body, keys: keys, at: at.lexeme)
        }
        return VerifiedWebhook(id: found.id, timestamp: Int(found.timestamp), keyId: found.keyId)
    }

    /// Where a tender may go from this state (contract 4b), in the order of the table; nowhere from a final one. Where the
    /// state itself is in it, an event leads back to it.
    ///
    /// - Throws: ``GladhandError`` with `invalidArgument` for a state that this version does not know.
    public static func nextStates(_ state: TenderState) throws -> [TenderState] {
        try bridged { try contractNextStates(state: state.rawValue) }.map { TenderState(rawValue: $0) }
    }

    /// The state of a tender after an event of a type (contract 4b). What moves nothing leaves it where it is, an event type of
    /// a later version too (contract 5).
    ///
    /// - Parameters:
    ///   - state: The state before.
    ///   - eventType: Such as `gladhand.tender.accepted.v1`.
    /// - Throws: ``GladhandError`` with `illegalTransition` and what is allowed; `invalidArgument` for a state that this version
    ///   does not know and for what is no event type.
    public static func stateAfter(_ state: TenderState, eventType: String) throws -> TenderState {
        TenderState(rawValue: try bridged { try contractStateAfter(state: state.rawValue, eventType: eventType) })
    }

    /// Whether a load fits an offer at a time, each check with its remedy (contract 3b to 3d). ``Capacity/explain(load:offer:)``
    /// is this now, with what the offer's carrier publishes.
    ///
    /// - Parameters:
    ///   - load: The load.
    ///   - offer: The offer.
    ///   - at: The time.
    ///   - assumedTareLbs: Pounds that an empty vehicle of unknown tare weighs, as the carrier publishes it; 35,000 if absent.
    /// - Throws: ``GladhandError`` with `schemaInvalid` for an offer that is none.
    public static func explain(
        load: LoadTender, offer: CapacityOffer, at: Instant, assumedTareLbs: Int? = nil
    ) throws -> Eligibility {
        let (load, offer) = (try load.given, try offer.given)
        return Eligibility(
            try bridged {
                try contractExplain(
                    load: load, offer: offer, at: at.lexeme, assumedTareLbs: assumedTareLbs.map { Int64($0) })
            })
    }
}
