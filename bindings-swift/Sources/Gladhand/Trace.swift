// The trace of the host: which one a call belongs to that begins here.

/// The trace that calls belong to (W3C Trace Context): the values of the header fields of that name.
///
/// Requests of a call carry the current one to the carrier, each with a span id of its own, and what the call throws has its
/// ``GladhandError/traceId``. Child tasks inherit it, as they do every task local.
///
/// ```swift
/// try await TraceContext.$current.withValue(TraceContext(traceparent: parent)) {
///     try await client.tenders.create(load, carrier: "aurora")
/// }
/// ```
///
/// What is malformed is no context.
public struct TraceContext: Sendable, Hashable {
    /// The trace of calls that begin here; none unless the program says so.
    @TaskLocal public static var current: TraceContext?

    /// The trace and the span of the host: `00-<trace id>-<span id>-<flags>`.
    public var traceparent: String
    /// What tracing systems say to each other; passed on unchanged.
    public var tracestate: String?

    /// A trace.
    public init(traceparent: String, tracestate: String? = nil) {
        self.traceparent = traceparent
        self.tracestate = tracestate
    }
}
