// A TMS that dies by SIGKILL and starts again: exactly one tender at the carrier, and the journal says what happened
// (contract 4c). The process that dies is `crash-probe`, built beside these tests.
import Foundation
import XCTest

import Gladhand

final class CrashTests: XCTestCase {
    func testKilledBeforeTheRequestLeft() async throws {
        try await dies(at: "before_send", beside: false)
    }

    func testKilledBeforeTheAnswer() async throws {
        try await dies(at: "after_send", beside: false)
    }

    func testKilledBeforeTheAnswerIsJournaled() async throws {
        try await dies(at: "after_answer", beside: false)
    }

    func testKilledBeforeTheRequestLeftBesideALivingProcess() async throws {
        try await dies(at: "before_send", beside: true)
    }

    func testKilledBeforeTheAnswerBesideALivingProcess() async throws {
        try await dies(at: "after_send", beside: true)
    }

    func testKilledBeforeTheAnswerIsJournaledBesideALivingProcess() async throws {
        try await dies(at: "after_answer", beside: true)
    }

    /// The matrix once, or as often as an endurance run asks for.
    private func dies(at point: String, beside: Bool) async throws {
        let rounds = ProcessInfo.processInfo.environment["GLADHAND_SIGKILL_ROUNDS"].flatMap(Int.init) ?? 1
        for _ in 0..<rounds { try await diesOnce(at: point, beside: beside) }
    }

    /// Kills a TMS at a point, starts it again, and looks at both sides.
    private func diesOnce(at point: String, beside: Bool) async throws {
        let carrier = try await Sandbox.start()
        let load = try await carrier.load("load-1")
        let file = carrier.directory + "/load.json"
        try load.document.bytes.write(to: URL(fileURLWithPath: file))
        // This process is the second one of the same TMS: alive on the same journal all the while.
        let witness = beside ? try await carrier.connect() : nil

        let killed = try run(carrier, file, failpoint: "\(point)@tenders.create")
        XCTAssertEqual(killed.reason, .uncaughtSignal, killed.output)
        XCTAssertEqual(killed.status, SIGKILL)
        let restarted = try run(carrier, file, failpoint: nil)
        XCTAssertEqual(restarted.status, 0, restarted.output)
        let tender = try Tender(parsing: restarted.output)
        XCTAssertEqual(tender.state, .accepted)
        XCTAssertEqual(tender.receipt, .proven)

        let state = try await carrier.control("/state")
        XCTAssertEqual(state.number("/loads/load-1/creates"), "1", "exactly one tender at the carrier")
        let client: Client
        if let witness { client = witness } else { client = try await carrier.connect() }
        let seen = try await client.tenders.get(tender.tenderId)
        XCTAssertEqual(seen.state, .accepted)
        let report = try await settled(client)
        XCTAssertTrue(report.intact)
        XCTAssertEqual(report.unresolved, 0)
        let differences = try await client.reconcile.run().differences
        XCTAssertEqual(differences, 0)
        try await client.close()
        try await carrier.stop()
    }

    /// The journal once no intent is without an outcome: a living process resolves what it sees, in its own time.
    private func settled(_ client: Client) async throws -> JournalReport {
        for _ in 0..<100 {
            let report = try await client.journal.verify()
            if report.unresolved == 0 { return report }
            try await Task.sleep(nanoseconds: 100_000_000)
        }
        return try await client.journal.verify()
    }

    private func run(
        _ carrier: Sandbox, _ load: String, failpoint: String?
    ) throws -> (reason: Process.TerminationReason, status: Int32, output: String) {
        let process = Process()
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = tests.appendingPathComponent("crash-probe")
        process.arguments = [load, "aurora"]
        var environment = ProcessInfo.processInfo.environment
        environment["GLADHAND_CONFIG"] = carrier.configuration
        environment["GLADHAND_FAILPOINT"] = failpoint
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        // A TMS that hangs is ended and fails the test by its status.
        let deadline = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: deadline)
        defer { deadline.cancel() }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationReason, process.terminationStatus, text)
    }
}
