// What carriers offer (contract 3b, 4b).
internal import GladhandCore

/// What carriers offer. Reached as ``Client/capacity``.
public struct Capacity: Sendable {
    let handle: ClientHandle

    /// Asks all carriers of the configuration at once. A carrier that does not answer is among the failures, and the offers
    /// of the others are there.
    ///
    /// - Throws: ``GladhandError`` with `schemaInvalid` if the request breaks a rule.
    public func search(_ request: CapacitySearch) async throws -> CapacityResult {
        let request = try request.given
        return CapacityResult(try await bridged { try await handle.capacitySearch(request: request, cancel: $0) })
    }

    /// Asks all carriers for capacity between two places, given in degrees (WGS 84).
    ///
    /// - Throws: as ``search(_:)``.
    public func search(
        origin: (latitude: Double, longitude: Double), destination: (latitude: Double, longitude: Double)
    ) async throws -> CapacityResult {
        var request = Document.object
        for (name, place) in [("origin", origin), ("destination", destination)] {
            request.set("/\(name)/lat", raw: "\(place.latitude)")
            request.set("/\(name)/lon", raw: "\(place.longitude)")
        }
        return try await search(CapacitySearch(document: request))
    }

    /// Whether a load fits an offer, and what to do where it does not. A calculation: nothing is sent.
    public func explain(load: LoadTender, offer: CapacityOffer) throws -> Eligibility {
        let (load, offer) = (try load.given, try offer.given)
        return Eligibility(try bridged { try handle.explain(load: load, offer: offer) })
    }
}
