// What the core calls back, in the context in which the callback was given: AsyncLocalStorage, and with it OpenTelemetry.
import { AsyncResource } from 'node:async_hooks';
import type { GladhandError } from './errors.js';
import type { Document } from './native.js';

/** Starts calling back; what this returns ends it. */
export function callBack(
  start: (callback: (document: Document) => void, failed: (error: GladhandError) => void) => { close(): void },
  callback: (document: Document) => void,
  failed: (error: GladhandError) => void,
): () => void {
  const calling = start(AsyncResource.bind(callback), AsyncResource.bind(failed));
  return () => calling.close();
}
