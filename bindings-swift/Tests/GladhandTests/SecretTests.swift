// Nothing secret is shown: by no object of a client, no document, no error (identity §5).
import Foundation
import XCTest

import Gladhand

final class SecretTests: XCTestCase {
    /// Stands in every PEM text that is given in memory, before its first line.
    private static let note = "canary-of-a-note-in-the-pem"
    /// Stands where a key should.
    private static let forged = "Y2FuYXJ5LW9mLWEta2V5LXRoYXQtaXMtbm9uZQ"
    private static let badKey =
        "# \(note)\n-----BEGIN PRIVATE KEY-----\n\(forged)\n-----END PRIVATE KEY-----\n"

    /// A carrier that writes its secrets down, and the settings of a client with a canary in each PEM.
    private func start() async throws -> (carrier: Sandbox, settings: [String: String]) {
        XCTAssertFalse(canaryFile.isEmpty)
        let carrier = try await Sandbox.start()
        return (carrier, try inMemory(carrier, note: "# \(Self.note)\n"))
    }

    func testTheSearchFindsWhatIsThere() async throws {
        let (carrier, settings) = try await start()
        let client = try await carrier.connect(settings: settings)
        try await tender(carrier, client, "load-1")
        let known = try leaks(try String(contentsOfFile: canaryFile, encoding: .utf8))
        XCTAssertEqual(known, ["assertion", "key", "nonce", "proof", "token"])
        final class Careless {
            private let inner: [String: String]
            init(_ inner: [String: String]) { self.inner = inner }
        }
        XCTAssertEqual(try leaks(shown(Careless(settings)), Self.note), ["canary", "key"])
        let error = NSError(domain: "x", code: 1, userInfo: ["key": settings["identity.private_key"] ?? ""])
        XCTAssertEqual(try leaks(shown(error)), ["key"])
        try await client.close()
        try await carrier.stop()
    }

    func testNegativeN32NothingThatAClientHoldsOrAnswersShowsASecret() async throws {
        let (carrier, settings) = try await start()
        let client = try await carrier.connect(settings: settings)
        let gateway = try await Gateway.connect(configuration: carrier.gatewayConfiguration)
        let events = try client.securityEvents()
        let load = try await carrier.load("load-1")
        let tender = try await client.tenders.create(load, carrier: "aurora", wait: .seconds(20))
        try await client.identity.rotate()
        var answers: [any ContractModel] = [
            tender, try await client.health(), try client.identity.status(),
            try await client.identity.connection("aurora"), try await client.jwks(),
        ]
        for try await event in events {
            answers.append(event)
            if event.message == "identity_rotated" { break }
        }
        for entry in try await client.journal.export() { answers.append(entry) }
        let json = answers.map(\.json).joined(separator: "\n")
        XCTAssertTrue(json.contains("identity_rotated"))
        let text = shown(client, client.identity, client.tenders, gateway, carrier, events, answers)
        XCTAssertEqual(try leaks(text + json, Self.note), [])
        try await gateway.close()
        try await client.close()
        try await carrier.stop()
    }

    func testNegativeN32SettingsThatAreRefusedShowNoSecret() async throws {
        let (carrier, settings) = try await start()
        let other = try await Renewed(carrier, as: "other")
        let key = settings["identity.private_key"] ?? ""
        let certificate = settings["identity.certificate"] ?? ""
        let bare = key.split(separator: "\n").filter { !$0.hasPrefix("-") && !$0.hasPrefix("#") }.joined()
        let refused: [String: [String: String]] = [
            "no key": ["identity.private_key": Self.badKey],
            "the key of another certificate": ["identity.private_key": other.privateKey],
            "certificate and key exchanged": ["identity.private_key": certificate, "identity.certificate": key],
            "a key without its PEM lines": ["identity.private_key": bare],
            "a key under a name that is misspelt": ["identity.private_kay": key],
            "a key as the address": ["carriers.aurora.base_url": key],
            "a key as the tenant": ["tenant": key],
            "an assertion key that is none": ["carriers.aurora.assertion_key": Self.badKey],
        ]
        for (what, wrong) in refused {
            let error = try await failure {
                _ = try await carrier.connect(settings: settings.merging(wrong) { $1 })
            }
            XCTAssertEqual(try leaks(shown(error), Self.note, Self.forged), [], what)
        }
        try await carrier.stop()
    }

    func testNegativeN32PemThatIsRefusedShowsNoSecret() async throws {
        let (carrier, settings) = try await start()
        let client = try await carrier.connect(settings: settings)
        let certificate = settings["identity.certificate"]
        let key = settings["identity.private_key"]
        let errors = [
            try await failure { try await client.identity.replace(certificate: certificate, privateKey: Self.badKey) },
            try await failure { try await client.identity.replace(privateKey: key) },
            try await failure { try await client.identity.replace(trust: key) },
            try await failure { try await client.identity.replace(crl: key) },
        ]
        XCTAssertEqual(try leaks(shown(errors), Self.note, Self.forged), [])
        try await client.identity.rotate()
        try await client.close()
        try await carrier.stop()
    }

    func testNegativeN32ARefusedTokenShowsNoSecret() async throws {
        let (carrier, settings) = try await start()
        for wrong in [#""tokenType":"Bearer""#, #""audience":"wrong""#, #""signature":"foreign""#] {
            try await carrier.control("/oauth", try Document(parsing: #"{"reset":true}"#))
            try await carrier.control("/oauth", try Document(parsing: #"{\#(wrong),"revokeTokens":true}"#))
            let client = try await carrier.connect(settings: settings)
            let error = try await failure { try await tender(carrier, client, "load-1") }
            XCTAssertTrue([.auth, .security].contains(error.kind), "\(error)")
            let status = try client.identity.status()
            XCTAssertEqual(try leaks(shown(error, status) + status.json, Self.note), [], wrong)
            try await client.close()
        }
        try await carrier.stop()
    }
}
