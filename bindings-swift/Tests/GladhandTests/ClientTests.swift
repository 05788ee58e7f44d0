// The client as a Swift program meets it: cancelled tasks, loops that are left, a client that was closed.
import Foundation
import XCTest

import Gladhand

final class ClientTests: XCTestCase {
    func testACancelledTaskEndsAWaitingLoop() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let waiting = Task { () -> Bool in
            do {
                for try await _ in client.events(consumer: "nobody") {}
                return false
            } catch {
                return error is CancellationError
            }
        }
        // Cancelled while it waits for an event that never comes.
        try await Task.sleep(nanoseconds: 300_000_000)
        waiting.cancel()
        let cancelled = await waiting.value
        XCTAssertTrue(cancelled)
        // The loop has let go of its consumer, and the client works on.
        try await client.tenders.create(try await carrier.load("load-1"), carrier: "aurora", wait: .seconds(10))
        for try await delivery in client.events(consumer: "nobody") {
            XCTAssertEqual(delivery.event.data.loadId, "load-1")
            try await delivery.acknowledge()
            break
        }
        try await client.close()
        try await carrier.stop()
    }

    func testEventsComeAgainUntilAcknowledged() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        try await client.tenders.create(try await carrier.load("load-1"), carrier: "aurora", wait: .seconds(10))
        var first: [String] = []
        for try await delivery in client.events(consumer: "billing") {
            first.append(delivery.event.id)
            break
        }
        for try await delivery in client.events(consumer: "billing") {
            XCTAssertEqual([delivery.event.id], first, "not acknowledged, so it comes again")
            try await delivery.acknowledge()
            break
        }
        for try await delivery in client.events(consumer: "billing") {
            XCTAssertNotEqual([delivery.event.id], first)
            break
        }
        try await client.close()
        try await carrier.stop()
    }

    func testWhatAWorkerHadGoesToTheNextOneAtOnce() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        try await client.tenders.create(try await carrier.load("load-1"), carrier: "aurora", wait: .seconds(10))
        var had: [Delivery] = []
        for try await delivery in client.events(consumer: "workers") {
            had.append(delivery)
            if had.count == 2 { break }
            delivery.giveBack()
        }
        XCTAssertEqual(had[0].event.id, had[1].event.id, "given back, so it comes again")
        // What it had is kept here; the consumer is free.
        for try await delivery in client.events(consumer: "workers") {
            XCTAssertEqual(delivery.event.id, had[0].event.id)
            do {
                try await had[0].acknowledge()
                XCTFail("acknowledged for another reader")
            } catch {
                XCTAssertEqual((error as? GladhandError)?.code, .consumerLeased)
            }
            break
        }
        try await had[0].acknowledge()
        for try await delivery in client.events(consumer: "workers") {
            XCTAssertNotEqual(delivery.event.id, had[0].event.id, "a late word counts while nobody else reads")
            break
        }
        try await client.close()
        try await carrier.stop()
    }

    func testAClosedClientSaysSoAndAnotherOneWorks() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let other = try await carrier.connect()
        try await client.close()
        do {
            _ = try await client.health()
            XCTFail("a closed client answered")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, .clientClosed)
        }
        let health = try await other.health()
        XCTAssertEqual(health.carriers.map(\.carrier), ["aurora"])
        try await other.close()
        try await client.close()
        try await carrier.stop()
    }

    // A Swift program does not ignore SIGPIPE, and a write to a connection that the other side has closed raises it.
    func testACarrierThatDiesDoesNotEndTheProgram() async throws {
        for round in 0..<10 {
            let carrier = try await Sandbox.start()
            let client = try await carrier.connect(settings: ["carriers.aurora.deadline_ms": "1000"])
            let asking = (0..<8).map { _ in
                Task {
                    // A carrier that does not answer is a part of the answer.
                    while !Task.isCancelled {
                        _ = try await client.capacity.search(origin: (32.9, -97.0), destination: (29.6, -95.3))
                    }
                }
            }
            try await Task.sleep(nanoseconds: 50_000_000)
            try await carrier.stop()
            try await Task.sleep(nanoseconds: 50_000_000)
            asking.forEach { $0.cancel() }
            for task in asking {
                do {
                    try await task.value
                } catch {
                    XCTAssertTrue(error is GladhandError || error is CancellationError, "round \(round): \(error)")
                }
            }
            try await client.close()
        }
    }

    func testMetricsHaveEverySeriesFromTheStart() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let tender = try await client.tenders.create(
            try await carrier.load("load-1"), carrier: "aurora", wait: .seconds(10))
        let metrics = try await client.metrics().validated()
        let found = Dictionary(grouping: metrics.samples, by: \.name)
        for name in [
            "gladhand_backpressure_ratio", "gladhand_event_gap_age_seconds", "gladhand_journal_unresolved",
            "gladhand_retry_budget", "gladhand_tender_unknown_age_seconds",
        ] {
            XCTAssertEqual(found[name]?.count, 1, name)
        }
        XCTAssertEqual(found["gladhand_journal_unresolved"]?.first?.value.decimal, 0)
        let budget = try XCTUnwrap(found["gladhand_retry_budget"]?.first)
        XCTAssertGreaterThan(try XCTUnwrap(budget.value.decimal), 0)
        XCTAssertEqual(try budget.labels.document().text("/partner"), "aurora")
        XCTAssertFalse(metrics.json.contains(tender.tenderId) || metrics.json.contains("load-1"))
        try await client.close()
        await expect(.clientClosed) { _ = try await client.metrics() }
        try await carrier.stop()
    }

    func testAnUnknownTenderAndCarrierAreTypedErrors() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        await expect(.tenderUnknown) { _ = try await client.tenders.get("t-0000000000000000000000") }
        await expect(.carrierUnknown) {
            _ = try await client.tenders.create(try await carrier.load("load-1"), carrier: "nobody")
        }
        await expect(.malformedJson) {
            var load = try await carrier.load("load-1")
            load.document.set("/revision", raw: "one")
            _ = try await client.tenders.create(load, carrier: "aurora")
        }
        try await client.close()
        try await carrier.stop()
    }

    func testAWrongSettingNamesItsKey() async throws {
        let carrier = try await Sandbox.start()
        do {
            _ = try await carrier.connect(settings: ["journal.pth": "elsewhere.db"])
            XCTFail("it connected")
        } catch {
            XCTAssertEqual((error as? GladhandError)?.kind, .config)
            XCTAssertTrue("\(error)".contains("journal.pth"), "\(error)")
        }
        try await carrier.stop()
    }

    private func expect(
        _ code: GladhandError.Code, _ body: () async throws -> Void, line: UInt = #line
    ) async {
        do {
            try await body()
            XCTFail("it did not fail", line: line)
        } catch {
            XCTAssertEqual((error as? GladhandError)?.code, code, "\(error)", line: line)
        }
    }
}
