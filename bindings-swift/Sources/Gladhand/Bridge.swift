// How a call crosses to the core: errors become `GladhandError`, a cancelled task cancels the call in Rust.
internal import GladhandCore

/// Runs a call that does not wait.
func bridged<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as GladhandError {
        throw error
    } catch Failure.Failed(let record) {
        throw GladhandError(record)
    } catch {
        throw GladhandError(defect: error)
    }
}

/// Runs a read of memory that can only fail by a defect of the core; a reader must not end the host's process for that.
func lenient<T>(_ fallback: T, _ body: () throws -> T) -> T {
    (try? body()) ?? fallback
}

/// Runs a call that waits. Cancelling the surrounding task cancels the call in Rust and throws `CancellationError`: a
/// request that had left by then is resolved by the journal, never taken for refused (contract 4d).
func bridged<T>(_ body: (CancelHandle) async throws -> T) async throws -> T {
    try Task.checkCancellation()
    let trace = TraceContext.current
    let cancel = try bridged { try CancelHandle(traceparent: trace?.traceparent, tracestate: trace?.tracestate) }
    return try await withTaskCancellationHandler {
        do {
            return try await body(cancel)
        } catch let error as GladhandError {
            throw error
        } catch Failure.Failed(let record) {
            if Task.isCancelled && record.kind == GladhandError.Kind.cancelled.rawValue { throw CancellationError() }
            throw GladhandError(record)
        } catch {
            throw GladhandError(defect: error)
        }
    } onCancel: {
        try? cancel.cancel()
    }
}
