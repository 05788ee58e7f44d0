// The one error of the SDK (architecture decision 4). Codes and kinds are generated from the error table.
import Foundation
internal import GladhandCore

/// A failure, with all that an operator or a program needs to act on it. Log-safe: no secret ever enters it.
///
/// Every business answer is a value (a refusal is a tender in state `rejected`); this is thrown only for misuse and definite
/// failure (contract 4d). Branch on ``code`` or ``kind``, never on the message:
///
/// ```swift
/// do {
///     tender = try await client.tenders.create(load, carrier: "aurora")
/// } catch let error as GladhandError where error.kind == .unavailable {
///     retryLater(after: error.retryAfter)
/// }
/// ```
///
/// A call whose task was cancelled throws `CancellationError`, as Swift's own do.
public struct GladhandError: Error, Sendable {
    /// Whether the same call may be made again.
    public enum Retry: String, Sendable, CaseIterable {
        /// Repeating it cannot succeed.
        case never
        /// It may be repeated as it is; idempotency makes that safe.
        case safe
        /// It may be repeated after a wait (``GladhandError/retryAfter`` where the peer gave one).
        case after
    }

    /// How far the request got (architecture decision 5).
    public enum Sent: String, Sendable, CaseIterable {
        /// No byte of the request reached the peer.
        case notSent = "not_sent"
        /// The peer may have processed it; the journal knows, and the next start resolves it by read-back.
        case maybeSent = "maybe_sent"
        /// The peer answered.
        case acknowledged
    }

    /// One broken rule of a document.
    public struct Violation: Sendable, Hashable {
        /// Where: a JSON Pointer (RFC 6901).
        public let path: String
        /// Which rule, such as `required` or `rate_sum_mismatch`.
        public let code: String
        /// What to do, in words.
        public let message: String
    }

    /// The stable code.
    public let code: Code
    /// The family.
    public let kind: Kind
    /// Whether the same call may be repeated.
    public let retry: Retry
    /// How far the request got.
    public let sent: Sent
    /// What happened. Without the remedy.
    public let message: String
    /// What to do next, in one sentence.
    public let remedy: String
    /// The HTTP status that the peer answered with.
    public let httpStatus: Int?
    /// The wait that the peer asked for.
    public let retryAfter: Duration?
    /// The problem document (RFC 9457) as it came.
    public let problem: String?
    /// The broken rules.
    public let violations: [Violation]
    /// The request id of the peer.
    public let requestId: String?
    /// The idempotency key of the mutation.
    public let idempotencyKey: String?
    /// The trace id.
    public let traceId: String?
    /// The tender concerned.
    public let tenderId: String?
    /// The chain of causes, outermost first.
    public let causes: [String]
}

extension GladhandError: CustomStringConvertible, LocalizedError {
    /// Code, message and remedy, in one line.
    public var description: String { "\(code.rawValue): \(message). \(remedy)" }
    /// As ``description``: what Foundation shows.
    public var errorDescription: String? { description }
    /// As ``remedy``: what Foundation shows.
    public var recoverySuggestion: String? { remedy }
}

extension GladhandError {
    init(_ record: FailureRecord) {
        code = Code(rawValue: record.code) ?? .internalPanic
        kind = Kind(rawValue: record.kind) ?? .internal
        retry = Retry(rawValue: record.retry) ?? .never
        sent = Sent(rawValue: record.sent) ?? .maybeSent
        message = record.message
        remedy = record.remedy
        httpStatus = record.httpStatus.map(Int.init)
        retryAfter = record.retryAfterMs.map { .milliseconds($0) }
        problem = record.problem
        violations = record.violations.map { Violation(path: $0.path, code: $0.code, message: $0.message) }
        requestId = record.requestId
        idempotencyKey = record.idempotencyKey
        traceId = record.traceId
        tenderId = record.tenderId
        causes = record.causes
    }

    /// A panic of the core, or an answer of it that does not decode. Neither may end the host's process.
    init(defect: any Error) {
        code = .internalPanic
        kind = .internal
        retry = .never
        sent = .maybeSent
        message = (defect as? any LocalizedError)?.errorDescription ?? String(describing: defect)
        remedy = Code.internalPanic.remedy
        httpStatus = nil
        retryAfter = nil
        problem = nil
        violations = []
        requestId = nil
        idempotencyKey = nil
        traceId = nil
        tenderId = nil
        causes = []
    }
}
