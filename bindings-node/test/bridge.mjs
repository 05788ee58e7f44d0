// The bridge itself, for its tests: the addon with its functions `TESTING_…`, and what the package makes of calls and streams.
// From the installed package; its inner files are not exported, so they are required by path.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The folder of the installed package. */
export const installed = dirname(require.resolve('gladhand/package.json'));

/** @typedef {import('../src/native.js').Token} CancelToken */
/** @typedef {import('gladhand').Document} Doc */
/**
 * @typedef {object} Testing
 * @property {(value: number) => number} TESTING_echo
 * @property {(value: number, cancel?: CancelToken) => Promise<number>} TESTING_round_trip
 * @property {() => number} TESTING_panic
 * @property {(cancel?: CancelToken) => Promise<number>} TESTING_panic_later
 * @property {(milliseconds: number, cancel?: CancelToken) => Promise<number>} TESTING_slow
 * @property {() => number} TESTING_under_way
 * @property {() => number} TESTING_cancelled
 * @property {() => import('gladhand').ErrorCode[]} TESTING_codes
 * @property {(code: string) => number} TESTING_fail
 * @property {(code: string, cancel?: CancelToken) => Promise<number>} TESTING_fail_later
 * @property {(count: number) => import('../src/native.js').NativeStream<Doc>} TESTING_storm
 * @property {(count: number, callback: (document: Doc) => void, failed: (error: any) => void) => { close(): void }}
 *   TESTING_callback_storm
 */

const native = /** @type {typeof import('../src/native.js')} */ (require(join(installed, 'dist/native.js')));

/** The addon. */
export const addon = /** @type {typeof native.addon & Testing} */ (native.addon);

/** A call as an abortable promise: what every method of the package is made of. */
export const { call } = /** @type {typeof import('../src/call.js')} */ (require(join(installed, 'dist/call.js')));

/** Calls back, as every callback of the package is called. */
export const { callBack } = /** @type {typeof import('../src/callback.js')} */ (
  require(join(installed, 'dist/callback.js'))
);

const { Stream } = /** @type {typeof import('../src/stream.js')} */ (require(join(installed, 'dist/stream.js')));

/** A stream of the numbers from 1 to `count`, as every stream of the package is made.
 * @param {number} count @param {import('gladhand').CallOptions} [options] */
export function storm(count, options = {}) {
  let closed = 0;
  const native = addon.TESTING_storm(count);
  const watched = {
    next: native.next.bind(native),
    close() {
      closed += 1;
      native.close();
    },
  };
  const stream = new Stream(
    async () => watched,
    (/** @type {Doc} */ document) => Number(document.number('/n')),
    options,
  );
  return { stream, closed: () => closed };
}

/** Waits until it holds. @param {string} what @param {() => boolean} holds */
export async function until(what, holds) {
  const limit = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > limit) throw new Error(`in vain: ${what}`);
    await new Promise((later) => setTimeout(later, 5));
  }
}
