// Does one thing many times and says how memory grew meanwhile; fails where it grew.
//
// node --expose-gc --max-semi-space-size=2 leaking.mjs WHAT EACH ROUNDS
import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { addon, call, storm } from './bridge.mjs';
import { Document, LoadTender } from 'gladhand';

// What the whole run may leave behind, in bytes: heaps breathe, an allocator keeps pages. A leak of JavaScript of 105 bytes each, or
// of the core of 1.7 KB each, is more than this in the short run; in the long one, ten times smaller ones are.
const HEAP = 1 << 20;
const RESIDENT = 16 << 20;
const TOGETHER = 100;

const { signal } = new AbortController();
const document = Document.parse('{"loadId":"load-1","rate":{"amount":1250.00,"currency":"USD"},"revision":1}');

/** @param {() => unknown} work */
function caught(work) {
  try {
    work();
  } catch {
    return;
  }
  throw new Error('it did not fail');
}

/** `count` of them, a hundred at a time. @param {number} count @param {() => Promise<unknown>} one */
async function many(count, one) {
  for (let done = 0; done < count; done += TOGETHER) await Promise.all(Array.from({ length: TOGETHER }, one));
}

const failing = (/** @type {Promise<unknown>} */ promise) =>
  promise.then(
    () => caught(() => {}),
    () => {},
  );

/** @type {Record<string, (count: number) => Promise<void>>} */
const KINDS = {
  calls: async (count) => {
    await many(count / 2, () => call(signal, (cancel) => addon.TESTING_round_trip(1, cancel)));
    await many(count / 2, () => call(undefined, (cancel) => addon.TESTING_round_trip(1, cancel)));
  },
  sync: async (count) => {
    for (let done = 0; done < count; done += 1) addon.TESTING_echo(done);
  },
  errors: (count) =>
    many(count, () => failing(call(signal, (cancel) => addon.TESTING_fail_later('not_found', cancel)))),
  thrown: async (count) => {
    for (let done = 0; done < count; done += 1) caught(() => addon.TESTING_fail('not_found'));
  },
  panics: async (count) => {
    // Each writes a line to the error output: fewer of them tell as much.
    for (let done = 0; done < count / 10; done += 1) caught(() => addon.TESTING_panic());
    await many(count / 10, () => failing(addon.TESTING_panic_later()));
  },
  cancelled: (count) =>
    many(count, async () => {
      const token = new addon.CancelToken();
      const slow = failing(addon.TESTING_slow(600_000, token));
      token.cancel();
      await slow;
    }),
  aborted: (count) =>
    many(count, async () => {
      const controller = new AbortController();
      const slow = failing(call(controller.signal, (cancel) => addon.TESTING_slow(600_000, cancel)));
      await turn();
      controller.abort();
      await slow;
    }),
  stream: async (count) => {
    for await (const _ of storm(count).stream);
  },
  left: async (count) => {
    for (let done = 0; done < count; done += 2) for await (const _ of storm(1_000_000).stream) break;
  },
  callbacks: (count) =>
    new Promise((resolve, reject) => {
      const alive = setInterval(() => {}, 1000);
      const called = (/** @type {import('gladhand').Document} */ { number }) => number;
      let done = 0;
      const each = (/** @type {import('gladhand').Document} */ one) => {
        called(one);
        if ((done += 1) === count) resolve(clearInterval(alive));
      };
      addon.TESTING_callback_storm(count, each, reject);
    }),
  documents: async (count) => {
    for (let done = 0; done < count; done += 1) {
      const load = LoadTender.fromDocument(document);
      load.rate.amount = '1300.00';
      if (done % 100 === 0) await turn();
    }
  },
};

/** Bytes in use once everything that can go has gone. */
async function settled() {
  for (let times = 0; times < 5; times += 1) {
    globalThis.gc?.();
    await turn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

const [, , what = '', each = '', rounds = ''] = process.argv;
const work = KINDS[what];
if (work === undefined || globalThis.gc === undefined)
  throw new Error('node --expose-gc --max-semi-space-size=2 leaking.mjs WHAT EACH ROUNDS');
// What is compiled, grown and cached once is there after the first.
for (let times = 0; times < 2; times += 1) await work(Number(each));
const before = await settled();
for (let round = 0; round < Number(rounds); round += 1) await work(Number(each));
const after = await settled();
const grew = { heap: after.heap - before.heap, rss: after.rss - before.rss };
const [heap, rss] = [grew.heap / 1024, grew.rss / 1024].map((kib) => `${kib.toFixed(0)} KiB`);
console.log(`${Number(each) * Number(rounds)} ${what}: heap grew by ${heap}, resident memory by ${rss}`);
if (grew.heap > HEAP || grew.rss > RESIDENT) process.exitCode = 1;
if (getEventListeners(signal, 'abort').length > 0) process.exitCode = 2;
if (addon.TESTING_under_way() > 0) process.exitCode = 3;
process.exit();
