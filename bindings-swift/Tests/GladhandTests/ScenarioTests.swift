// The shared scenarios (`conformance/vectors/scenarios`), the same conversations in all four languages. What the steps mean
// is in `conformance/vectors/README.md`; how they are played is in `Scenario.swift`.
import Foundation
import XCTest

import Gladhand

final class ScenarioTests: XCTestCase {
    // By first letter, so that a new scenario is played without being listed here.
    func testScenariosFromAToC() async throws { try await play("a"..."c") }
    func testScenariosFromDToH() async throws { try await play("d"..."h") }
    func testScenariosFromIToR() async throws { try await play("i"..."r") }
    func testScenariosFromSToZ() async throws { try await play("s"..."z") }

    func testEveryScenarioIsPlayed() throws {
        let names = try Self.files().map(\.lastPathComponent)
        XCTAssertFalse(names.isEmpty)
        XCTAssertEqual(names.filter { !("a"..."z").contains(String($0.prefix(1))) }, [])
    }

    private static func files() throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: Shared.vectors("scenarios"), includingPropertiesForKeys: nil
        ).filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
    }

    private func play(_ letters: ClosedRange<String>) async throws {
        for file in try Self.files() where letters.contains(String(file.lastPathComponent.prefix(1))) {
            let carrier = try await Sandbox.start()
            let scenario = Scenario(carrier)
            do {
                try await scenario.run(try Document(parsing: Data(contentsOf: file)))
            } catch {
                XCTFail("\(file.lastPathComponent), \(await scenario.place): \(error)")
            }
            try await carrier.stop()
        }
    }
}
