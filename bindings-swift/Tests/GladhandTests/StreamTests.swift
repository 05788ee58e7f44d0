// What arrives over time, as an `AsyncSequence`: order, the loop that is left, the task that is cancelled, full speed.
import XCTest

import GladhandCore
import TestingCore

@testable import Gladhand

final class StreamTests: XCTestCase {
    /// A storm of numbers. `seen` is told of each handle that feeds a loop.
    private func storm(_ count: UInt64, seen: @escaping @Sendable (StormHandle) -> Void = { _ in }) -> Pull<Int> {
        Pull {
            let storm = try bridged { try TESTING_storm(count: count) }
            seen(storm)
            return {
                let next = try await bridged { try await storm.next(cancel: $0) }
                return next.flatMap { Document($0).number("/n") }.flatMap { Int($0) }
            }
        }
    }

    func testAStormComesWholeAndInOrder() async throws {
        var last = 0
        for try await number in storm(10_000) {
            XCTAssertEqual(number, last + 1)
            last = number
        }
        XCTAssertEqual(last, 10_000)
    }

    func testEachLoopIsAReadingOfItsOwn() async throws {
        let numbers = storm(3)
        for _ in 0..<2 {
            let all = try await numbers.reduce(into: []) { $0.append($1) }
            XCTAssertEqual(all, [1, 2, 3])
        }
    }

    func testTheSequencesOfTheLanguageApply() async throws {
        let even = try await storm(.max).filter { $0.isMultiple(of: 2) }.map { $0 * 10 }.prefix(3).reduce(into: []) { $0.append($1) }
        XCTAssertEqual(even, [20, 40, 60])
    }

    func testALoopThatIsLeftLetsGo() async throws {
        let feeding = Weak()
        for try await number in storm(.max, seen: { feeding.hold($0) }) {
            XCTAssertTrue(feeding.isAlive)
            if number == 10 { break }
        }
        XCTAssertFalse(feeding.isAlive)
    }

    func testACancelledTaskEndsItsLoopAndLetsGo() async throws {
        let feeding = Weak()
        let numbers = storm(.max, seen: { feeding.hold($0) })
        let reading = Task {
            for try await _ in numbers {}
        }
        try await eventually { feeding.isAlive }
        reading.cancel()
        await XCTAssertCancelled(reading)
        XCTAssertFalse(feeding.isAlive)
    }

    func testManyLoopsAtOnce() async throws {
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                let numbers = storm(200)
                group.addTask { try await numbers.reduce(0, +) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(sums, Array(repeating: 200 * 201 / 2, count: 50))
    }
}

/// Whether a handle is still held by somebody else.
private final class Weak: @unchecked Sendable {
    private let lock = NSLock()
    private weak var handle: StormHandle?

    func hold(_ handle: StormHandle) {
        lock.withLock { self.handle = handle }
    }

    var isAlive: Bool {
        lock.withLock { handle != nil }
    }
}
