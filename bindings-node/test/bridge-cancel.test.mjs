// Cancellation through the bridge: a signal ends the call in the core, its reason is what the promise rejects with, and nothing
// of the signal is touched or kept.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { CancelledError } from 'gladhand';
import { addon, call, until } from './bridge.mjs';

const LONG_MS = 600_000;

/** A call that takes as long as anybody waits. @param {AbortSignal} [signal] */
function slow(signal) {
  return call(signal, (cancel) => addon.TESTING_slow(LONG_MS, cancel));
}

test('a signal that is aborted already starts nothing', async () => {
  const reason = { any: 'value' };
  let started = false;
  const start = () => ((started = true), addon.TESTING_round_trip(1));
  await assert.rejects(call(AbortSignal.abort(reason), start), (thrown) => thrown === reason);
  assert.equal(started, false);
  await assert.rejects(call(AbortSignal.abort(), start), { name: 'AbortError' });
});

test('aborting under way ends the call in the core, with the reason of the signal', async () => {
  const before = addon.TESTING_cancelled();
  for (const reason of [new Error('mine'), 'a string', 0, null, { any: 'value' }]) {
    const controller = new AbortController();
    const waiting = slow(controller.signal);
    await until('the call begins', () => addon.TESTING_under_way() === 1);
    controller.abort(reason);
    await assert.rejects(waiting, (thrown) => thrown === reason);
    await until('the call ends', () => addon.TESTING_under_way() === 0);
  }
  assert.equal(addon.TESTING_cancelled(), before + 5);
});

test('AbortSignal.timeout ends a call with its TimeoutError, AbortSignal.any with the first reason', async () => {
  await assert.rejects(slow(AbortSignal.timeout(20)), { name: 'TimeoutError' });
  const controller = new AbortController();
  const either = AbortSignal.any([controller.signal, new AbortController().signal]);
  const waiting = slow(either);
  controller.abort('first');
  await assert.rejects(waiting, (thrown) => thrown === 'first');
  await until('both end', () => addon.TESTING_under_way() === 0);
});

test('aborting after the answer changes nothing', async () => {
  const before = addon.TESTING_cancelled();
  const controller = new AbortController();
  assert.equal(await call(controller.signal, (cancel) => addon.TESTING_slow(1, cancel)), 0);
  controller.abort();
  assert.equal(addon.TESTING_cancelled(), before);
});

test('a failure that is no cancellation is told as it is, also when the signal is aborted by then', async () => {
  const controller = new AbortController();
  const failing = call(controller.signal, async (cancel) => {
    controller.abort('late');
    return addon.TESTING_fail_later('tender_conflict', cancel);
  });
  // The token is cancelled before the call is made: either is true of it, and neither is anything else.
  await assert.rejects(
    failing,
    (thrown) => thrown === 'late' || /** @type {any} */ (thrown).code === 'tender_conflict',
  );
  await assert.rejects(
    call(new AbortController().signal, (cancel) => addon.TESTING_fail_later('tender_conflict', cancel)),
    { code: 'tender_conflict' },
  );
});

test('without a signal a token cancels: the error of the core, which may have been sent', async () => {
  const token = new addon.CancelToken();
  const waiting = addon.TESTING_slow(LONG_MS, token);
  await until('the call begins', () => addon.TESTING_under_way() === 1);
  token.cancel();
  token.cancel();
  await assert.rejects(waiting, (error) => {
    assert.ok(error instanceof CancelledError);
    assert.deepEqual([error.code, error.sent], ['cancelled', 'maybe_sent']);
    return true;
  });
  await assert.rejects(addon.TESTING_slow(LONG_MS, token), { code: 'cancelled', sent: 'not_sent' });
});

test("the caller's own handlers stay, and no listener of ours stays behind", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let heard = 0;
  const own = () => (heard += 1);
  signal.onabort = own;
  signal.addEventListener('abort', own);
  const listeners = getEventListeners(signal, 'abort').length;
  for (let round = 0; round < 200; round += 1) {
    await call(signal, (cancel) => addon.TESTING_round_trip(round, cancel));
    await assert.rejects(call(signal, (cancel) => addon.TESTING_fail_later('not_found', cancel)));
    await assert.rejects(call(signal, () => addon.TESTING_round_trip(/** @type {any} */ ('x'))));
  }
  assert.equal(getEventListeners(signal, 'abort').length, listeners);
  assert.equal(signal.onabort, own);
  // Many calls on one signal, such as that of a program's end: one listener for all while they wait, none afterwards.
  /** @type {Error[]} */
  const warnings = [];
  process.on('warning', (warning) => warnings.push(warning));
  const many = Array.from({ length: 100 }, () => slow(signal));
  assert.equal(getEventListeners(signal, 'abort').length, listeners + 1);
  controller.abort();
  for (const one of await Promise.allSettled(many)) assert.equal(one.status, 'rejected');
  assert.equal(getEventListeners(signal, 'abort').length, listeners);
  assert.equal(heard, 2);
  await new Promise((later) => setImmediate(later));
  assert.deepEqual(warnings, []);
  await until('all end', () => addon.TESTING_under_way() === 0);
});

test('a thousand calls at once: all answers, each its own', async () => {
  const answers = await Promise.all(Array.from({ length: 1000 }, (_, place) => addon.TESTING_round_trip(place)));
  assert.deepEqual(
    answers,
    Array.from({ length: 1000 }, (_, place) => place),
  );
  const controller = new AbortController();
  const before = addon.TESTING_cancelled();
  const waiting = Array.from({ length: 1000 }, () => slow(controller.signal));
  await until('they are under way', () => addon.TESTING_under_way() === 1000);
  const others = await Promise.all(Array.from({ length: 100 }, (_, place) => addon.TESTING_round_trip(place)));
  assert.equal(others.length, 100, 'those that wait keep no thread');
  controller.abort('all');
  for (const one of await Promise.allSettled(waiting)) assert.deepEqual(one, { status: 'rejected', reason: 'all' });
  await until('all end', () => addon.TESTING_under_way() === 0);
  assert.equal(addon.TESTING_cancelled(), before + 1000);
});
