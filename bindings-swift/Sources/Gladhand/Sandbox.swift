// A carrier on this machine, for development and tests: it makes its own certificates and keys, and ends with its handle.
import Foundation
internal import GladhandCore

/// A running sandbox carrier. It ends when the last reference to it is gone, or by ``stop()``.
///
/// ```swift
/// let sandbox = try await Sandbox.start()
/// let client = try await sandbox.connect()
/// ```
public final class Sandbox: Sendable {
    private let handle: SandboxHandle
    private let ready: Document

    private init(_ handle: SandboxHandle) throws {
        self.handle = handle
        ready = Document(try bridged { try handle.ready() })
    }

    /// Starts a carrier.
    ///
    /// - Parameters:
    ///   - carrier: Its name, and its key in the configuration that it writes.
    ///   - program: The sandbox program; by default what `GLADHAND_SANDBOX` names, or `gladhand-sandbox` on the `PATH`.
    ///   - arguments: Further arguments for it.
    /// - Throws: ``GladhandError`` with `sandboxUnavailable` if there is no such program, `sandboxFailed` if it ends before
    ///   it is ready.
    public static func start(
        carrier: String = "aurora", program: String? = nil, arguments: [String] = []
    ) async throws -> Sandbox {
        let handle = try await bridged { cancel in
            try await startSandbox(program: program, carrier: carrier, arguments: arguments, cancel: cancel)
        }
        return try Sandbox(handle)
    }

    /// A carrier that somebody else started and ends, by its control address. Only ``control(_:_:)`` and
    /// ``load(_:offer:)`` know it.
    ///
    /// - Throws: ``GladhandError`` with `invalidArgument` for what is no address on this machine.
    public static func attach(control: String) throws -> Sandbox {
        try Sandbox(try bridged { try attachSandbox(control: control) })
    }

    /// The origin of the carrier's API.
    public var url: String { fact("url") }
    /// The address of the control interface.
    public var control: String { fact("control") }
    /// The `gladhand.toml` of a client.
    public var configuration: String { fact("config") }
    /// The configuration of a vehicle gateway.
    public var gatewayConfiguration: String { fact("gatewayConfig") }
    /// Where keys, certificates and configurations are.
    public var directory: String { fact("dir") }

    /// A client of this carrier.
    ///
    /// - Parameter settings: As for ``connect(configuration:settings:)``.
    /// - Throws: as ``Gladhand/connect(configuration:settings:)``.
    public func connect(settings: [String: String] = [:]) async throws -> Client {
        try await Gladhand.connect(configuration: configuration, settings: settings)
    }

    /// A load that the carrier would take, to try things with.
    ///
    /// - Parameters:
    ///   - loadId: The load's id in your system.
    ///   - offer: The offer that it should fit.
    /// - Throws: ``GladhandError`` with `sandboxFailed` if the carrier does not answer, `invalidArgument` if it refuses.
    public func load(_ loadId: String, offer: CapacityOffer? = nil) async throws -> LoadTender {
        let offer = try offer?.given
        return LoadTender(try await bridged { try await self.handle.load(loadId: loadId, offer: offer, cancel: $0) })
    }

    /// Calls the control interface: `control("/state")` reads, `control("/decide", body)` acts.
    ///
    /// - Throws: ``GladhandError`` with `invalidArgument` and the carrier's words if it refuses, `sandboxFailed` if it does
    ///   not answer.
    @discardableResult
    public func control(_ path: String, _ body: Document? = nil) async throws -> Document {
        let body = try body?.validated().handle
        return Document(try await bridged { try await self.handle.control(path: path, body: body, cancel: $0) })
    }

    /// Ends the carrier and waits for it.
    ///
    /// - Throws: ``GladhandError`` with `internalPanic` for a defect of the core; nothing else.
    public func stop() async throws {
        try await bridged { try await self.handle.stop(cancel: $0) }
    }

    private func fact(_ name: String) -> String {
        ready.text("/\(name)") ?? ""
    }
}
