// What `for try await` runs over: one value is asked for at a time, so a slow reader is never buried.

/// Values that arrive over time. Each loop begins a reading of its own; leaving the loop ends it.
///
/// Cancelling the task throws `CancellationError` out of the loop.
public struct Pull<Element: Sendable>: AsyncSequence, Sendable {
    typealias Next = @Sendable () async throws -> Element?

    private let open: @Sendable () async throws -> Next

    init(_ open: @escaping @Sendable () async throws -> Next) {
        self.open = open
    }

    /// Begins a reading; nothing is asked for before its first step.
    public func makeAsyncIterator() -> Iterator {
        Iterator(open: open)
    }

    /// One reading.
    public struct Iterator: AsyncIteratorProtocol {
        let open: @Sendable () async throws -> Next
        private var pull: Next?

        init(open: @escaping @Sendable () async throws -> Next) {
            self.open = open
        }

        /// The next value; `nil` when there will be no more.
        ///
        /// - Throws: ``GladhandError``, as the call that gave the sequence says; `CancellationError` when the task is cancelled.
        public mutating func next() async throws -> Element? {
            if let pull { return try await pull() }
            let opened = try await open()
            pull = opened
            return try await opened()
        }
    }
}
