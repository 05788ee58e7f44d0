// Where loads are (telemetry contract, the TMS's side).
internal import GladhandCore

/// Where loads are. Reached as ``Client/telemetry``.
public struct Telemetry: Sendable {
    let handle: ClientHandle

    /// Positions of loads as they come, each with its age. A slow reader gets fewer positions, never older ones: what was
    /// passed over is counted in ``Position/skipped``.
    public func follow(loads: [String]) -> Pull<Position> {
        Pull {
            let follow = try await bridged { try await handle.telemetryFollow(loads: loads, cancel: $0) }
            return { try await bridged { try await follow.next(cancel: $0) }.map { Position($0) } }
        }
    }
}
