// The contract without a client: derivations, digests, signatures, transitions and eligibility, from the files that all four
// languages read.
import Foundation
import XCTest

import Gladhand

final class ContractTests: XCTestCase {
    private func file(_ name: String) throws -> Document {
        try Document(parsing: Data(contentsOf: Shared.vectors(name)))
    }

    /// The elements of an array, which must be so many.
    private func cases(_ document: Document, _ pointer: String, _ expected: Int? = nil) throws -> [Document] {
        let count = try XCTUnwrap(document.count(pointer), "\(pointer) is missing")
        if let expected { XCTAssertEqual(count, expected, pointer) }
        return try (0..<count).map { try XCTUnwrap(document.extract("\(pointer)/\($0)")) }
    }

    private func text(_ document: Document, _ name: String) throws -> String {
        try XCTUnwrap(document.text("/\(name)"), "\(name) is missing")
    }

    private func integer(_ document: Document, _ name: String) throws -> Int {
        try XCTUnwrap(document.number("/\(name)").flatMap { Int($0) }, "\(name) is missing")
    }

    private func texts(_ document: Document, _ pointer: String) throws -> [String] {
        try cases(document, pointer).map { try XCTUnwrap($0.text("")) }
    }

    private func instant(_ seconds: Int) -> Instant {
        Instant(Date(timeIntervalSince1970: Double(seconds)))
    }

    private func headers(_ webhook: Document, id: String? = nil) throws -> [(name: String, value: String)] {
        [
            ("Webhook-Id", try id ?? text(webhook, "id")),
            ("Webhook-Timestamp", String(try integer(webhook, "timestamp"))),
            ("Webhook-Signature", try text(webhook, "signature")),
        ]
    }

