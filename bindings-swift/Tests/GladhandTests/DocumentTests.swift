// The lossless document through Swift: what was read comes back byte for byte, and a change touches only its member.
import XCTest

import Gladhand

final class DocumentTests: XCTestCase {
    private let offer = #"{ "rate" : {"amount": 1250.00, "perMile":0.10}, "x-unknown": [1, {"a":null}], "big": 12345678901234567890123 , "name":"caf\u00e9"}"#

    func testBytesComeBack() throws {
        let document = try Document(parsing: offer)
        XCTAssertEqual(document.json, offer)
        XCTAssertEqual(document.bytes, Data(offer.utf8))
        XCTAssertEqual(document.number("/rate/amount"), "1250.00")
        XCTAssertEqual(document.number("/big"), "12345678901234567890123")
        XCTAssertEqual(document.text("/name"), "café")
        XCTAssertEqual(document.raw("/x-unknown"), #"[1, {"a":null}]"#)
        XCTAssertEqual(document.isNull("/x-unknown/1/a"), true)
        XCTAssertNil(document.isNull("/nothing"))
        XCTAssertNil(document.text("/rate/amount"))
        XCTAssertEqual(document.count("/x-unknown"), 2)
        XCTAssertEqual(document.keys(), ["rate", "x-unknown", "big", "name"])
        XCTAssertEqual(document.extract("/rate")?.json, #"{"amount": 1250.00, "perMile":0.10}"#)
    }

    func testAChangeTouchesOnlyItsMember() throws {
        var document = try Document(parsing: offer)
        let before = document
        document.set("/rate/amount", raw: "1300.50")
        XCTAssertEqual(document.json, offer.replacingOccurrences(of: "1250.00", with: "1300.50"))
        XCTAssertEqual(before.json, offer, "a copy keeps its value")
        XCTAssertNotEqual(document, before)
        XCTAssertEqual(try document.removing("/big").keys(), ["rate", "x-unknown", "name"])
        XCTAssertEqual(try document.patching("/new/member", raw: jsonQuote("a\"b")).text("/new/member"), "a\"b")
    }

    func testMoneyGoesOutWithTheDigitsOfItsCurrency() throws {
        var rate = try Rate(parsing: #"{"currency":"USD","amount":1250.0}"#)
        XCTAssertEqual(rate.raw("amount"), "1250.0", "what came and was left alone keeps its lexeme")
        rate.amount = Number(decimal: Decimal(1300))
        XCTAssertEqual(rate.raw("amount"), "1300.00")
        rate.unitPrice = "1.123456"
        XCTAssertEqual(rate.raw("unitPrice"), "1.123456")
        XCTAssertEqual(Money(currency: "KWD", amount: "7").json, #"{"currency":"KWD","amount":7.000}"#)
        rate.amount = "1300.005"
        XCTAssertThrowsError(try rate.document.validated()) { error in
            XCTAssertEqual((error as? GladhandError)?.code, .schemaInvalid)
        }
    }

    func testARefusedChangeIsKeptAndThrown() throws {
        var document = try Document(parsing: offer)
        document.set("/rate/amount", raw: "12,50")
        document.set("/rate/perMile", raw: "0.20")
        XCTAssertEqual(document.number("/rate/amount"), "1250.00")
        XCTAssertThrowsError(try document.validated()) { error in
            XCTAssertEqual((error as? GladhandError)?.code, .malformedJson)
        }
    }

    func testAMalformedDocumentIsATypedError() {
        XCTAssertThrowsError(try Document(parsing: #"{"a":1,"a":2}"#)) { error in
            guard let error = error as? GladhandError else { return XCTFail("not typed: \(error)") }
            XCTAssertEqual(error.code, .malformedJson)
            XCTAssertEqual(error.kind, .validation)
            XCTAssertEqual(error.retry, .never)
            XCTAssertEqual(error.sent, .notSent)
            XCTAssertTrue(error.description.hasSuffix(error.code.remedy), error.description)
        }
    }

    func testADocumentDoesNotPrintItsContent() throws {
        let document = try Document(parsing: offer)
        XCTAssertEqual("\(document)", "Document(\(offer.utf8.count) bytes)")
        XCTAssertFalse(String(reflecting: document).contains("rate"))
    }

    func testPointersAreEscaped() throws {
        let document = try Document(parsing: #"{"a/b":{"c~d":true}}"#)
        XCTAssertEqual(document.boolean("/\(pointerEscape("a/b"))/\(pointerEscape("c~d"))"), true)
    }
}
