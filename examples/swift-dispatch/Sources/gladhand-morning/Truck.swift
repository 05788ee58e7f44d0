// The vehicle gateway: streams the real highway minute, ten times as fast as it was recorded.
import Foundation
import Gladhand

enum Truck {
    /// Ten records a second, as recorded, divided by ten.
    private static let pace: UInt64 = 10_000_000

    /// Drives the load; gives how many records the collector acknowledged.
    static func drive(loadId: String, dispatchId: String) async throws -> Int {
        let gateway = try await Gateway.connect(configuration: Steps.variable("GLADHAND_GATEWAY_CONFIG"))
        for line in try recording() {
            var record = try Document(parsing: line)
            record.set("/loadId", raw: jsonQuote(loadId))
            record.set("/dispatchId", raw: jsonQuote(dispatchId))
            // Driven now, and numbered by this gateway: who may see a truck depends on when it was where.
            record.set("/t", raw: String(Int(Date().timeIntervalSince1970 * 1_000_000_000)))
            record.set("/eventSequence", raw: "0")
            try gateway.publish(record)
            try await Task.sleep(nanoseconds: pace)
        }
        return try await gateway.close().acknowledged
    }

    /// The lines of the recording. Foundation has no gzip on Linux, so the system's own unpacks it.
    private static func recording() throws -> [String] {
        let gzip = Process()
        gzip.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        gzip.arguments = ["gzip", "-dc", Steps.variable("GLADHAND_HIGHWAY_MINUTE")]
        let output = Pipe()
        gzip.standardOutput = output
        try gzip.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        gzip.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
