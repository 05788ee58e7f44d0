// Where a program begins: `Gladhand.connect()` gives a `Client`, whose members are the rooms of the SDK.
import Foundation
internal import GladhandCore

/// Connects to the carriers of a configuration.
///
/// The settings come from `gladhand.toml` and `GLADHAND_*` variables; read by the core, alike in every language
/// (architecture decision 9).
///
/// ```swift
/// let client = try await Gladhand.connect()
/// let offers = try await client.capacity.search(request).offers
/// ```
///
/// - Parameters:
///   - configuration: The file; by default what `GLADHAND_CONFIG` names, or `gladhand.toml` in the working directory.
///   - settings: Settings that go before file and variables, by their dotted key, such as `["journal.path": "…"]`.
/// - Throws: ``GladhandError`` with `configMissing` or `configInvalid` and the key; `certificateUnreadable`,
///   `keyMismatch`, `journalUnwritable` and their like for what the configuration names.
public func connect(configuration: String? = nil, settings: [String: String] = [:]) async throws -> Client {
    Client(try await bridged { try await connectClient(path: configuration, settings: settings, cancel: $0) })
}

/// A connection to the carriers of one configuration, with its journal. Safe to use from many tasks at once.
public final class Client: Sendable {
    let handle: ClientHandle

    init(_ handle: ClientHandle) {
        self.handle = handle
    }

    /// What carriers offer.
    public var capacity: Capacity { Capacity(handle: handle) }
    /// Loads offered to carriers.
    public var tenders: Tenders { Tenders(handle: handle) }
    /// Where webhooks go in.
    public var inbox: Inbox { Inbox(handle: handle) }
    /// Where carriers send webhooks.
    public var webhooks: Webhooks { Webhooks(handle: handle) }
    /// Vehicles under way, and what may be asked of them.
    public var dispatches: Dispatches { Dispatches(handle: handle) }
    /// Proof of delivery and other papers.
    public var documents: Documents { Documents(handle: handle) }
    /// Where loads are.
    public var telemetry: Telemetry { Telemetry(handle: handle) }
    /// Whether both sides hold the same history.
    public var reconcile: Reconcile { Reconcile(handle: handle) }
    /// Who we are to carriers: certificates and tokens.
    public var identity: Identity { Identity(handle: handle) }
    /// The local record of every intent.
    public var journal: Journal { Journal(handle: handle) }

    /// How the client and its carriers are.
    ///
    /// - Throws: ``GladhandError`` of the journal, such as `journalCorrupt`. A carrier that cannot be reached is in the answer.
    public func health() async throws -> Health {
        Health(try await bridged { try await self.handle.health(cancel: $0) })
    }

    /// Numbers to watch the client by: gauges, each a sample with its name, its labels and its value. Every series is there from
    /// the start, with a 0; only dates, in seconds since 1970, are there once there is one. Labels name partners and routes,
    /// never a load. Asks no carrier.
    ///
    /// - Throws: ``GladhandError`` of the journal, such as `journalUnwritable`.
    public func metrics() async throws -> Metrics {
        Metrics(try await bridged { try await self.handle.metrics(cancel: $0) })
    }

    /// Closes the client. Calls under way end with `clientClosed`; what they had sent is resolved at the next start.
    ///
    /// - Throws: ``GladhandError`` with `forkedClient` in a child of the process that connected. Closing twice is no error.
    public func close() async throws {
        try await bridged { try await self.handle.close(cancel: $0) }
    }
}

extension Model {
    /// A model of what the core answered.
    init(_ handle: DocumentHandle) {
        self.init(document: Document(handle))
    }

    /// The document for the core, once every change to it could be made.
    var given: DocumentHandle {
        get throws { try document.validated().handle }
    }
}

extension Duration {
    /// Whole milliseconds, as the core counts waits; a negative duration is none.
    var wholeMilliseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }

    /// Whole seconds, as leases are counted; a negative duration is none.
    var wholeSeconds: UInt32 { UInt32(clamping: wholeMilliseconds / 1000) }
}
