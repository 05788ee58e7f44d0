// The trace of the host: which one a call belongs to that begins here.
import { AsyncLocalStorage } from 'node:async_hooks';

/** The trace of a call (W3C Trace Context). */
interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: { serialize(): string } | undefined;
}

interface Span {
  spanContext(): SpanContext;
}

/** What `@opentelemetry/api` keeps in the global object, as far as it is read here. */
interface OpenTelemetry {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
}

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
const given = new AsyncLocalStorage<TraceContext>();

/** Calls that begin in `run`, and in what it awaits, belong to this trace: their requests carry it to the carrier, and what
 * they reject with has its `traceId`. A program that uses OpenTelemetry needs none: without it, calls belong to the span that
 * is active where they begin. What is malformed is no context. Throws what `run` throws. */
export function withTraceContext<T>(traceparent: string, run: () => T, options: { tracestate?: string } = {}): T {
  return given.run({ traceparent, tracestate: options.tracestate }, run);
}

/** The trace of a call that begins here: the one given, else that of OpenTelemetry's active span. */
export function current(): TraceContext | undefined {
  const own = given.getStore();
  if (own !== undefined) return own;
  const api = (globalThis as { [API]?: OpenTelemetry })[API];
  // Costs nothing in a program without OpenTelemetry.
  if (api === undefined) return undefined;
  const span = (api.context?.active().getValue(SPAN) as Span | undefined)?.spanContext();
  if (span === undefined) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0');
  return { traceparent: `00-${span.traceId}-${span.spanId}-${flags}`, tracestate: span.traceState?.serialize() };
}
