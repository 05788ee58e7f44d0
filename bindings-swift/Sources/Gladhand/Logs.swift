// What the core logs, for the host's own log.
import Foundation
internal import GladhandCore

/// One record of the core's log, in the shape of a swift-log message. No secret is in it.
public struct LogRecord: Sendable {
    /// How grave a record is; the names are those of swift-log's levels.
    public enum Level: String, Sendable, Hashable, CaseIterable {
        /// Everything.
        case trace
        /// Every request, and why something is done again.
        case debug
        /// What happens in the course of things.
        case info
        /// Somebody should look.
        case warning = "warn"
        /// Somebody has to act.
        case error
    }

    /// When it happened.
    public let time: Date
    /// How grave it is.
    public let level: Level
    /// Which part of the core: `gladhand.tender`, `gladhand.security`, …
    public let label: String
    /// What happened.
    public let message: String
    /// The facts, by name.
    public let metadata: [String: String]
    /// The trace of the call that it happened in, if that has one.
    public let traceId: String?

    init(_ fields: LogFields) {
        time = Date(timeIntervalSince1970: fields.at)
        level = Level(rawValue: fields.level) ?? .error
        label = fields.logger
        message = fields.message
        metadata = fields.fields
        traceId = fields.traceId
    }
}

/// What the core logs at a level and graver, of every client of this process, from when the loop begins until it is left.
///
/// Records come some milliseconds after they happened. If they come faster than the loop takes them, up to 2048 wait, and a
/// record labelled `gladhand.logs` says how many were lost.
///
/// ```swift
/// Task {
///     for try await record in Gladhand.logRecords() {
///         print(record.time, record.level, record.label, record.message, record.metadata)
///     }
/// }
/// ```
///
/// - Parameter level: The least grave to come; `info` unless given.
public func logRecords(level: LogRecord.Level? = nil) -> Pull<LogRecord> {
    Pull {
        let batches = Batches(try bridged { try listenToLog(level: level?.rawValue) })
        return { try await batches.next() }
    }
}

/// Batches of the core, one record at a time.
private actor Batches {
    private let handle: LogsHandle
    private var waiting: ArraySlice<LogFields> = []

    init(_ handle: LogsHandle) {
        self.handle = handle
    }

    func next() async throws -> LogRecord? {
        while waiting.isEmpty {
            let handle = handle
            guard let batch = try await bridged({ try await handle.next(cancel: $0) }) else { return nil }
            waiting = batch[...]
        }
        return waiting.popFirst().map { LogRecord($0) }
    }
}
