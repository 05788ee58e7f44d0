// The shared document vectors (`conformance/vectors/documents`), read by all four languages: byte for byte through Swift.
import Foundation
import XCTest

import Gladhand

/// Where the repository's shared files are: beside the package, in the clone and in a staged copy alike.
enum Shared {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func files(_ folder: String) throws -> [URL] {
        let place = root.appendingPathComponent("conformance/vectors/\(folder)")
        return try FileManager.default.contentsOfDirectory(at: place, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }
}

final class VectorTests: XCTestCase {
    func testEveryDocumentComesBackByteForByte() throws {
        let files = try Shared.files("documents").filter { $0.pathExtension == "json" }
        XCTAssertFalse(files.isEmpty, "no vectors found")
        for file in files {
            let bytes = try Data(contentsOf: file)
            XCTAssertEqual(try Document(parsing: bytes).bytes, bytes, file.lastPathComponent)
        }
    }

    func testAChangeThroughTheModelTouchesOnlyItsMember() throws {
        let file = Shared.root.appendingPathComponent("conformance/vectors/documents/CAP-001.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        var offer = try CapacityOffer(parsing: text)
        let before = offer
        let old = try XCTUnwrap(offer.rate.raw("amount"))
        offer.rate.amount = "9876.50"
        let at = try XCTUnwrap(text.range(of: "\"rate\""))
        let place = try XCTUnwrap(text.range(of: old, range: at.upperBound..<text.endIndex))
        XCTAssertEqual(offer.json, text.replacingCharacters(in: place, with: "9876.50"))
        XCTAssertEqual(before.json, text, "the first value is untouched")
        XCTAssertEqual(offer.rate.amount.lexeme, "9876.50")
    }

    func testUnknownMembersAndLongNumbersSurviveAChange() throws {
        let text = #"{"capacityId":"c-1","rate":{"amount": 1250.00,"x-note":0.10},"x-count":12345678901234567890123}"#
        var offer = try CapacityOffer(parsing: text)
        offer.capacityId = "c-2"
        XCTAssertEqual(offer.json, text.replacingOccurrences(of: "c-1", with: "c-2"))
        XCTAssertEqual(offer.document.number("/x-count"), "12345678901234567890123")
        XCTAssertEqual(offer.rate.amount.decimal, 1250)
    }
}
