// Vehicles under way (contract 4f). A command asks the carrier's operations centre; nothing is actuated from here.
internal import GladhandCore

/// Vehicles under way, and what may be asked of them. Reached as ``Client/dispatches``.
public struct Dispatches: Sendable {
    let handle: ClientHandle

    /// The carrier's assignment of vehicles to a tender.
    ///
    /// - Throws: ``GladhandError`` with `notFound`.
    public func get(_ dispatchId: String) async throws -> Dispatch {
        Dispatch(try await bridged { try await handle.dispatchGet(dispatchId: dispatchId, cancel: $0) })
    }

    /// Asks for a stop at the next place that the carrier finds safe. The carrier decides; no answer in time is a no.
    ///
    /// - Parameters:
    ///   - dispatchId: The dispatch.
    ///   - reason: Why, in words that the operations centre reads.
    ///   - requestedBy: The person or program that asks.
    ///   - role: In which role.
    /// - Returns: How far the request got; follow it with ``commandStatus(_:_:)``. ``resume(_:_:reason:requestedBy:role:)``
    ///   undoes it.
    /// - Throws: ``GladhandError``, the same for every command: `staleDispatch` if the dispatch has changed since it was read,
    ///   `commandOutOfOrder`, `illegalTransition` where its control mode does not permit it, `scopeMissing`, `notFound`.
    public func stopAtNextSafeLocation(
        _ dispatchId: String, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.stopAtNextSafeLocation(dispatchId: dispatchId, asking: asking, cancel: $0)
            })
    }

    /// Asks to go on after the stop that was asked for under the command id `commandRef`.
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``; `notFound` for a command that is not there.
    public func resume(
        _ dispatchId: String, _ commandRef: String, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchResume(dispatchId: dispatchId, commandRef: commandRef, asking: asking, cancel: $0)
            })
    }

    /// Asks to hold the vehicle at its terminal. The hold lapses after `lease`, in whole seconds, unless it is renewed; what the
    /// vehicle does then, the carrier publishes as `holdLapse`.
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``.
    public func hold(
        _ dispatchId: String, reason: String, requestedBy: String, role: String? = nil, lease: Duration
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchHold(
                    dispatchId: dispatchId, asking: asking, leaseSeconds: lease.wholeSeconds, cancel: $0)
            })
    }

    /// Asks for another lease, from now, for the hold that was asked for under the command id `commandRef`.
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``; `notFound` for a command that is not there.
    public func renewHold(
        _ dispatchId: String, _ commandRef: String, reason: String, requestedBy: String, role: String? = nil, lease: Duration
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchRenewHold(
                    dispatchId: dispatchId, commandRef: commandRef, asking: asking, leaseSeconds: lease.wholeSeconds, cancel: $0)
            })
    }

    /// Asks to end the hold that was asked for under the command id `commandRef`.
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``; `notFound` for a command that is not there.
    public func release(
        _ dispatchId: String, _ commandRef: String, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchRelease(dispatchId: dispatchId, commandRef: commandRef, asking: asking, cancel: $0)
            })
    }

    /// Asks for a person. The one command that is taken in the control modes `manual_override`, `minimal_risk` and
    /// `out_of_service` (contract 4f).
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``.
    public func requestIntervention(
        _ dispatchId: String, _ kind: InterventionKind, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchRequestIntervention(
                    dispatchId: dispatchId, kind: kind.rawValue, asking: asking, cancel: $0)
            })
    }

    /// Asks for a detour that the capacity's route permits, by its id; `detourNotPermitted` for another one.
    ///
    /// - Throws: as ``stopAtNextSafeLocation(_:reason:requestedBy:role:)``; `detourNotPermitted` for a detour that
    ///   the capacity's route does not permit.
    public func changeRoute(
        _ dispatchId: String, _ detourId: String, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.dispatchChangeRoute(dispatchId: dispatchId, detourId: detourId, asking: asking, cancel: $0)
            })
    }

    /// Asks for a command of any type of the contract (4f).
    ///
    /// - Parameters:
    ///   - dispatchId: The dispatch.
    ///   - type: What is asked for.
    ///   - reason: Why.
    ///   - requestedBy: The person or program that asks.
    ///   - role: In which role.
    ///   - params: Members that belong to the type.
    ///   - expires: For how long the request stays open; at most 15 minutes.
    ///   - lease: How long a hold lasts without renewal.
    ///   - commandId: An id of your own: the same one is asked for once.
    /// - Throws: ``GladhandError`` with `staleDispatch` if the dispatch has changed since, `scopeMissing`,
    ///   `illegalTransition`, `schemaInvalid`.
    public func command(
        _ dispatchId: String, type: CommandType, reason: String, requestedBy: String, role: String? = nil,
        params: Json? = nil, expires: Duration? = nil, lease: Duration? = nil, commandId: String? = nil
    ) async throws -> CommandStatus {
        let wish = WishRecord(
            kind: type.rawValue, asking: AskingRecord(reason: reason, principal: requestedBy, role: role),
            params: try params?.document().handle, expiresMs: expires?.wholeMilliseconds,
            leaseSeconds: lease?.wholeSeconds, commandId: commandId)
        return CommandStatus(
            try await bridged { try await handle.command(dispatchId: dispatchId, command: wish, cancel: $0) })
    }

    /// How far a command got.
    ///
    /// - Throws: ``GladhandError`` with `notFound`.
    public func commandStatus(_ dispatchId: String, _ commandId: String) async throws -> CommandStatus {
        CommandStatus(
            try await bridged {
                try await handle.commandStatus(dispatchId: dispatchId, commandId: commandId, cancel: $0)
            })
    }

    /// Takes a command back, if it is not executed yet. Whoever says it first is on record (``commands(_:)``): said again, it
    /// is the same revocation.
    ///
    /// - Throws: ``GladhandError`` with `illegalTransition` once it is executing or over; `notFound`; `schemaInvalid`, before
    ///   anything is sent, for a reason or a name that is empty or too long.
    public func revoke(
        _ dispatchId: String, _ commandId: String, reason: String, requestedBy: String, role: String? = nil
    ) async throws -> CommandStatus {
        let asking = AskingRecord(reason: reason, principal: requestedBy, role: role)
        return CommandStatus(
            try await bridged {
                try await handle.commandRevoke(dispatchId: dispatchId, commandId: commandId, asking: asking, cancel: $0)
            })
    }

    /// Every command that was asked of a dispatch, oldest first: who asked for what and why, and what became of it. From the
    /// journal alone; asks nobody.
    ///
    /// - Throws: ``GladhandError`` of the journal, such as `journalCorrupt`.
    public func commands(_ dispatchId: String) async throws -> [CommandRecord] {
        try await bridged { try await handle.commandRecords(dispatchId: dispatchId, cancel: $0) }
            .map { CommandRecord($0) }
    }
}
