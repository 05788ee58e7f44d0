// The shared document vectors (`conformance/vectors/documents`), run by all four languages: byte for byte through Swift,
// changed through the models, and refused with the same violations.
import Foundation
import XCTest

import Gladhand

/// Where the repository's shared files are: beside the package, in the clone and in a staged copy alike.
enum Shared {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func vectors(_ path: String) -> URL {
        root.appendingPathComponent("conformance/vectors/\(path)")
    }
}

final class VectorTests: XCTestCase {
    private let index: Document = {
        (try? Document(parsing: Data(contentsOf: Shared.vectors("documents/index.json")))) ?? .object
    }()

    private func vectors() throws -> [(id: String, entity: String, bytes: Data, vector: Document)] {
        let count = try XCTUnwrap(index.count("/vectors"), "no vectors found")
        return try (0..<count).map { place in
            let vector = try XCTUnwrap(index.extract("/vectors/\(place)"))
            return (
                try XCTUnwrap(vector.text("/id")), try XCTUnwrap(vector.text("/entity")), try bytes(of: vector), vector
            )
        }
    }

    /// The file of a vector, or its base with the edits.
    private func bytes(of vector: Document) throws -> Data {
        let name = try XCTUnwrap(vector.text("/base") ?? vector.text("/file"))
        var bytes = try Data(contentsOf: Shared.vectors("documents/\(name)"))
        for place in 0..<(vector.count("/edit") ?? 0) {
            let from = Data(try XCTUnwrap(vector.text("/edit/\(place)/from")).utf8)
            let to = Data(try XCTUnwrap(vector.text("/edit/\(place)/to")).utf8)
            let times = vector.raw("/edit/\(place)/times").flatMap { Int($0) } ?? 1
            let range = try XCTUnwrap(bytes.range(of: from), "\(name) has what is replaced")
            XCTAssertNil(bytes.range(of: from, in: range.upperBound..<bytes.endIndex), "once")
            bytes.replaceSubrange(range, with: (0..<times).reduce(into: Data()) { text, _ in text.append(to) })
        }
        return bytes
    }

    func testTheVersionsBesideThisOneAreValidToo() throws {
        let versions = try Document(parsing: Data(contentsOf: Shared.vectors("documents/versions.json")))
        let count = try XCTUnwrap(versions.count("/vectors"))
        XCTAssertGreaterThanOrEqual(count, 80)
        for place in 0..<count {
            let entity = try XCTUnwrap(versions.text("/vectors/\(place)/entity"))
            let bytes = Data(try XCTUnwrap(versions.text("/vectors/\(place)/text")).utf8)
            XCTAssertNoThrow(try Typed.validate(entity, bytes), versions.text("/vectors/\(place)/id") ?? "")
            XCTAssertEqual(try Document(parsing: bytes).bytes, bytes)
        }
    }

    func testWhatParsesComesBackByteForByte() throws {
        for (id, _, bytes, vector) in try vectors() where vector.text("/error") != "malformed_json" {
            XCTAssertEqual(try Document(parsing: bytes).bytes, bytes, id)
        }
    }

    func testValidDocumentsAreValidAndOthersNameTheirViolations() throws {
        for (id, entity, bytes, vector) in try vectors() {
            do {
                try Typed.validate(entity, bytes)
                XCTAssertNil(vector.text("/error"), id)
            } catch {
                guard let error = error as? GladhandError else { return XCTFail("\(id): \(error)") }
                XCTAssertEqual(error.code.rawValue, vector.text("/error"), "\(id): \(error)")
                let expected = (0..<(vector.count("/violations") ?? 0)).map { place in
                    "\(vector.text("/violations/\(place)/path") ?? "") \(vector.text("/violations/\(place)/code") ?? "")"
                }
                if error.code != .malformedJson {
                    XCTAssertEqual(error.violations.map { "\($0.path) \($0.code)" }, expected, id)
                }
            }
        }
    }

    func testAChangeThroughTheModelTouchesOnlyItsMember() throws {
        var changes = 0
        for (id, entity, bytes, vector) in try vectors() {
            for place in 0..<(vector.count("/changes") ?? 0) {
                let change = try XCTUnwrap(vector.extract("/changes/\(place)"))
                let pointer = try XCTUnwrap(change.text("/pointer"))
                let kind = try XCTUnwrap(change.keys("/set")?.first)
                let value = try XCTUnwrap(change.text("/set/\(kind)") ?? change.raw("/set/\(kind)"))
                let expected = try XCTUnwrap(Data(base64Encoded: try XCTUnwrap(change.text("/expected"))))
                let changed = try Typed.change(entity, pointer, value, bytes)
                XCTAssertEqual(changed, expected, "\(id) \(pointer)")
                changes += 1
            }
        }
        XCTAssertGreaterThan(changes, 0)
    }

    func testListsGrowAndShrinkAtTheirEnd() throws {
        var offer = try CapacityOffer(parsing: #"{"mustUnderstand":[ "/a" , "/b" ], "x": 1.0}"#)
        offer.mustUnderstand?.append("/c")
        XCTAssertEqual(offer.json, #"{"mustUnderstand":[ "/a" , "/b","/c" ], "x": 1.0}"#)
        offer.mustUnderstand?[0] = "/z"
        XCTAssertEqual(offer.json, #"{"mustUnderstand":[ "/z" , "/b","/c" ], "x": 1.0}"#)
        offer.mustUnderstand?.removeLast(2)
        XCTAssertEqual(offer.mustUnderstand, ["/z"])
        offer.mustUnderstand = nil
        XCTAssertEqual(offer.document.keys(), ["x"])
    }

    func testAModelBuiltFromItsMembersReadsBack() throws {
        var place = Place(lat: "41.8781", lon: "-87.6298", name: "Chicago \"Loop\"")
        XCTAssertEqual(place.json, #"{"lat":41.8781,"lon":-87.6298,"name":"Chicago \"Loop\""}"#)
        place.lat = "not a number"
        let destination = Place(lat: "34.0522", lon: "-118.2437")
        XCTAssertThrowsError(try CapacitySearch(origin: place, destination: destination).validated()) { error in
            XCTAssertEqual((error as? GladhandError)?.violations.map(\.path), ["/origin/lat"])
        }
    }

    func testInstantsKeepTheirTextAndGiveADate() throws {
        let instant: Instant = "2026-02-20T08:00:00.123456-06:00"
        XCTAssertEqual(instant.date?.timeIntervalSince1970 ?? 0, 1_771_596_000.123456, accuracy: 0.000_001)
        XCTAssertEqual(Instant(Date(timeIntervalSince1970: 1_771_596_000.5)).lexeme, "2026-02-20T14:00:00.500000Z")
        XCTAssertNil(Instant("yesterday").date)
    }
}
