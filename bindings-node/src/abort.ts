// Many calls with one signal, such as that of a program's end: one listener for all of them while any waits, so that node does not
// warn of a leak that is none.
import type { Token } from './native.js';

interface Waiting {
  readonly tokens: Set<Token>;
  readonly listener: () => void;
}

const known = new WeakMap<AbortSignal, Waiting>();

/** Cancels the token once the signal is aborted, until what this returns is called. The caller's own handlers are not touched. */
export function cancelOnAbort(signal: AbortSignal, token: Token): () => void {
  const { tokens, listener } = known.get(signal) ?? listening(signal);
  tokens.add(token);
  return () => {
    tokens.delete(token);
    if (tokens.size > 0 || known.get(signal)?.tokens !== tokens) return;
    known.delete(signal);
    signal.removeEventListener('abort', listener);
  };
}

function listening(signal: AbortSignal): Waiting {
  const tokens = new Set<Token>();
  const listener = (): void => tokens.forEach((token) => token.cancel());
  signal.addEventListener('abort', listener, { once: true });
  const waiting = { tokens, listener };
  known.set(signal, waiting);
  return waiting;
}
