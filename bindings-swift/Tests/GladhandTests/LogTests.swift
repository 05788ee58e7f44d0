// What the core logs, in the host's own log.
import Foundation
import XCTest

import Gladhand

final class LogTests: XCTestCase {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    /// Keeps records; prints them too, since the output of a test run is looked through for secrets.
    private actor Kept {
        private(set) var records: [LogRecord] = []

        func keep(_ record: LogRecord) {
            records.append(record)
            print(record.label, record.level, record.message, record.metadata)
        }

        func first(_ wanted: (LogRecord) -> Bool) -> LogRecord? { records.first(where: wanted) }
    }

    /// A loop that keeps what comes, once it listens.
    private func listen(_ kept: Kept, level: LogRecord.Level? = nil) async throws -> Task<Void, any Error> {
        let loop = Task {
            for try await record in logRecords(level: level) { await kept.keep(record) }
        }
        // It listens once its first pull has reached the core.
        try await Task.sleep(nanoseconds: 200_000_000)
        return loop
    }

    private func found(_ kept: Kept, _ wanted: @Sendable (LogRecord) -> Bool) async throws -> LogRecord {
        for _ in 0..<600 {
            if let record = await kept.first(wanted) { return record }
            try await Task.sleep(nanoseconds: 50_000_000)
        }
        XCTFail("in vain")
        throw CancellationError()
    }

    func testAKeyThatOthersMayReadIsWarnedOf() async throws {
        let carrier = try await Sandbox.start()
        for name in try FileManager.default.contentsOfDirectory(atPath: carrier.directory) where name.hasSuffix(".pem") {
            let path = carrier.directory + "/" + name
            guard try String(contentsOfFile: path, encoding: .utf8).contains("PRIVATE KEY") else { continue }
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        }
        let kept = Kept()
        let loop = try await listen(kept)
        let client = try await carrier.connect()
        let record = try await found(kept) { $0.message.contains("others may read") }
        XCTAssertEqual(record.level, .warning)
        XCTAssertEqual(record.label, "gladhand.security")
        XCTAssertTrue(record.metadata["path"]?.hasSuffix(".pem") == true, "\(record.metadata)")
        XCTAssertLessThan(abs(record.time.timeIntervalSinceNow), 60)
        loop.cancel()
        try await client.close()
        try await carrier.stop()
    }

    func testARequestIsToldWithItsTraceAndNoSecret() async throws {
        XCTAssertFalse(canaryFile.isEmpty)
        let carrier = try await Sandbox.start()
        let kept = Kept()
        let loop = try await listen(kept, level: .debug)
        let client = try await carrier.connect()
        let context = TraceContext(traceparent: "00-\(Self.trace)-00f067aa0ba902b7-01")
        try await TraceContext.$current.withValue(context) {
            try await tender(carrier, client, "load-1")
            try await client.identity.rotate()
        }
        let record = try await found(kept) { $0.label == "gladhand.http" && $0.metadata["path"] == "/v1/tenders" }
        XCTAssertEqual(record.level, .debug)
        XCTAssertEqual(record.traceId, Self.trace)
        let state = try await carrier.control("/state")
        let spans = (0..<(state.count("/requests/latest") ?? 0)).compactMap {
            state.text("/requests/latest/\($0)/traceparent")?.split(separator: "-")[2]
        }
        XCTAssertTrue(spans.contains { $0 == record.metadata["span"] ?? "" })
        let text = await kept.records.map { "\($0)" }.joined()
        XCTAssertEqual(try leaks(text), [])
        loop.cancel()
        try await client.close()
        try await carrier.stop()
    }

    func testAStormIsBoundedAndWhatWasLostIsTold() async throws {
        let carrier = try await Sandbox.start()
        var records = logRecords(level: .debug).makeAsyncIterator()
        let client = try await carrier.connect()
        let speaking = Task {
            while !Task.isCancelled {
                _ = try? await client.capacity.get(carrier: "aurora", capacityId: "nowhere")
                try? await Task.sleep(nanoseconds: 20_000_000)
            }
        }
        let begun = try await records.next()
        XCTAssertNotNil(begun)
        speaking.cancel()
        // Two records for a request, and nobody takes them.
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<1_500 {
                group.addTask { _ = try? await client.capacity.get(carrier: "aurora", capacityId: "nowhere-\(number)") }
            }
        }
        var many = 0
        while let record = try await records.next() {
            many += 1
            guard record.label == "gladhand.logs" else { continue }
            XCTAssertEqual(record.level, .warning)
            XCTAssertGreaterThan(Int(record.metadata["lost"] ?? "") ?? 0, 0)
            break
        }
        XCTAssertLessThanOrEqual(many, 3_000)
        try await client.close()
        try await carrier.stop()
    }

    func testALoopThatIsCancelledEnds() async throws {
        let loop = Task { () -> Bool in
            do {
                for try await _ in logRecords(level: .error) {}
                return false
            } catch {
                return error is CancellationError
            }
        }
        try await Task.sleep(nanoseconds: 200_000_000)
        loop.cancel()
        let cancelled = await loop.value
        XCTAssertTrue(cancelled)
    }
}
