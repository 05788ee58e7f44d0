// A carrier for a test suite: started before its tests, ended after them, in node:test, Vitest, or any runner with such hooks.
// None of them is a dependency: the caller hands the hooks in.
import type { Client, ConnectOptions } from './client.js';
import { sandbox, type Sandbox, type SandboxOptions } from './sandbox.js';

type Hook = (work: () => Promise<void>) => unknown;

/** What runs before and after a suite: `{ before, after }` of node:test, `{ beforeAll, afterAll }` of Vitest and its like. */
export type Hooks =
  { readonly before: Hook; readonly after: Hook } | { readonly beforeAll: Hook; readonly afterAll: Hook };

/** How the suite's carrier starts, and how its client connects. */
export interface SuiteOptions extends SandboxOptions {
  /** Settings of the client over those that the carrier writes. */
  connect?: ConnectOptions | undefined;
}

/** The carrier of a suite, and a client of it; there while its tests run. */
export interface Suite {
  /** Throws an Error before the suite begins and after it ended. */
  readonly carrier: Sandbox;
  /** Throws an Error before the suite begins and after it ended. */
  readonly gh: Client;
}

/** Starts a sandbox carrier and connects a client before the tests of a suite; closes and ends both after them, also where tests
 * failed. The hook rejects, and with it the suite, as `sandbox()` and `connect()` do: `sandbox_unavailable`, `sandbox_failed`.
 *
 * ```js
 * import { after, before, test } from 'node:test';
 * import { withSandbox } from 'gladhand/testing';
 *
 * const suite = withSandbox({ before, after });
 *
 * test('a load is taken', async () => {
 *   const { carrier, gh } = suite;
 *   const tender = await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
 * });
 * ``` */
export function withSandbox(hooks: Hooks, options: SuiteOptions = {}): Suite {
  const { connect, ...how } = options;
  const [before, after] = 'before' in hooks ? [hooks.before, hooks.after] : [hooks.beforeAll, hooks.afterAll];
  let running: { carrier: Sandbox; gh: Client } | undefined;
  before(async () => {
    const carrier = await sandbox(how);
    try {
      running = { carrier, gh: await carrier.connect(connect) };
    } catch (error) {
      await carrier.stop();
      throw error;
    }
  });
  after(async () => {
    const ended = running;
    running = undefined;
    try {
      await ended?.gh.close();
    } finally {
      await ended?.carrier.stop();
    }
  });
  const there = (): { carrier: Sandbox; gh: Client } => {
    if (running === undefined) throw new Error('the carrier of this suite is there only while its tests run');
    return running;
  };
  return {
    get carrier() {
      return there().carrier;
    },
    get gh() {
      return there().gh;
    },
  };
}
