// Memory stays flat: calls, errors, cancelled calls and streams by the ten thousand. `GLADHAND_LEAK_CALLS` says how many
// of each; an endurance run asks for 100000.
#if os(Linux)
import Foundation
import XCTest

import GladhandCore
import TestingCore

@testable import Gladhand

final class LeakTests: XCTestCase {
    private let calls = ProcessInfo.processInfo.environment["GLADHAND_LEAK_CALLS"].flatMap(Int.init) ?? 10_000

    func testCalls() async throws {
        try await flat {
            _ = try bridged { try TESTING_echo(value: 1) }
            _ = try await bridged { try await TESTING_round_trip(value: 1, cancel: $0) }
        }
    }

    func testErrors() async throws {
        try await flat {
            _ = error { try bridged { _ = try TESTING_fail(code: "tender_conflict") } }
            _ = await error { try await bridged { _ = try await TESTING_fail_later(code: "rate_limited", cancel: $0) } }
        }
    }

    func testCancelledCalls() async throws {
        try await flat {
            let task = Task { try await bridged { try await TESTING_slow(milliseconds: 600_000, cancel: $0) } }
            await Task.yield()
            task.cancel()
            _ = await task.result
        }
    }

    func testDocuments() async throws {
        var document = try Document(parsing: #"{"rate":{"amount":"1250.00"},"stops":[1,2,3]}"#)
        try await flat {
            document.set("/rate/amount", raw: "\"1300.00\"")
            XCTAssertEqual(document.text("/rate/amount"), "1300.00")
            XCTAssertNil(try? Document(parsing: "{"))
        }
    }

    func testStreams() async throws {
        let storm = try bridged { try TESTING_storm(count: .max) }
        try await flat {
            _ = try await bridged { try await storm.next(cancel: $0) }
        }
    }

    func testLoopsThatAreLeft() async throws {
        let numbers = Pull<Document> {
            let storm = try bridged { try TESTING_storm(count: 10) }
            return { try await bridged { try await storm.next(cancel: $0) }.map { Document($0) } }
        }
        try await flat {
            for try await _ in numbers { break }
        }
    }

    /// A leak of 64 bytes a call would be seen.
    func testALeakIsSeen() async throws {
        var kept: [[UInt8]] = []
        kept.reserveCapacity(2 * calls)
        let grown = try await growth { kept.append([UInt8](repeating: 1, count: 64)) }
        XCTAssertGreaterThan(grown, limit)
        XCTAssertEqual(kept.count, 2 * calls)
    }

    /// What the allocator may keep. Seen: a few kilobytes.
    private var limit: Int { 300_000 + calls * 16 }

    private func flat(_ call: () async throws -> Void) async throws {
        let grown = try await growth(call)
        print("leak: \(name): \(calls) calls, \(grown / 1024) KiB more")
        XCTAssertLessThan(grown, limit)
    }

    /// By how many bytes the process grows over so many calls, once as many have gone before: what it needs to run at all is
    /// there by then.
    private func growth(_ call: () async throws -> Void) async throws -> Int {
        for _ in 0..<calls { try await call() }
        let before = try resident()
        for _ in 0..<calls { try await call() }
        return try resident() - before
    }

    /// The bytes of this process in memory, by /proc/self/statm; without those that are free and only kept for later, which
    /// would hide a leak.
    private func resident() throws -> Int {
        // Foundation does not have it; an allocator that is not the C library's keeps less.
        if let trim = dlsym(nil, "malloc_trim") {
            _ = unsafeBitCast(trim, to: (@convention(c) (Int) -> Int32).self)(0)
        }
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return try XCTUnwrap(pages) * sysconf(Int32(_SC_PAGESIZE))
    }
}
#endif
