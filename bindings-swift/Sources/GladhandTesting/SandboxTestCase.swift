// XCTest with a carrier: each test, or each class of tests, has a sandbox carrier and a client of its own.
import Gladhand
import XCTest

/// A test case with a sandbox carrier and a client of it. Both are there when a test begins and ended when it is over.
///
/// ```swift
/// final class DispatchTests: SandboxTestCase {
///     func testALoadIsTendered() async throws {
///         let load = try await carrier.load("load-1")
///         let tender = try await gh.tenders.create(load, carrier: carrierName, wait: .seconds(20))
///         XCTAssertEqual(tender.state, .accepted)
///     }
/// }
/// ```
///
/// A class that overrides `setUp` or `tearDown` calls those of this class, first and last.
open class SandboxTestCase: XCTestCase {
    /// How long a carrier lives.
    public enum Lifetime: Sendable {
        /// Each test has a fresh one.
        case test
        /// The tests of the class share one, and what happened before is still there.
        case suite
    }

    /// How long a carrier lives; ``Lifetime/test`` unless a class says otherwise.
    open class var lifetime: Lifetime { .test }
    /// The carrier's name, and its key in the client's configuration.
    open class var carrierName: String { "aurora" }
    /// Further arguments for the sandbox program, as for ``Gladhand/Sandbox/start(carrier:program:arguments:)``.
    open class var sandboxArguments: [String] { [] }
    /// Settings of the client that go before its configuration, by their dotted key.
    open class var settings: [String: String] { [:] }

    private var running: Running?

    /// The carrier's name, for the tests.
    public var carrierName: String { type(of: self).carrierName }
    /// The carrier. Only while a test runs.
    public var carrier: Sandbox { present.carrier }
    /// A client of the carrier. Only while a test runs.
    public var gh: Client { present.gh }

    private var present: Running {
        guard let running else { preconditionFailure("there is no carrier before setUp() and after tearDown()") }
        return running
    }

    /// Starts the carrier, or takes the one of the class.
    ///
    /// - Throws: as ``Gladhand/Sandbox/start(carrier:program:arguments:)`` and ``Gladhand/connect(configuration:settings:)``.
    open override func setUp() async throws {
        try await super.setUp()
        let kind = type(of: self)
        if kind.lifetime == .suite, let shared = Shelf.shared.running(kind) {
            running = shared
            return
        }
        let started = try await Running.start(kind.carrierName, kind.sandboxArguments, kind.settings)
        running = started
        if kind.lifetime == .suite { Shelf.shared.keep(started, kind) }
    }

    /// Ends the carrier that only this test has.
    ///
    /// - Throws: ``Gladhand/GladhandError`` of what ends.
    open override func tearDown() async throws {
        if type(of: self).lifetime == .test { try await running?.stop() }
        running = nil
        try await super.tearDown()
    }

    /// Ends the carrier of the class.
    open override class func tearDown() {
        if let shared = Shelf.shared.take(self) {
            let ended = DispatchSemaphore(value: 0)
            Task.detached {
                // A carrier that does not end by itself ends with this process.
                try? await shared.stop()
                ended.signal()
            }
            ended.wait()
        }
        super.tearDown()
    }
}

/// The carriers of classes.
private final class Shelf: @unchecked Sendable {
    static let shared = Shelf()
    private let lock = NSLock()
    private var kept: [ObjectIdentifier: Running] = [:]

    func running(_ kind: AnyClass) -> Running? {
        lock.withLock { kept[ObjectIdentifier(kind)] }
    }

    func keep(_ running: Running, _ kind: AnyClass) {
        lock.withLock { kept[ObjectIdentifier(kind)] = running }
    }

    func take(_ kind: AnyClass) -> Running? {
        lock.withLock { kept.removeValue(forKey: ObjectIdentifier(kind)) }
    }
}
