// The bridge's waiting calls: errors arrive typed, and a cancelled task ends the call.
import XCTest

import Gladhand

final class SandboxTests: XCTestCase {
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
