// The vehicle's side of the telemetry contract: one program per vehicle, beside the driving system.
internal import GladhandCore

/// Streams a vehicle's telemetry to its carrier's collector. Records are kept until they are acknowledged, and numbered, so
/// that what was lost is known.
public final class Gateway: Sendable {
    private let handle: GatewayHandle

    private init(_ handle: GatewayHandle) {
        self.handle = handle
    }

    /// What became of the records of a gateway.
    public struct Counts: Sendable, Hashable {
        /// Taken by ``Gateway/publish(_:)``.
        public let produced: Int
        /// Acknowledged by the collector.
        public let acknowledged: Int
        /// Given up, by the rules of their lane.
        public let dropped: Int
        /// Still on their way.
        public let pending: Int

        init(_ handle: DocumentHandle) {
            let document = Document(handle)
            func count(_ name: String) -> Int { document.number("/\(name)").flatMap { Int($0) } ?? 0 }
            (produced, acknowledged) = (count("produced"), count("acknowledged"))
            (dropped, pending) = (count("dropped"), count("pending"))
        }
    }

    /// Connects a gateway. Parameters and errors as for ``connect(configuration:settings:)``.
    ///
    /// - Throws: ``GladhandError`` with `configMissing` for a gateway without a producer; `journalBusy` if another process has its
    ///   spool; as ``connect(configuration:settings:)``.
    public static func connect(
        configuration: String? = nil, settings: [String: String] = [:]
    ) async throws -> Gateway {
        Gateway(try await bridged { try await connectGateway(path: configuration, settings: settings, cancel: $0) })
    }

    /// Takes a record, as JSON of the telemetry contract or as a line of a recorded trace. Never waits.
    ///
    /// - Returns: `lane`, `sequence`, `eventSequence` and whether it was `accepted`.
    /// - Throws: ``GladhandError`` with `telemetryBacklogFull`, `recordTooLarge` or `schemaInvalid`.
    @discardableResult
    public func publish(_ record: Document) throws -> Document {
        let record = try record.validated().handle
        return Document(try bridged { try handle.publish(record: record) })
    }

    /// Waits until every record published so far is acknowledged or given up.
    ///
    /// - Throws: ``GladhandError`` with `deadlineExceeded` and what still waits; `telemetryRefused` if the collector refuses this
    ///   gateway for good.
    public func flush() async throws -> Counts {
        Counts(try await bridged { try await self.handle.flush(cancel: $0) })
    }

    /// What became of the records so far.
    ///
    /// - Throws: ``GladhandError`` with `forkedClient` in a child of the process that connected.
    public func stats() throws -> Counts {
        Counts(try bridged { try handle.stats() })
    }

    /// Numbers to watch the gateway by, as ``Client/metrics()``: each a sample with its name, its labels (`lane`, `reason`) and its
    /// value; names that end in `_total` count up from the start of the gateway's epoch. Asks nobody.
    ///
    /// - Throws: ``GladhandError`` with `forkedClient`.
    public func metrics() throws -> Metrics {
        Metrics(try bridged { try handle.metrics() })
    }

    /// Sends what waits, and ends.
    ///
    /// - Returns: The counts at the end.
    /// - Throws: as ``flush()``; `journalUnwritable` if the spool could not be closed. It is closed all the same.
    @discardableResult
    public func close() async throws -> Counts {
        Counts(try await bridged { try await self.handle.close(cancel: $0) })
    }
}
