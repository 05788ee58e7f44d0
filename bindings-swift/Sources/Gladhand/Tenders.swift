// Loads offered to carriers (contract 4a to 4d). Every business answer is a value: a refusal is a tender in state `rejected`.
internal import GladhandCore

/// Loads offered to carriers. Reached as ``Client/tenders``.
public struct Tenders: Sendable {
    let handle: ClientHandle

    /// Tenders a load. The intent is in the journal before a byte leaves, and the tender's id follows from the load: calling
    /// again, in this process or another, joins what exists (``Tender/joined``) and never tenders twice.
    ///
    /// - Parameters:
    ///   - load: The load.
    ///   - carrier: The carrier's key in the configuration.
    ///   - capacity: The offer to take.
    ///   - wait: How long to wait for the decision; without one the tender may come back undecided.
    /// - Throws: ``GladhandError`` for misuse and definite failure; `loadHeld` if another carrier holds the load. With
    ///   ``GladhandError/Sent/maybeSent`` the journal resolves what became of it.
    @discardableResult
    public func create(
        _ load: LoadTender, carrier: String, capacity: CapacityOffer? = nil, wait: Duration? = nil
    ) async throws -> Tender {
        let (load, capacity) = (try load.given, try capacity?.given)
        return Tender(
            try await bridged {
                try await handle.tenderCreate(
                    load: load, carrier: carrier, capacity: capacity, waitMs: wait?.wholeMilliseconds, cancel: $0)
            })
    }

    /// Tenders a load that a carrier has released, as a new attempt.
    ///
    /// - Throws: as ``create(_:carrier:capacity:wait:)``; `loadHeld` while an earlier attempt is open.
    @discardableResult
    public func tenderAgain(
        _ load: LoadTender, carrier: String, capacity: CapacityOffer? = nil, wait: Duration? = nil
    ) async throws -> Tender {
        let (load, capacity) = (try load.given, try capacity?.given)
        return Tender(
            try await bridged {
                try await handle.tenderAgain(
                    load: load, carrier: carrier, capacity: capacity, waitMs: wait?.wholeMilliseconds, cancel: $0)
            })
    }

    /// A tender as both sides know it.
    ///
    /// - Throws: ``GladhandError`` with `tenderUnknown` if the journal has none of that id.
    public func get(_ tenderId: String) async throws -> Tender {
        Tender(try await bridged { try await handle.tenderGet(tenderId: tenderId, cancel: $0) })
    }

    /// The tenders of the journal, or those in one state.
    public func list(state: TenderState? = nil) async throws -> [Tender] {
        let state = state?.rawValue
        return try await bridged { try await handle.tenderList(state: state, cancel: $0) }.map { Tender($0) }
    }

    /// The tender now and after each change, until it is over.
    public func watch(_ tenderId: String) -> Pull<Tender> {
        Pull {
            let watch = try await bridged { try await handle.tenderWatch(tenderId: tenderId, cancel: $0) }
            return { try await bridged { try await watch.next(cancel: $0) }.map { Tender($0) } }
        }
    }

    /// Takes a tender back.
    ///
    /// - Throws: ``GladhandError`` with `alreadyAccepted` if the carrier was faster.
    @discardableResult
    public func withdraw(_ tenderId: String, reason: String) async throws -> Tender {
        Tender(
            try await bridged { try await handle.tenderWithdraw(tenderId: tenderId, reason: reason, cancel: $0) })
    }
}
