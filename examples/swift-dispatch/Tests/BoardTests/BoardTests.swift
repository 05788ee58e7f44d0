// The board through a load's life, as the program that a dispatcher starts, against a sandbox carrier of its own.
import Foundation
import Gladhand
import GladhandTesting
import XCTest

@testable import gladhand_board

final class BoardTests: SandboxTestCase {
    func testALoadFromTenderToDelivery() async throws {
        let board = try Program(configuration: carrier.configuration)
        let load = try await carrier.load("load-1")
        let tender = try await gh.tenders.create(load, carrier: carrierName, wait: .seconds(20))
        let id = Json(tender.tenderId)
        try await board.prints("load-1  aurora  accepted")
        try await act("/progress", ["tenderId": id, "to": "dispatched"])
        try await board.prints("load-1  aurora  dispatched")
        try await act("/progress", ["tenderId": id, "to": "enroute"])
        try await board.prints("load-1  aurora  enroute")
        try await drive(try await gh.tenders.get(tender.tenderId))
        try await board.prints("load-1  at 41.8781, -87.6298, ")
        let alarm: Json = ["exceptionId": "x-1", "kind": "weather_delay", "severity": "warning"]
        try await act("/exception", merged(["tenderId": id], alarm))
        try await board.prints("load-1  ALARM weather_delay (warning)")
        try await act("/exception", merged(["tenderId": id, "clear": true], alarm))
        try await board.prints("load-1  cleared weather_delay (warning)")
        try await act("/progress", ["tenderId": id, "to": "delivered"])
        try await board.prints("load-1  aurora  delivered")
        XCTAssertEqual(try board.ended(), 0, "nothing is under way any more")
    }

    func testWhatItDoesNotKnowIsSaid() throws {
        XCTAssertThrowsError(try Arguments(["--colour"])) { XCTAssertTrue("\($0)".contains("--colour")) }
        XCTAssertEqual(try Arguments(["--consumer", "desk-2"]).consumer, "desk-2")
    }

    func testTheTable() throws {
        var board = Board()
        let tender = """
            {"tenderId":"t-1","loadId":"load-1","carrier":"aurora","state":"enroute","attempt":1,
             "exceptions":[{"exceptionId":"x-1","kind":"delay","severity":"warning","etaDeltaMin":45}]}
            """
        XCTAssertEqual(
            board.take(.tender(try Tender(parsing: tender))),
            ["load-1  aurora  enroute", "load-1  ALARM delay (warning, 45 min)"])
        let event = """
            {"data":{"tenderId":"t-1","loadId":"load-1","eta":[{"stopId":"s-2","at":"2026-02-20T08:00:00-06:00"}]}}
            """
        XCTAssertEqual(
            board.take(.event(try Event(parsing: event))), ["load-1  expected at s-2: 2026-02-20T08:00:00-06:00"])
        let position = """
            {"loadId":"load-1","lat":41.878123,"lon":-87.6298,"freshnessMs":500,"receivedAt":"1970-01-01T00:00:00Z"}
            """
        XCTAssertEqual(board.take(.position(try Position(parsing: position))), ["load-1  at 41.8781, -87.6298, 500 ms old"])
        XCTAssertEqual(board.take(.position(try Position(parsing: position))), [], "only the first is worth a line")
        XCTAssertEqual(
            Screen.table(board.rows, at: Date(timeIntervalSince1970: 2)),
            """
            LOAD    CARRIER  STATE    CONTROL  POSITION           AGE    EXPECTED                   ALARMS
            load-1  aurora   enroute           41.8781, -87.6298  2.5 s  2026-02-20T08:00:00-06:00  delay (warning, 45 min)

            """)
        XCTAssertFalse(board.isOver)
    }

    /// The truck: one record of where it is.
    private func drive(_ tender: Tender) async throws {
        let gateway = try await Gateway.connect(configuration: carrier.gatewayConfiguration)
        var record = try Document(parsing: Self.record)
        record.set("/loadId", raw: jsonQuote(tender.loadId))
        record.set("/dispatchId", raw: jsonQuote(tender.dispatchId ?? ""))
        record.set("/t", raw: String(Int(Date().timeIntervalSince1970 * 1_000_000_000)))
        try gateway.publish(record)
        try await gateway.close()
    }

    /// A line of a recorded trace.
    private static let record = """
        {"vehicleId":"aurora-trk-0417","capacityId":"aurora-12345","eventSequence":0,"latE7":418781000,"lonE7":-876298000,\
        "altMm":31639,"hAccMm":300,"speedMmps":7974,"hdgCdeg":212,"axMmps2":0,"ayMmps2":0,"yawMdegps":0,"mode":3,\
        "sensors":[1,1,1,1,1,1,1,1],"faults":[]}
        """

    /// Both objects in one.
    private func merged(_ one: Json, _ other: Json) throws -> Json {
        var document = try one.document()
        let other = try other.document()
        for key in other.keys() ?? [] { document.set("/\(key)", raw: other.raw("/\(key)")) }
        return Json(raw: document.json)
    }

    private func act(_ path: String, _ body: Json) async throws {
        try await carrier.control(path, body.document())
    }
}

/// The board as a process, and what it has printed.
private final class Program: @unchecked Sendable {
    private let process = Process()
    private let lock = NSLock()
    private var text = ""

    init(configuration: String) throws {
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        process.executableURL = built.appendingPathComponent("gladhand-board")
        process.arguments = ["--until-over"]
        process.environment = ProcessInfo.processInfo.environment.merging(["GLADHAND_CONFIG": configuration]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        output.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let more = String(decoding: handle.availableData, as: UTF8.self)
            self?.lock.withLock { self?.text += more }
        }
        try process.run()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    /// Waits until a line begins so; for at most a minute.
    func prints(_ line: String, file: StaticString = #filePath, at: UInt = #line) async throws {
        for _ in 0..<600 {
            if lock.withLock({ text.split(separator: "\n").contains { $0.hasPrefix(line) } }) { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        XCTFail("no line `\(line)` in:\n\(lock.withLock { text })", file: file, line: at)
    }

    /// How it ended by itself.
    func ended() throws -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}