    private func code(_ body: () throws -> Void) -> GladhandError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? GladhandError)?.code
        }
    }

    func testTenderIdsAndIdempotencyKeys() throws {
        let derivation = try file("derivation.json")
        for name in try cases(derivation, "/tenderIds", 7) {
            let found = try Contract.tenderId(
                environment: text(name, "environment"), tenant: text(name, "tenant"), carrier: text(name, "carrier"),
                loadId: text(name, "loadId"), attempt: integer(name, "attempt"))
            XCTAssertEqual(found, name.text("/tenderId"))
        }
        for mutation in try cases(derivation, "/idempotencyKeys", 6) {
            let found = try Contract.idempotencyKey(
                environment: text(mutation, "environment"), tenant: text(mutation, "tenant"),
                carrier: text(mutation, "carrier"), operation: text(mutation, "operation"),
                operationId: text(mutation, "operationId"))
            XCTAssertEqual(found, mutation.text("/key"))
        }
    }

    func testHistoryDigests() throws {
        for history in try cases(file("derivation.json"), "/histories", 3) {
            var digests = [try Contract.historyStart(tenderId: text(history, "tenderId"))]
            for event in try texts(history, "/events") {
                let digest = try Contract.eventDigest(Data(event.utf8))
                digests.append(
                    try Contract.historyExtend(digests[digests.count - 1], sequence: digests.count, eventDigest: digest))
            }
            XCTAssertEqual(digests, try texts(history, "/digests"))
        }
    }

    func testWebhooksAreOfTheirSigner() throws {
        for webhook in try cases(file("derivation.json"), "/webhooks", 3) {
            let (id, body, sent) = (try text(webhook, "id"), try text(webhook, "body"), try integer(webhook, "timestamp"))
            let keys = [WebhookKey(keyId: "k-1", publicKey: try text(webhook, "publicKey"))]
            let found = try Contract.verifyWebhook(
                headers: headers(webhook), body: Data(body.utf8), keys: keys, at: instant(sent))
            XCTAssertEqual([found.id, String(found.timestamp), found.keyId], [id, String(sent), "k-1"])
            for (fields, changed) in [(try headers(webhook), body + " "), (try headers(webhook, id: "evt-9"), body)] {
                let refused = code {
                    _ = try Contract.verifyWebhook(
                        headers: fields, body: Data(changed.utf8), keys: keys, at: instant(sent))
                }
                XCTAssertEqual(refused, .webhookSignatureInvalid)
            }
        }
    }

    func testSignaturesAsTheyArrive() throws {
        for arrival in try cases(file("derivation.json"), "/signatures", 23) {
            let title = try text(arrival, "title")
            let fields = try XCTUnwrap(arrival.keys("/headers")).map { name in
                (name: name, value: try text(arrival, "headers/\(name)"))
            }
            let keys = try texts(arrival, "/keys").map { WebhookKey(keyId: "k-1", publicKey: $0) }
            let (body, at) = (Data(try text(arrival, "body").utf8), instant(try integer(arrival, "now")))
            var outcome: String?
            do {
                outcome = try Contract.verifyWebhook(headers: fields, body: body, keys: keys, at: at).id
            } catch {
                outcome = (error as? GladhandError)?.code.rawValue
            }
            XCTAssertEqual(outcome, arrival.text("/outcome"), title)
        }
    }

    func testAKeyIsGoodForItsTimeAlone() throws {
        let webhook = try cases(file("derivation.json"), "/webhooks", 3)[0]
        let (fields, body) = (try headers(webhook), Data(try text(webhook, "body").utf8))
        let (publicKey, at) = (try text(webhook, "publicKey"), instant(try integer(webhook, "timestamp")))
        let over = WebhookKey(keyId: "old", publicKey: publicKey, notAfter: at)
        let good = WebhookKey(keyId: "new", publicKey: publicKey, notBefore: at)
        let later = WebhookKey(keyId: "of a later version", publicKey: "whpq_AAAA")
        XCTAssertEqual(
            code { _ = try Contract.verifyWebhook(headers: fields, body: body, keys: [over], at: at) },
            .webhookSignatureInvalid)
        let found = try Contract.verifyWebhook(headers: fields, body: body, keys: [later, over, good], at: at)
        XCTAssertEqual(found.keyId, "new")
    }

    func testAllPairsOfStates() throws {
        let table = try file("transitions.json")
        let states = try texts(table, "/states")
        var (may, never) = (0, 0)
        for line in try cases(table, "/matrix", 12) {
            let from = try text(line, "from")
            let following = try Contract.nextStates(TenderState(rawValue: from)).map(\.rawValue)
            for (to, cell) in zip(states, try cases(line, "/to", 12)) {
                let reached = following.contains(to)
                XCTAssertEqual(reached, cell.text("") != "-", "\(from) to \(to)")
                (may, never) = reached ? (may + 1, never) : (may, never + 1)
            }
            XCTAssertEqual(Set(following).count, following.count)
            XCTAssertTrue(Set(following).isSubset(of: states))
        }
        XCTAssertEqual([may, never], [20, 124])
    }

    func testEveryEventFromEveryState() throws {
        let table = try file("transitions.json")
        var ends: [String: [String: String]] = [:]
        for move in try cases(table, "/moves", 18) {
            for state in try texts(move, "/from") { ends[try text(move, "event"), default: [:]][state] = try text(move, "to") }
        }
        for stay in try cases(table, "/stays", 8) {
            for state in try texts(stay, "/in") { ends[try text(stay, "event"), default: [:]][state] = state }
        }
        XCTAssertEqual(ends.count, 21)
        for (event, ends) in ends {
            for state in try texts(table, "/states") {
                let from = TenderState(rawValue: state)
                if let end = ends[state] {
                    XCTAssertEqual(try Contract.stateAfter(from, eventType: "gladhand.\(event).v1").rawValue, end)
                } else {
                    XCTAssertEqual(
                        code { _ = try Contract.stateAfter(from, eventType: "gladhand.\(event).v1") },
                        .illegalTransition, "\(event) from \(state)")
                }
            }
        }
    }

    func testALoadIsExplainedAgainstAnOffer() throws {
        let file = try file("eligibility.json")
        for (place, example) in try cases(file, "/cases", 87).enumerated() {
            let id = try text(example, "id")
            func applied(_ name: String) throws -> Document {
                var document = try XCTUnwrap(file.extract("/\(name)"))
                for nth in 0..<(example.count("/\(name)Set") ?? 0) {
                    let change = "/\(name)Set/\(nth)"
                    let pointer = try XCTUnwrap(example.text("\(change)/pointer"))
                    let raw = file.raw("/cases/\(place)\(change)/value")
                    document = try raw.map { try document.patching(pointer, raw: $0) } ?? document.removing(pointer)
                }
                return document
            }
            let answer = try Contract.explain(
                load: LoadTender(document: applied("load")), offer: CapacityOffer(document: applied("offer")),
                at: Instant(try XCTUnwrap(example.text("/at") ?? file.text("/at"))),
                assumedTareLbs: example.number("/tareLbs").flatMap { Int($0) })
            XCTAssertEqual(try answer.validated().verdict.rawValue, example.text("/verdict"), id)
            let failed = try cases(example, "/failed").map { check in
                try ["code", "constraint", "load", "result"].map { try text(check, $0) }
            }
            let found = answer.checks.filter { $0.result.rawValue != "eligible" }
            XCTAssertEqual(found.map { [$0.code, $0.constraint, $0.load, $0.result.rawValue] }, failed, id)
            XCTAssertTrue(found.allSatisfy { $0.remedy?.isEmpty == false }, id)
            if example.raw("/checks") != nil {
                XCTAssertEqual(answer.checks.map(\.code), try texts(example, "/checks"), id)
            }
        }
    }

    func testWhatCannotBeMeantIsRefused() throws {
        let start = try Contract.historyStart(tenderId: "t-1")
        let digest = try Contract.eventDigest(Event(parsing: "{}"))
        XCTAssertEqual(digest, try Contract.eventDigest(Data("{}".utf8)))
        let (load, offer) = (LoadTender(document: .object), CapacityOffer(document: .object))
        let refused: [() throws -> Void] = [
            {
                _ = try Contract.tenderId(
                    environment: "sandbox", tenant: "acme", carrier: "aurora", loadId: "L-1", attempt: 0)
            },
            { _ = try Contract.historyExtend(start, sequence: 0, eventDigest: digest) },
            { _ = try Contract.historyExtend(String(start.dropLast()), sequence: 1, eventDigest: digest) },
            { _ = try Contract.nextStates(.unknown("parked")) },
            { _ = try Contract.stateAfter(.pending, eventType: "tender.accepted") },
            { _ = try Contract.explain(load: load, offer: offer, at: "yesterday") },
            { _ = try Contract.explain(load: load, offer: offer, at: self.instant(0), assumedTareLbs: -1) },
        ]
        for (place, call) in refused.enumerated() {
            XCTAssertEqual(code(call), .invalidArgument, "\(place)")
        }
        XCTAssertEqual(
            code {
                _ = try Contract.verifyWebhook(
                    headers: [], body: Data(), keys: [WebhookKey(document: .object)], at: instant(0))
            }, .schemaInvalid)
    }
}
