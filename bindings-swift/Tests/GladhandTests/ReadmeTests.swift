// The README's test case, word for word: `cargo xtask test` compares them. Its other snippets run as a program of their own.
import Gladhand
import GladhandTesting
import XCTest

final class DispatchTests: SandboxTestCase {
    func testALoadIsRefused() async throws {
        try await carrier.control("/policy", Document(parsing: #"{"decision":"reject","reasonCode":"weather_forecast"}"#))
        let load = try await carrier.load("load-1")
        let tender = try await gh.tenders.create(load, carrier: carrierName, wait: .seconds(20))
        XCTAssertEqual(tender.state, .rejected)
        XCTAssertEqual(tender.reason?.code, "weather_forecast")
    }
}
