// Swift's task cancellation, carried to the call in Rust: before it begins, under way, after its end.
import Foundation
import XCTest

import GladhandCore
import TestingCore

@testable import Gladhand

final class CancellationTests: XCTestCase {
    /// A call that ends by cancellation only, and what of it is under way: one test at a time counts.
    private let long: UInt64 = 600_000

    func testCancelledBeforeItBeginsNothingBegins() async throws {
        let before = try (TESTING_under_way(), TESTING_cancelled())
        let task = Task { [long] in
            // Cancelled already when it calls.
            while !Task.isCancelled { await Task.yield() }
            return try await bridged { try await TESTING_slow(milliseconds: long, cancel: $0) }
        }
        task.cancel()
        await XCTAssertCancelled(task)
        let after = try (TESTING_under_way(), TESTING_cancelled())
        XCTAssertTrue(before == after, "\(before) became \(after)")
    }

    func testCancelledUnderWayTheCallInRustEnds() async throws {
        let before = try TESTING_cancelled()
        let task = Task { [long] in try await bridged { try await TESTING_slow(milliseconds: long, cancel: $0) } }
        try await eventually { try TESTING_under_way() == 1 }
        task.cancel()
        await XCTAssertCancelled(task)
        try await eventually { try TESTING_under_way() == 0 }
        XCTAssertEqual(try TESTING_cancelled(), before + 1)
    }

    func testCancelledAfterItsEndItsAnswerStands() async throws {
        let before = try TESTING_cancelled()
        let task = Task { try await bridged { try await TESTING_slow(milliseconds: 0, cancel: $0) } }
        let answer = try await task.value
        task.cancel()
        let again = try await task.value
        XCTAssertEqual(answer, 0)
        XCTAssertEqual(again, 0)
        XCTAssertEqual(try TESTING_cancelled(), before)
    }

    /// Cancelled at any moment, a call either answers or throws `CancellationError`; never anything else.
    func testCancelledAtAnyMoment() async throws {
        var (answered, cancelled) = (0, 0)
        for round in 0..<500 {
            let task = Task { try await bridged { try await TESTING_round_trip(value: 1, cancel: $0) } }
            for _ in 0..<(round % 20) { await Task.yield() }
            task.cancel()
            switch await task.result {
            case .success(1): answered += 1
            case .failure(is CancellationError): cancelled += 1
            case let other: XCTFail("\(other)")
            }
        }
        XCTAssertEqual(answered + cancelled, 500)
        XCTAssertGreaterThan(cancelled, 0)
    }

    /// A group whose child fails cancels the others: a thousand calls end in Rust.
    func testAGroupThatFailsEndsItsCalls() async throws {
        let before = try TESTING_cancelled()
        let thrown = await error {
            try await withThrowingTaskGroup(of: Int64.self) { [long] group in
                for _ in 0..<1000 {
                    group.addTask { try await bridged { try await TESTING_slow(milliseconds: long, cancel: $0) } }
                }
                try await eventually { try TESTING_under_way() == 1000 }
                group.addTask { try await bridged { try await TESTING_fail_later(code: "tender_conflict", cancel: $0) } }
                while try await group.next() != nil {}
            }
        }
        XCTAssertEqual((thrown as? GladhandError)?.code, .tenderConflict)
        try await eventually { try TESTING_under_way() == 0 }
        XCTAssertEqual(try TESTING_cancelled(), before + 1000)
    }

    /// What a caller cancels while the carrier holds the answer back is not withdrawn: the journal finishes it.
    func testACancelledTenderIsNotLost() async throws {
        let carrier = try await Sandbox.start()
        let gh = try await carrier.connect()
        try await carrier.control("/policy", try Document(parsing: #"{"decision":"human"}"#))
        let load = try await carrier.load("load-1")
        let task = Task { try await gh.tenders.create(load, carrier: "aurora", wait: .seconds(60)) }
        try await eventually { try await carrier.control("/state").number("/loads/load-1/creates") == "1" }
        task.cancel()
        await XCTAssertCancelled(task)
        // The same call again joins what exists: one tender at the carrier.
        let tender = try await gh.tenders.create(load, carrier: "aurora")
        XCTAssertTrue(tender.joined)
        try await eventually { try await gh.tenders.get(tender.tenderId).state == .pending }
        let creates = try await carrier.control("/state").number("/loads/load-1/creates")
        XCTAssertEqual(creates, "1")
        try await gh.close()
        try await carrier.stop()
    }
}

/// Whether the task ended as Swift's own cancelled calls do.
func XCTAssertCancelled<Answer>(
    _ task: Task<Answer, any Error>, file: StaticString = #filePath, line: UInt = #line
) async {
    switch await task.result {
    case .failure(is CancellationError): break
    case let other: XCTFail("not cancelled: \(other)", file: file, line: line)
    }
}

/// Asks again until it is so; for at most a minute.
func eventually(_ what: () async throws -> Bool) async throws {
    for _ in 0..<6000 {
        if try await what() { return }
        try await Task.sleep(nanoseconds: 10_000_000)
    }
    XCTFail("it never came to be")
}
