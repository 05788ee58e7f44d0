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
    ///
    /// - Throws: ``GladhandError`` of the journal, such as `journalCorrupt`.
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

    /// Sends new content of a tender that is not decided yet, as its next revision; offers for an older one are void
    /// (contract 4b, row 8).
    ///
    /// - Parameters:
    ///   - tenderId: The tender.
    ///   - load: The whole load as it shall be; revision, tender id and mode are filled in.
    ///   - wait: How long to wait for the decision.
    /// - Throws: ``GladhandError`` with `alreadyAccepted` where the carrier was faster: ``amend(_:_:)`` then proposes the
    ///   change; `illegalTransition`, `tenderUnknown`, and the codes of broken rules.
    @discardableResult
    public func revise(_ tenderId: String, _ load: LoadTender, wait: Duration? = nil) async throws -> Tender {
        let load = try load.given
        return Tender(
            try await bridged {
                try await handle.tenderRevise(
                    tenderId: tenderId, load: load, waitMs: wait?.wholeMilliseconds, cancel: $0)
            })
    }

    /// Proposes new content of an accepted tender (contract 4b, row 18). The tender stays as it is, with ``Tender/amendment``
    /// `received`, until the carrier confirms or declines.
    ///
    /// - Throws: ``GladhandError`` with `illegalTransition`, `revisionContentConflict` while another proposal is open,
    ///   `tenderUnknown`.
    @discardableResult
    public func amend(_ tenderId: String, _ load: LoadTender) async throws -> Tender {
        let load = try load.given
        return Tender(try await bridged { try await handle.tenderAmend(tenderId: tenderId, load: load, cancel: $0) })
    }

    /// Takes the carrier's counter offer (contract 4b, row 7): accepted, or rejected with `capacity_gone` where the capacity
    /// was taken meanwhile.
    ///
    /// - Parameters:
    ///   - tenderId: The tender.
    ///   - wait: How long the carrier may hold its answer back.
    /// - Throws: ``GladhandError`` with `counterExpired`, `illegalTransition` where there is no counter offer,
    ///   `tenderUnknown`.
    @discardableResult
    public func acceptCounter(_ tenderId: String, wait: Duration? = nil) async throws -> Tender {
        Tender(
            try await bridged {
                try await handle.tenderAcceptCounter(
                    tenderId: tenderId, waitMs: wait?.wholeMilliseconds, cancel: $0)
            })
    }

    /// Declines the carrier's counter offer: the tender is rejected, its load free (contract 4b, row 9).
    ///
    /// - Throws: as ``acceptCounter(_:wait:)``.
    @discardableResult
    public func declineCounter(_ tenderId: String, reason: String? = nil) async throws -> Tender {
        Tender(
            try await bridged {
                try await handle.tenderDeclineCounter(tenderId: tenderId, reason: reason, cancel: $0)
            })
    }

    /// Asks to cancel an accepted or dispatched tender (contract 4b, row 16). The carrier may decline, and the load is held
    /// until it confirms: see ``Tender/cancellation``.
    ///
    /// - Throws: ``GladhandError`` with `illegalTransition` or `tenderUnknown`.
    @discardableResult
    public func requestCancel(_ tenderId: String, reason: String) async throws -> Tender {
        Tender(
            try await bridged {
                try await handle.tenderRequestCancel(tenderId: tenderId, reason: reason, cancel: $0)
            })
    }

    /// The operator's override: frees a load whose carrier can neither confirm nor deny, once somebody has made sure by other
    /// means that no truck will come (contract 4b).
    ///
    /// - Parameters:
    ///   - tenderId: The tender.
    ///   - actor: Who decides.
    ///   - reason: Why.
    ///   - runbook: By which runbook, such as `RB-01`. All three stand in the journal.
    /// - Throws: ``GladhandError`` with `illegalTransition` where the carrier's word is known or no load is held,
    ///   `invalidArgument` for an empty name, `tenderUnknown`.
    @discardableResult
    public func releaseUnproven(
        _ tenderId: String, actor: String, reason: String, runbook: String
    ) async throws -> Tender {
        Tender(
            try await bridged {
                try await handle.tenderReleaseUnproven(
                    tenderId: tenderId, actor: actor, reason: reason, runbook: runbook, cancel: $0)
            })
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
