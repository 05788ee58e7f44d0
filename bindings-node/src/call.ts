// A call of the core as an abortable promise. The native side never sees the signal: it gets a token of its own.
import { cancelOnAbort } from './abort.js';
import { GladhandError } from './errors.js';
import { addon, type CancelToken } from './native.js';
import { current } from './trace.js';

/** What every call takes. */
export interface CallOptions {
  /** Aborts waiting for the answer; the promise rejects with the signal's reason. A request that already left is not
   * withdrawn by it: the journal resolves what became of it. */
  signal?: AbortSignal | undefined;
}

/** Awaits `start`; an abort of the signal cancels it and rejects with the signal's reason. */
export async function call<T>(signal: AbortSignal | undefined, start: (cancel: CancelToken) => Promise<T>): Promise<T> {
  signal?.throwIfAborted();
  const trace = current();
  // Where nobody can abort and there is no trace, the core makes one by itself.
  const token = (signal ?? trace) && new addon.CancelToken(trace?.traceparent, trace?.tracestate);
  const settled = signal && token && cancelOnAbort(signal, token);
  try {
    return await start(token);
  } catch (error) {
    if (signal?.aborted === true && error instanceof GladhandError && error.code === 'cancelled') throw signal.reason;
    // The core answered from its own thread; here the stack leads back to the caller.
    if (error instanceof GladhandError) Error.captureStackTrace(error);
    throw error;
  } finally {
    settled?.();
  }
}
