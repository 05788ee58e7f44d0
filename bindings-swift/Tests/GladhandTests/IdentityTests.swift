// The identity of a client: its state, its rotation by files and in memory, its end, and the security events of it.
import Foundation
import XCTest

import Gladhand

final class IdentityTests: XCTestCase {
    func testARenewedPairIsTakenUpAndTheCarrierSeesIt() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        try await tender(carrier, client, "load-1")
        let before = try client.identity.status().validated()
        XCTAssertEqual(before.source, "pem")
        XCTAssertEqual(try present(client).carrier, "aurora")
        XCTAssertEqual(try present(client).generation, 1)
        XCTAssertTrue(before.events.contains { $0.event == "token_obtained" && $0.succeeded >= 1 })

        let pair = try await Renewed(carrier)
        try await until("the new identity") { try present(client).fingerprint == pair.fingerprint }
        XCTAssertEqual(try present(client).generation, 2)
        let ends = try client.identity.status().expiries
        let left = try XCTUnwrap(ends.first { $0.subject == "certificate" }).secondsLeft
        XCTAssertTrue((3400...3600).contains(left), "\(left)")
        try await tender(carrier, client, "load-2")
        let last = try await seen(carrier).fingerprints.last
        XCTAssertEqual(last, pair.fingerprint)
        try await client.close()
        try await carrier.stop()
    }

    func testWhatAConnectionNegotiated() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let facts = try await client.identity.connection("aurora").validated()
        XCTAssertEqual([facts.version, facts.keyExchange], ["TLSv1_3", "X25519MLKEM768"])
        XCTAssertEqual(facts.ourFingerprint, try present(client).fingerprint)
        XCTAssertEqual(facts.generation, 1)
        let shown = try await carrier.control("/tls", try Document(parsing: #"{"certificate":"good"}"#))
        XCTAssertEqual(facts.peerFingerprint, shown.text("/fingerprint"))
        let error = try await failure { _ = try await client.identity.connection("nobody") }
        XCTAssertEqual(error.code, .carrierUnknown)
        try await client.close()
        try await carrier.stop()
    }

    func testARotationOnDemandHasAKeyOfItsOwn() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        try await tender(carrier, client, "load-1")
        let before = try present(client)
        let first = try await seen(carrier).keys
        XCTAssertEqual(first.count, 1)
        try await client.identity.rotate()
        XCTAssertEqual(try present(client).fingerprint, before.fingerprint)
        XCTAssertEqual(try present(client).generation, 2)
        try await tender(carrier, client, "load-2")
        let second = try await seen(carrier).keys
        XCTAssertEqual(second.count, 2)
        try await client.close()
        try await carrier.stop()
    }

    func testARevokedIdentityCallsNobodyUntilThereIsANewOne() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        // Not a tender: its events are still asked for when it is decided.
        _ = try await client.capacity.search(origin: (32.9, -97.0), destination: (29.6, -95.3))
        let heard = try await seen(carrier).fingerprints.count
        try client.identity.revokeNow()
        let load = try await carrier.load("load-2")
        for error in [
            try await failure { try await client.tenders.create(load, carrier: "aurora") },
            try await failure { try await client.identity.rotate() },
            try await failure { _ = try await client.identity.connection("aurora") },
        ] {
            XCTAssertEqual(error.code, .identityRevoked)
            XCTAssertEqual(error.kind, .identity)
            XCTAssertEqual(error.sent, .notSent)
        }
        let still = try await seen(carrier).fingerprints.count
        XCTAssertEqual(still, heard)
        let pair = try await Renewed(carrier)
        try await until("the new identity") { try present(client).fingerprint == pair.fingerprint }
        try await tender(carrier, client, "load-2")
        try await client.close()
        try await carrier.stop()
    }

    func testFilesAreNotReplacedByTheProgramAndPemInMemoryIs() async throws {
        let carrier = try await Sandbox.start()
        let pair = try await Renewed(carrier, as: "other")
        let files = try await carrier.connect()
        let refused = try await failure {
            try await files.identity.replace(certificate: pair.certificate, privateKey: pair.privateKey)
        }
        XCTAssertEqual(refused.code, .invalidArgument)
        try await files.close()

        let settings = try inMemory(carrier)
        let client = try await carrier.connect(settings: settings)
        let alone = try await failure { try await client.identity.replace(certificate: pair.certificate) }
        XCTAssertEqual(alone.code, .invalidArgument)
        let mixed = try await failure {
            try await client.identity.replace(
                certificate: pair.certificate, privateKey: settings["identity.private_key"])
        }
        XCTAssertEqual(mixed.code, .keyMismatch)
        XCTAssertNotEqual(try present(client).fingerprint, pair.fingerprint)
        try await client.identity.replace(certificate: pair.certificate, privateKey: pair.privateKey)
        XCTAssertEqual(try present(client).fingerprint, pair.fingerprint)
        try await tender(carrier, client, "load-1")
        let last = try await seen(carrier).fingerprints.last
        XCTAssertEqual(last, pair.fingerprint)
        try await client.close()
        try await carrier.stop()
    }

    func testOurPublicKeysForOthersToVerifyWith() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let set = try await client.jwks().validated()
        XCTAssertEqual(set.keys.count, 1)
        XCTAssertEqual(set.document.text("/keys/0/kty"), "EC")
        XCTAssertEqual(set.document.text("/keys/0/alg"), "ES256")
        XCTAssertNil(set.document.raw("/keys/0/d"))
        try await client.close()
        try await carrier.stop()
    }

    func testAnIdentityOfTheSpiffeWorkloadAPI() async throws {
        let socket = NSTemporaryDirectory() + "workload-\(UUID().uuidString.prefix(8)).sock"
        let carrier = try await Sandbox.start(arguments: ["--spiffe-socket", socket])
        let client = try await carrier.connect()
        XCTAssertEqual(try client.identity.status().source, "spiffe")
        XCTAssertTrue(try present(client).uris.allSatisfy { $0.hasPrefix("spiffe://") })
        let facts = try await client.identity.connection("aurora")
        XCTAssertEqual(facts.peerUris.filter { $0.hasPrefix("spiffe://") }.count, 1)
        try await client.close()
        try await carrier.stop()
    }

    func testSecurityEventsAreToldFromTheCallOn() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let events = try client.securityEvents()
        try await client.identity.rotate()
        for try await event in events where try event.validated().message == "identity_rotated" {
            XCTAssertEqual([event.class_uid, event.severity_id], [3002, 1])
            XCTAssertEqual(event.status, "Success")
            XCTAssertNil(event.status_code)
            XCTAssertEqual(event.document.text("/service/name"), "aurora")
            XCTAssertEqual(event.document.text("/unmapped/fingerprint"), try present(client).fingerprint)
            break
        }
        try await carrier.control("/oauth", try Document(parsing: #"{"tokenType":"Bearer","revokeTokens":true}"#))
        let failures = try client.securityEvents()
        _ = try await failure { try await tender(carrier, client, "load-1") }
        for try await event in failures where event.status == "Failure" {
            XCTAssertEqual(event.status_code, "token_type_downgraded")
            XCTAssertGreaterThanOrEqual(event.severity_id, 3)
            break
        }
        try await client.close()
        try await carrier.stop()
    }

    func testSecurityEventsEndWithTheClientAndWithTheTask() async throws {
        let carrier = try await Sandbox.start()
        let client = try await carrier.connect()
        let events = try client.securityEvents()
        let cancelled = Task {
            do {
                for try await _ in events {}
                return "ended"
            } catch {
                return "\(type(of: error))"
            }
        }
        try await Task.sleep(nanoseconds: 100_000_000)
        cancelled.cancel()
        let why = await cancelled.value
        XCTAssertEqual(why, "CancellationError")

        let closing = try client.securityEvents()
        let waiting = Task { for try await _ in closing {} }
        try await client.close()
        try await waiting.value
        let closed = try await failure { _ = try client.securityEvents() }
        XCTAssertEqual(closed.code, .clientClosed)
        XCTAssertThrowsError(try client.identity.revokeNow())
        XCTAssertThrowsError(try client.identity.status())
        try await carrier.stop()
    }
}
