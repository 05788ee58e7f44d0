// The bridge by itself: what crosses it, apart from what the operations do. The core's half is `gladhand_ffi::testing`.
import Foundation
import XCTest

import GladhandCore
import TestingCore

@testable import Gladhand

final class BridgeTests: XCTestCase {
    func testACallCrosses() async throws {
        XCTAssertEqual(try bridged { try TESTING_echo(value: .min) }, .min)
        let answer = try await bridged { try await TESTING_round_trip(value: 7, cancel: $0) }
        XCTAssertEqual(answer, 7)
    }

    func testEveryErrorArrivesWhole() async throws {
        let codes = try TESTING_codes()
        XCTAssertEqual(codes, GladhandError.Code.allCases.map(\.rawValue))
        let table = try ErrorTable()
        XCTAssertEqual(codes, table.codes)
        for code in codes {
            let now = error { try bridged { _ = try TESTING_fail(code: code) } }
            let later = await error { try await bridged { _ = try await TESTING_fail_later(code: code, cancel: $0) } }
            for error in [now, later] {
                let error = try XCTUnwrap(error as? GladhandError, "\(code) arrived as \(String(describing: error))")
                XCTAssertEqual(error.code.rawValue, code)
                XCTAssertEqual(error.kind.rawValue, table.row(code, "kind"))
                XCTAssertEqual(error.retry.rawValue, table.row(code, "retry"))
                XCTAssertEqual(error.remedy, table.row(code, "remedy"))
                XCTAssertEqual(error.remedy, error.code.remedy)
                XCTAssertEqual(error.message, "TESTING_fail of \(code)")
                XCTAssertEqual(error.sent, .maybeSent)
                XCTAssertEqual(error.httpStatus, 418)
                XCTAssertEqual(error.retryAfter, .milliseconds(1_500))
                XCTAssertEqual(error.problem, #"{"title":"TESTING","status":418}"#)
                XCTAssertEqual(error.violations.map(\.path), ["/stops/0"])
                XCTAssertEqual(error.violations.map(\.code), ["required"])
                XCTAssertEqual(error.violations.map(\.message), ["name one"])
                XCTAssertEqual(error.requestId, "request-1")
                XCTAssertEqual(error.idempotencyKey, "key-1")
                XCTAssertEqual(error.traceId, "4bf92f3577b34da6a3ce929d0e0e4736")
                XCTAssertEqual(error.tenderId, "tender-1")
                XCTAssertEqual(error.causes, ["the cause below"])
            }
        }
    }

    func testAPanicIsAnErrorAndTheNextCallWorks() async throws {
        let panics: [(String, () async throws -> Void)] = [
            ("TESTING_panic", { try bridged { _ = try TESTING_panic() } }),
            ("TESTING_panic_later", { try await bridged { _ = try await TESTING_panic_later(cancel: $0) } }),
            ("TESTING_panic_unguarded", { try bridged { _ = try TESTING_panic_unguarded() } }),
        ]
        for (name, panics) in panics {
            let thrown = await error(panics) as? GladhandError
            XCTAssertEqual(thrown?.code, .internalPanic, name)
            XCTAssertEqual(thrown?.kind, .internal, name)
            XCTAssertEqual(thrown?.message.contains(name), true, thrown?.message ?? "nothing was thrown")
            XCTAssertEqual(try bridged { try TESTING_echo(value: 1) }, 1)
            let answer = try await bridged { try await TESTING_round_trip(value: 2, cancel: $0) }
            XCTAssertEqual(answer, 2)
        }
    }

    /// What is thrown that the bridge does not know is a defect of the core, not the end of the host.
    func testWhatDoesNotDecodeIsAnError() {
        struct Strange: Error {}
        let thrown = error { try bridged { throw Strange() } } as? GladhandError
        XCTAssertEqual(thrown?.code, .internalPanic)
        XCTAssertEqual(thrown?.sent, .maybeSent)
    }

    func testAThousandCallsAtOnceEachGetTheirAnswer() async throws {
        let answers = try await withThrowingTaskGroup(of: (Int64, Int64).self) { group in
            for asked in Int64(0)..<1000 {
                group.addTask { (asked, try await bridged { try await TESTING_round_trip(value: asked, cancel: $0) }) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(answers.count, 1000)
        XCTAssertTrue(answers.allSatisfy { $0 == $1 })
    }
}

/// What a call throws.
func error(_ call: () throws -> Void) -> (any Error)? {
    do {
        try call()
        return nil
    } catch {
        return error
    }
}

/// What a call throws that waits.
func error(
    isolation: isolated (any Actor)? = #isolation, _ call: () async throws -> Void
) async -> (any Error)? {
    do {
        try await call()
        return nil
    } catch {
        return error
    }
}

/// The published table of errors (`conformance/contract/errors.json`).
struct ErrorTable {
    private let table: Document

    init() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../conformance/contract/errors.json")
        table = try Document(parsing: Data(contentsOf: root))
    }

    var codes: [String] {
        (0..<(table.count("/codes") ?? 0)).compactMap { table.text("/codes/\($0)/code") }
    }

    func row(_ code: String, _ member: String) -> String? {
        codes.firstIndex(of: code).flatMap { table.text("/codes/\($0)/\(member)") }
    }
}
