// A carrier for as long as a closure runs: for any test framework, and for scripts.
import Gladhand

/// Runs a closure with a sandbox carrier and a client of it, and ends both however the closure ends.
///
/// ```swift
/// let state = try await withSandbox { carrier, gh in
///     try await gh.tenders.create(try await carrier.load("load-1"), carrier: "aurora", wait: .seconds(20)).state
/// }
/// ```
///
/// - Parameters:
///   - carrier: The carrier's name, and its key in the client's configuration.
///   - arguments: Further arguments for the sandbox program.
///   - settings: Settings of the client that go before its configuration, by their dotted key.
///   - isolation: The actor of the caller, on which the closure runs; leave it out.
///   - body: What to do with them.
/// - Returns: What the closure returns.
/// - Throws: What the closure throws; as ``Gladhand/Sandbox/start(carrier:program:arguments:)`` and
///   ``Gladhand/connect(configuration:settings:)``.
public func withSandbox<Answer: Sendable>(
    carrier: String = "aurora", arguments: [String] = [], settings: [String: String] = [:],
    isolation: isolated (any Actor)? = #isolation, _ body: (Sandbox, Client) async throws -> Answer
) async throws -> Answer {
    let running = try await Running.start(carrier, arguments, settings)
    do {
        let answer = try await body(running.carrier, running.gh)
        try await running.stop()
        return answer
    } catch {
        // What the closure threw is what the caller has to know.
        try? await running.stop()
        throw error
    }
}

/// A carrier and its client.
struct Running: Sendable {
    let carrier: Sandbox
    let gh: Client

    static func start(_ carrier: String, _ arguments: [String], _ settings: [String: String]) async throws -> Running {
        let started = try await Sandbox.start(carrier: carrier, arguments: arguments)
        return Running(carrier: started, gh: try await started.connect(settings: settings))
    }

    func stop() async throws {
        try await gh.close()
        try await carrier.stop()
    }
}
