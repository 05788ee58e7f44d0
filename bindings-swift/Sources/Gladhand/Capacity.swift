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
    /// - Parameters:
    ///   - origin: Where from.
    ///   - destination: Where to.
    ///   - window: When the load is to be picked up.
    ///   - equipment: The trailer type, such as `van`.
    ///   - weightLbs: Pounds of cargo.
    ///   - radiusMi: Statute miles around both places.
    /// - Throws: as ``search(_:)``.
    public func search(
        origin: (latitude: Double, longitude: Double), destination: (latitude: Double, longitude: Double),
        window: Window? = nil, equipment: String? = nil, weightLbs: Int? = nil, radiusMi: Double? = nil
    ) async throws -> CapacityResult {
        var request = Document.object
        for (name, place) in [("origin", origin), ("destination", destination)] {
            request.set("/\(name)/lat", raw: "\(place.latitude)")
            request.set("/\(name)/lon", raw: "\(place.longitude)")
        }
        if let radiusMi { request.set("/radiusMi", raw: "\(radiusMi)") }
        var search = CapacitySearch(document: request)
        if let window { search.window = window }
        if let equipment { search.equipment = equipment }
        if let weightLbs { search.weightLbs = weightLbs }
        return try await self.search(search)
    }

    /// One offer, fresh from the carrier, byte for byte.
    ///
    /// - Throws: ``GladhandError`` with `notFound` or `carrierUnknown`.
    public func get(carrier: String, capacityId: String) async throws -> CapacityOffer {
        CapacityOffer(
            try await bridged {
                try await handle.capacityGet(carrier: carrier, capacityId: capacityId, cancel: $0)
            })
    }

    /// Holds a slot of an offer before a load is tendered (contract 3b).
    ///
    /// - Parameters:
    ///   - carrier: The carrier's key in the configuration.
    ///   - capacityId: The offer.
    ///   - holdId: A new hold if absent; the same id again is the same hold.
    /// - Returns: The offer with its hold, which says until when.
    /// - Throws: ``GladhandError`` with `capacityCommitted` where nothing is left, `holdExpired` for an id that was released
    ///   or has lapsed.
    public func hold(carrier: String, capacityId: String, holdId: String? = nil) async throws -> CapacityOffer {
        CapacityOffer(
            try await bridged {
                try await handle.capacityHold(carrier: carrier, capacityId: capacityId, holdId: holdId, cancel: $0)
            })
    }

    /// Lets a held slot go.
    ///
    /// - Throws: ``GladhandError`` with `holdExpired` or `notFound`.
    @discardableResult
    public func release(carrier: String, capacityId: String, holdId: String) async throws -> CapacityOffer {
        CapacityOffer(
            try await bridged {
                try await handle.capacityRelease(carrier: carrier, capacityId: capacityId, holdId: holdId, cancel: $0)
            })
    }

    /// Whether a load fits an offer, and what to do where it does not. A calculation: nothing is sent.
    ///
    /// - Throws: ``GladhandError`` with `schemaInvalid` for an offer that is none.
    public func explain(load: LoadTender, offer: CapacityOffer) throws -> Eligibility {
        let (load, offer) = (try load.given, try offer.given)
        return Eligibility(try bridged { try handle.explain(load: load, offer: offer) })
    }
}
