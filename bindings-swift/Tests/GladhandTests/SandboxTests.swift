// The bridge's waiting calls: errors arrive typed, and a cancelled task ends the call.
import XCTest

import Gladhand

final class SandboxTests: XCTestCase {
    func testACarrierStartsAnswersAndEnds() async throws {
        let carrier = try await Sandbox.start()
        XCTAssertTrue(carrier.url.hasPrefix("https://127.0.0.1:"), carrier.url)
        XCTAssertTrue(carrier.configuration.hasSuffix("gladhand.toml"), carrier.configuration)
        let state = try await carrier.control("/state")
        XCTAssertEqual(state.count("/tenders"), 0)
        do {
            try await carrier.control("/policy", try Document(parsing: #"{"decision":"perhaps"}"#))
            XCTFail("it took a policy that does not exist")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, .invalidArgument)
        }
        try await carrier.stop()
        do {
            try await carrier.control("/state")
            XCTFail("it answers after its end")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, .sandboxFailed)
        }
    }

    func testAMissingProgramIsATypedError() async {
        do {
            _ = try await Sandbox.start(program: "/nonexistent/gladhand-sandbox")
            XCTFail("it started")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, .sandboxUnavailable)
        }
    }

    func testAProgramThatEndsAtOnceIsATypedError() async {
        do {
            _ = try await Sandbox.start(program: "/bin/false")
            XCTFail("it started")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, .sandboxFailed)
        }
    }

    func testACancelledTaskDoesNotCall() async {
        let task = Task { () -> Bool in
            while !Task.isCancelled { await Task.yield() }
            do {
                _ = try await Sandbox.start(program: "/nonexistent/gladhand-sandbox")
                return false
            } catch {
                return error is CancellationError
            }
        }
        task.cancel()
        let cancelled = await task.value
        XCTAssertTrue(cancelled)
    }
}
