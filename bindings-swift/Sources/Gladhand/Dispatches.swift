// Vehicles under way (contract 4f). A command asks the carrier's operations centre; nothing is actuated from here.
internal import GladhandCore

/// Vehicles under way, and what may be asked of them. Reached as ``Client/dispatches``.
public struct Dispatches: Sendable {
    let handle: ClientHandle

    /// The carrier's assignment of vehicles to a tender.
    public func get(_ dispatchId: String) async throws -> Dispatch {
        Dispatch(try await bridged { try await handle.dispatchGet(dispatchId: dispatchId, cancel: $0) })
    }

    /// Asks for a stop at the next place that the carrier finds safe. The carrier decides; no answer in time is a no.
    ///
    /// - Parameters:
    ///   - dispatchId: The dispatch.
    ///   - reason: Why, in words that the operations centre reads.
    ///   - requestedBy: The person or program that asks.
    /// - Returns: How far the request got; follow it with ``commandStatus(_:_:)``.
    public func stopAtNextSafeLocation(
        _ dispatchId: String, reason: String, requestedBy: String
    ) async throws -> CommandStatus {
        CommandStatus(
            try await bridged {
                try await handle.stopAtNextSafeLocation(
                    dispatchId: dispatchId, reason: reason, requestedBy: requestedBy, cancel: $0)
            })
    }

    /// Asks to go on after a stop. As ``command(_:type:reason:requestedBy:role:params:expires:lease:commandId:)``.
    public func resume(_ dispatchId: String, reason: String, requestedBy: String) async throws -> CommandStatus {
        try await command(dispatchId, type: .resume, reason: reason, requestedBy: requestedBy)
    }

    /// Asks to hold the vehicle at its terminal, for `lease` unless renewed.
    public func hold(
        _ dispatchId: String, reason: String, requestedBy: String, lease: Duration? = nil
    ) async throws -> CommandStatus {
        try await command(dispatchId, type: .holdAtTerminal, reason: reason, requestedBy: requestedBy, lease: lease)
    }

    /// Asks to release a held vehicle.
    public func release(_ dispatchId: String, reason: String, requestedBy: String) async throws -> CommandStatus {
        try await command(dispatchId, type: .release, reason: reason, requestedBy: requestedBy)
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
        let record = CommandRecord(
            kind: type.rawValue, reason: reason, principal: requestedBy, role: role,
            params: try params?.document().handle, expiresMs: expires?.wholeMilliseconds,
            leaseSeconds: lease.map { UInt32(clamping: $0.wholeMilliseconds / 1000) }, commandId: commandId)
        return CommandStatus(
            try await bridged { try await handle.command(dispatchId: dispatchId, command: record, cancel: $0) })
    }

    /// How far a command got.
    public func commandStatus(_ dispatchId: String, _ commandId: String) async throws -> CommandStatus {
        CommandStatus(
            try await bridged {
                try await handle.commandStatus(dispatchId: dispatchId, commandId: commandId, cancel: $0)
            })
    }

    /// Takes a command back, if it is not executed yet.
    public func revoke(_ dispatchId: String, _ commandId: String) async throws -> CommandStatus {
        CommandStatus(
            try await bridged {
                try await handle.commandRevoke(dispatchId: dispatchId, commandId: commandId, cancel: $0)
            })
    }
}
