// The host's trace reaches the carrier, judged by what the carrier saw.
import Foundation
import XCTest

import Gladhand

final class TraceTests: XCTestCase {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private func parent(_ trace: String) -> String { "00-\(trace)-00f067aa0ba902b7-01" }

    /// `traceparent` of the requests for this capacity; an empty text for one without.
    private func parents(_ carrier: Sandbox, _ capacityId: String) async throws -> [String] {
        let found = try await carrier.control("/fingerprints")
        let places = 0..<(found.count("/requests") ?? 0)
        let own = places.filter { found.text("/requests/\($0)/path")?.hasSuffix(capacityId) == true }
        return own.map { found.text("/requests/\($0)/traceparent") ?? "" }
    }

    func testACallBelongsToTheCurrentTrace() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let context = TraceContext(traceparent: parent(Self.trace), tracestate: "rojo=1,congo=2")
        let error = try await TraceContext.$current.withValue(context) {
            try await failure { _ = try await client.capacity.get(carrier: "aurora", capacityId: "nowhere-1") }
        }
        XCTAssertEqual(error.traceId, Self.trace)
        let told = try await parents(carrier, "nowhere-1")
        XCTAssertEqual(told.count, 1)
        XCTAssertTrue(told[0].hasPrefix("00-\(Self.trace)-") && told[0].hasSuffix("-01"), told[0])
        XCTAssertFalse(told[0].contains("00f067aa0ba902b7"), "a request has a span of its own")
        let state = try await carrier.control("/state")
        let latest = 0..<(state.count("/requests/latest") ?? 0)
        let own = latest.first { state.text("/requests/latest/\($0)/path")?.hasSuffix("nowhere-1") == true }
        XCTAssertEqual(state.text("/requests/latest/\(try XCTUnwrap(own))/tracestate"), "rojo=1,congo=2")
        // Outside there is none.
        let other = try await failure { _ = try await client.capacity.get(carrier: "aurora", capacityId: "nowhere-2") }
        XCTAssertNotEqual(other.traceId, Self.trace)
        let none = try await parents(carrier, "nowhere-2")
        XCTAssertEqual(none, [""])
        try await client.close()
        try await carrier.stop()
    }

    func testTasksOfAGroupDoNotMix() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let traces = (1...16).map { String(format: "%032x", 0xabc000 + $0) }
        let raised = try await withThrowingTaskGroup(of: (String, String?).self) { group in
            for trace in traces {
                let context = TraceContext(traceparent: parent(trace))
                group.addTask {
                    try await TraceContext.$current.withValue(context) {
                        await Task.yield()
                        let error = try await failure {
                            _ = try await client.capacity.get(carrier: "aurora", capacityId: "nowhere-\(trace)")
                        }
                        return (trace, error.traceId)
                    }
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        XCTAssertEqual(raised.count, 16)
        for trace in traces {
            XCTAssertEqual(raised[trace], trace)
            let told = try await parents(carrier, "nowhere-\(trace)")
            XCTAssertEqual(told.map { $0.dropFirst(3).prefix(32) }, [trace[...]])
        }
        try await client.close()
        try await carrier.stop()
    }

    func testAnErrorWithoutACarrierHasTheTraceToo() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let error = try await TraceContext.$current.withValue(TraceContext(traceparent: parent(Self.trace))) {
            try await failure { _ = try await client.tenders.get("t-nobody-knows") }
        }
        XCTAssertEqual(error.code, .tenderUnknown)
        XCTAssertEqual(error.traceId, Self.trace)
        try await client.close()
        try await carrier.stop()
    }

    func testWhatIsMalformedIsNoContext() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let wrong = ["", "00-zz", parent(Self.trace).uppercased(), parent(Self.trace) + "-x", "\u{0}"]
        for (number, text) in wrong.enumerated() {
            try await TraceContext.$current.withValue(TraceContext(traceparent: text)) {
                _ = try await failure {
                    _ = try await client.capacity.get(carrier: "aurora", capacityId: "wrong-\(number)")
                }
            }
            let told = try await parents(carrier, "wrong-\(number)")
            XCTAssertEqual(told, [""], text)
        }
        try await client.close()
        try await carrier.stop()
    }
}
