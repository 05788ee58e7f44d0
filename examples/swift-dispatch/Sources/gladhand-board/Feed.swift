// What changes, from three readings of the SDK: a watch of each tender, the events of all, the positions of what is under way.
import Foundation
import Gladhand

/// What a board is told.
enum Change: Sendable {
    /// A tender, now and after each change.
    case tender(Tender)
    /// What a carrier said, for what a tender does not hold: expected arrivals.
    case event(Event)
    /// Where a truck is.
    case position(Position)
    /// A reading that ended before its time, in words for a dispatcher.
    case trouble(loadId: String, String)
    /// A second went by: ages change.
    case tick
    /// The dispatcher wants to leave.
    case quit
}

struct Feed: Sendable {
    let gh: Client
    let consumer: String
    /// Whether somebody looks on all the time, and may type.
    let ticking: Bool

    /// Every change, in one order. Leaving the loop ends all readings.
    func changes() -> AsyncThrowingStream<Change, any Error> {
        AsyncThrowingStream { out in
            let reading = Task {
                do {
                    try await read(out)
                    out.finish()
                } catch {
                    out.finish(throwing: error)
                }
            }
            out.onTermination = { _ in reading.cancel() }
        }
    }

    private typealias Out = AsyncThrowingStream<Change, any Error>.Continuation

    private func read(_ out: Out) async throws {
        let known = try await gh.tenders.list()
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (fresh, found) = AsyncStream.makeStream(of: String.self)
            for tender in known { found.yield(tender.tenderId) }
            group.addTask { try await events(out, found) }
            group.addTask {
                // Each tender is watched once, also those that come while the board is up.
                try await withThrowingTaskGroup(of: Void.self) { watches in
                    var watched: Set<String> = []
                    for await tenderId in fresh where watched.insert(tenderId).inserted {
                        watches.addTask { try await watch(tenderId, out) }
                    }
                    try await watches.waitForAll()
                }
            }
            if ticking {
                group.addTask { try await ticks(out) }
                keyboard(out)
            }
            // The first reading that fails ends the others.
            try await group.waitForAll()
        }
    }

    /// Every event of every tender, acknowledged once it is handed over: after a restart the board goes on where it was.
    private func events(_ out: Out, _ found: AsyncStream<String>.Continuation) async throws {
        defer { found.finish() }
        for try await delivery in gh.events(consumer: consumer) {
            found.yield(delivery.event.data.tenderId)
            out.yield(.event(delivery.event))
            try await delivery.acknowledge()
        }
    }

    /// A tender until it is over, and its positions while it is under way.
    private func watch(_ tenderId: String, _ out: Out) async throws {
        var following: Task<Void, Never>?
        defer { following?.cancel() }
        for try await tender in gh.tenders.watch(tenderId) {
            out.yield(.tender(tender))
            if tender.state == .enroute, following == nil { following = follow(tender.loadId, out) }
            if tender.state.isOver { return }
        }
    }

    /// The positions of a load. A carrier that shares none is told, and the rest of the board goes on.
    private func follow(_ loadId: String, _ out: Out) -> Task<Void, Never> {
        Task {
            do {
                for try await position in gh.telemetry.follow(loads: [loadId]) { out.yield(.position(position)) }
            } catch is CancellationError {
                // The load is delivered, or the board closed.
            } catch let error as GladhandError {
                out.yield(.trouble(loadId: loadId, "no positions: \(error.code.rawValue)"))
            } catch {
                out.yield(.trouble(loadId: loadId, "no positions: \(error)"))
            }
        }
    }

    private func ticks(_ out: Out) async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            out.yield(.tick)
        }
    }

    /// A thread of its own: reading a line cannot be cancelled.
    private func keyboard(_ out: Out) {
        Thread.detachNewThread {
            while let line = readLine() {
                if line == "q" { return _ = out.yield(.quit) }
            }
        }
    }
}

extension TenderState {
    /// Whether nothing follows (contract 4b).
    var isOver: Bool {
        (try? Contract.nextStates(self).isEmpty) ?? false
    }
}
