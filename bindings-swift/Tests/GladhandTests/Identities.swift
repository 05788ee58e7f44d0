// What the tests of the identity share: waiting for a state, PEM in memory, what the carrier saw.
import Foundation
import XCTest

import Gladhand

/// A new pair of the client that a carrier issued.
struct Renewed {
    let fingerprint: String
    let certificate: String
    let privateKey: String

    /// Over the client's files, or elsewhere with a name.
    init(_ carrier: Sandbox, as name: String? = nil) async throws {
        let elsewhere = name.map { #","as":"\#($0)""# } ?? ""
        let wanted = try Document(parsing: #"{"issue":"client","lifetimeS":3600\#(elsewhere)}"#)
        let pair = try await carrier.control("/identity", wanted)
        fingerprint = pair.text("/fingerprint") ?? ""
        certificate = try String(contentsOfFile: pair.text("/certificate") ?? "", encoding: .utf8)
        privateKey = try String(contentsOfFile: pair.text("/key") ?? "", encoding: .utf8)
    }
}

/// The settings of a client whose PEM is in memory, from the files of a carrier, each after a line of its own.
func inMemory(_ carrier: Sandbox, note: String = "") throws -> [String: String] {
    var settings: [String: String] = [:]
    for (key, name) in [("certificate", "client.pem"), ("private_key", "client-key.pem"), ("trust", "ca.pem")] {
        settings["identity.\(key)"] = note + (try String(contentsOfFile: carrier.directory + "/" + name, encoding: .utf8))
    }
    return settings
}

/// Waits until it holds.
func until(_ what: String, line: UInt = #line, _ holds: () throws -> Bool) async throws {
    for _ in 0..<3000 {
        if try holds() { return }
        try await Task.sleep(nanoseconds: 20_000_000)
    }
    XCTFail("in vain: \(what)", line: line)
}

/// The generation of credentials at the one carrier.
func present(_ client: Client) throws -> GenerationStatus {
    try XCTUnwrap(try client.identity.status().generations.first)
}

/// The certificates of the requests that reached the carrier, and the keys of their proofs.
func seen(_ carrier: Sandbox) async throws -> (fingerprints: [String], keys: Set<String>) {
    let found = try await carrier.control("/fingerprints")
    let places = 0..<(found.count("/requests") ?? 0)
    let keys = places.compactMap { found.text("/requests/\($0)/jkt") }
    return (places.compactMap { found.text("/requests/\($0)/fingerprint") }, Set(keys))
}

/// A call that carries a proof of possession.
func tender(_ carrier: Sandbox, _ client: Client, _ loadId: String) async throws {
    let tender = try await client.tenders.create(try await carrier.load(loadId), carrier: "aurora", wait: .seconds(20))
    XCTAssertEqual(tender.state, .accepted)
}

/// The error that it must throw.
func failure(line: UInt = #line, _ body: () async throws -> Void) async throws -> GladhandError {
    do {
        try await body()
    } catch let error as GladhandError {
        return error
    }
    XCTFail("it did not fail", line: line)
    throw CancellationError()
}
