// Streams and callbacks through the bridge: pulled, in order, closed whichever way the loop is left.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { addon, call, callBack, storm } from './bridge.mjs';

test('a stream gives all, in order, and ends', async () => {
  const { stream, closed } = storm(1000);
  let last = 0;
  for await (const number of stream) assert.equal(number, (last += 1));
  assert.equal(last, 1000);
  assert.equal(closed(), 1);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test('several next at once are answered in order', async () => {
  const { stream } = storm(50);
  const answers = await Promise.all(Array.from({ length: 60 }, () => stream.next()));
  const values = answers.map(({ value }) => value);
  assert.deepEqual(
    values.slice(0, 50),
    Array.from({ length: 50 }, (_, place) => place + 1),
  );
  assert.ok(answers.slice(50).every(({ done }) => done === true));
});

test('a loop that is left by break, return or an error closes its stream', async () => {
  const left = {
    break: async (/** @type {AsyncIterable<number>} */ stream) => {
      for await (const number of stream) if (number === 3) break;
    },
    return: async (/** @type {AsyncIterable<number>} */ stream) => {
      for await (const number of stream) if (number === 3) return;
    },
    error: async (/** @type {AsyncIterable<number>} */ stream) => {
      const inside = new Error('inside');
      const loop = async () => {
        for await (const number of stream) if (number === 3) throw inside;
      };
      await assert.rejects(loop, (thrown) => thrown === inside);
    },
    continue: async (/** @type {AsyncIterable<number>} */ stream) => {
      outer: for (const _ of [1]) for await (const number of stream) if (number === 3) continue outer;
    },
  };
  for (const [how, leave] of Object.entries(left)) {
    const { stream, closed } = storm(1_000_000);
    await leave(stream);
    assert.equal(closed(), 1, how);
    assert.deepEqual(await stream.next(), { done: true, value: undefined }, how);
    await stream.return();
    assert.equal(closed(), 1, `${how}: once`);
  }
});

test('a stream that was never read is closed without having been opened', async () => {
  const { stream, closed } = storm(1);
  assert.deepEqual(await stream.return(), { done: true, value: undefined });
  assert.equal(closed(), 0);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test('disposing closes; what asks for it by `await using` is written as the compiler does', async () => {
  const { stream, closed } = storm(10);
  await stream.next();
  assert.equal(typeof stream[Symbol.asyncDispose], 'function');
  await stream[Symbol.asyncDispose]();
  assert.equal(closed(), 1);
  // A newer node knows the words themselves.
  const Async = Object.getPrototypeOf(async () => {}).constructor;
  let scope;
  try {
    scope = new Async('made', 'await using stream = made; return (await stream.next()).value;');
  } catch (error) {
    assert.ok(error instanceof SyntaxError && Number(process.versions.node.split('.')[0]) < 24, String(error));
    return;
  }
  const other = storm(10);
  assert.equal(await scope(other.stream), 1);
  assert.equal(other.closed(), 1);
});

test('aborting ends a stream with the reason, and no listener stays behind', async () => {
  const controller = new AbortController();
  const { stream, closed } = storm(1_000_000, { signal: controller.signal });
  let seen = 0;
  const loop = async () => {
    for await (const _ of stream) if ((seen += 1) === 5) controller.abort('enough');
  };
  await assert.rejects(loop, (thrown) => thrown === 'enough');
  assert.deepEqual([seen, closed()], [5, 1]);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

/** Calls back `count` times, and tells when that has ended.
 * @param {number} count @param {(number: number) => void} each @returns {Promise<void>} */
function called(count, each) {
  return new Promise((resolve, reject) => {
    const alive = setInterval(() => {}, 1000);
    const end = (/** @type {() => void} */ how) => (clearInterval(alive), how());
    callBack(
      (callback, failed) => addon.TESTING_callback_storm(count, callback, failed),
      (document) => {
        const number = Number(document.number('/n'));
        each(number);
        if (number === count) end(resolve);
      },
      (error) => end(() => reject(error)),
    );
  });
}

test('a storm of callbacks: every one, in order, one at a time', async () => {
  let last = 0;
  let within = 0;
  await called(20_000, (number) => {
    assert.equal((within += 1), 1);
    assert.equal(number, (last += 1));
    within -= 1;
  });
  assert.equal(last, 20_000);
});

test('callbacks let the loop breathe, and end when they are closed', async () => {
  let seen = 0;
  const storming = addon.TESTING_callback_storm(1_000_000, () => (seen += 1), assert.fail);
  for (let turns = 0; turns < 50; turns += 1) await new Promise((later) => setImmediate(later));
  storming.close();
  await addon.TESTING_round_trip(1);
  for (let turns = 0; turns < 10; turns += 1) await new Promise((later) => setImmediate(later));
  const ended = seen;
  for (let turns = 0; turns < 50; turns += 1) await new Promise((later) => setImmediate(later));
  assert.ok(ended < 1_000_000);
  assert.equal(seen, ended);
});

test('the context of AsyncLocalStorage is kept over calls, errors, streams and in callbacks', async () => {
  const storage = new AsyncLocalStorage();
  /** @type {unknown[]} */
  const found = [];
  const look = () => found.push(storage.getStore());
  const work = async (/** @type {string} */ name) =>
    storage.run(name, async () => {
      await call(undefined, () => addon.TESTING_round_trip(1));
      look();
      await call(undefined, () => addon.TESTING_fail_later('not_found')).catch(look);
      await addon.TESTING_slow(5).then(look);
      for await (const _ of storm(2).stream) look();
      await called(2, look);
      look();
    });
  await work('one');
  assert.deepEqual(found, Array(8).fill('one'));
  found.length = 0;
  await Promise.all(['a', 'b', 'c'].map(work));
  assert.deepEqual(found.filter((store) => store === 'b').length, 8);
  assert.equal(storage.getStore(), undefined);
});
