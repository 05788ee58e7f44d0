// What `GladhandTesting` gives to the tests of a program.
import Gladhand
import GladhandTesting
import XCTest

/// Each test has a carrier of its own.
final class TestingPerTestTests: SandboxTestCase {
    override class var carrierName: String { "borealis" }

    func testOneLoad() async throws { try await oneLoad() }
    func testOneLoadInACarrierThatKnowsNone() async throws { try await oneLoad() }

    private func oneLoad() async throws {
        let before = try await carrier.control("/state").count("/tenders")
        XCTAssertEqual(before, 0)
        let load = try await carrier.load("load-1")
        let tender = try await gh.tenders.create(load, carrier: carrierName, wait: .seconds(20))
        XCTAssertEqual(tender.state, .accepted)
    }
}

/// The tests of the class share one; XCTest runs them by name.
final class TestingPerSuiteTests: SandboxTestCase {
    override class var lifetime: Lifetime { .suite }

    func test1ALoadIsTendered() async throws {
        try await gh.tenders.create(try await carrier.load("load-1"), carrier: carrierName, wait: .seconds(20))
    }

    func test2ItIsStillThere() async throws {
        let tenders = try await gh.tenders.list()
        XCTAssertEqual(tenders.map(\.loadId), ["load-1"])
    }
}

final class WithSandboxTests: XCTestCase {
    func testBothEndWithTheClosure() async throws {
        let (carrier, gh) = try await withSandbox { carrier, gh in
            _ = try await carrier.control("/state")
            return (carrier, gh)
        }
        let answer = await error { try await carrier.control("/state") } as? GladhandError
        XCTAssertEqual(answer?.code, .sandboxFailed)
        let call = await error { _ = try await gh.tenders.list() } as? GladhandError
        XCTAssertEqual(call?.code, .clientClosed)
    }

    func testItEndsAlsoWhenTheClosureThrows() async throws {
        let kept = try await Self.throwing()
        let answer = await error { try await kept.control("/state") } as? GladhandError
        XCTAssertEqual(answer?.code, .sandboxFailed)
    }

    /// On an actor: the closure runs there.
    @MainActor
    private static func throwing() async throws -> Sandbox {
        struct Own: Error {}
        var kept: Sandbox?
        let thrown = await error {
            try await withSandbox { carrier, _ in
                kept = carrier
                throw Own()
            }
        }
        XCTAssertTrue(thrown is Own)
        return try XCTUnwrap(kept)
    }
}
