// What is awaited can be aborted: the promise rejects with the signal's reason, and no listener stays behind.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, test } from 'node:test';
import { GladhandError, NotFoundError, sandbox } from 'gladhand';

/** @type {import('gladhand').Sandbox} */
let carrier;
/** @type {import('gladhand').Client} */
let gh;

before(async () => {
  carrier = await sandbox();
  gh = await carrier.connect();
});

after(async () => {
  await gh.close();
  await carrier.stop();
});

const places = {
  origin: /** @type {const} */ ([41.8781, -87.6298]),
  destination: { lat: '34.0522', lon: '-118.2437' },
};

test('a signal that is aborted already stops the call before it starts', async () => {
  const reason = new Error('too late');
  const before = Number((await carrier.control('/state')).get('requests')?.raw.length);
  await assert.rejects(gh.capacity.search(places, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal((await carrier.control('/state')).get('requests')?.raw.length, before);
});

test('aborting under way rejects with the reason of the signal', async () => {
  await carrier.control('/policy', { decision: 'human' });
  const controller = new AbortController();
  const load = await carrier.load('load-abort');
  const reason = { any: 'value' };
  setTimeout(() => controller.abort(reason), 300);
  const started = performance.now();
  const waiting = gh.tenders.create(load, { carrier: 'aurora', waitMs: 20_000, signal: controller.signal });
  await assert.rejects(waiting, (thrown) => thrown === reason);
  assert.ok(performance.now() - started < 15_000, 'it did not wait for the carrier');
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  await carrier.control('/policy', { decision: 'accept' });
  // Aborting withdraws nothing: the load is still held by the tender that was sent.
  const again = await gh.tenders.create(load, { carrier: 'aurora' });
  assert.equal(again.joined, true);
});

test('a signal without a reason of its own gives an AbortError', async () => {
  const stream = gh.events({ consumer: 'aborted', signal: AbortSignal.timeout(200) });
  await assert.rejects(
    async () => {
      for await (const delivery of stream) await delivery.ack();
    },
    { name: 'TimeoutError' },
  );
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test('aborting after the answer changes nothing', async () => {
  const controller = new AbortController();
  const found = await gh.capacity.search(places, { signal: controller.signal });
  controller.abort();
  assert.ok(found.offers.length > 0);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('a failed call leaves no listener and tells where it was called', async () => {
  const { signal } = new AbortController();
  await assert.rejects(gh.tenders.get('t-none', { signal }), (error) => {
    assert.ok(error instanceof NotFoundError && error instanceof GladhandError);
    assert.equal(error.code, 'tender_unknown');
    assert.match(error.stack ?? '', /waiting\.test\.mjs/);
    return true;
  });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('leaving a loop closes its stream; a pending next ends with it', async () => {
  const first = gh.events({ consumer: 'left' });
  const pending = (async () => {
    for await (const delivery of first) await delivery.ack();
    return 'ended';
  })();
  await new Promise((later) => setTimeout(later, 200));
  await first.return();
  assert.equal(await pending, 'ended');
  // The consumer is free again for another reader.
  const second = gh.events({ consumer: 'left' });
  const next = second.next();
  await second.return();
  assert.equal((await next).done, true);
});

test('what a worker had and did not acknowledge goes to the next one at once', async () => {
  await gh.tenders.create(await carrier.load('load-given-back'), { carrier: 'aurora', waitMs: 10_000 });
  const events = gh.events({ consumer: 'workers' });
  const { value: first } = await events.next();
  assert.ok(first);
  first.giveBack();
  const { value: again } = await events.next();
  assert.equal(again?.event.id, first.event.id, 'to whoever shares the stream');
  const failed = (async () => {
    for await (const _ of events) throw new Error('the worker fails');
  })();
  await assert.rejects(failed, /the worker fails/);
  // The stream that it left is closed; what it had is kept here.
  const other = gh.events({ consumer: 'workers' });
  const { value: taken } = await other.next();
  assert.equal(taken?.event.id, first.event.id);
  await assert.rejects(first.ack(), { code: 'consumer_leased' });
  await other.return();
  await first.ack();
  const last = gh.events({ consumer: 'workers' });
  const { value: second } = await last.next();
  assert.notEqual(second?.event.id, first.event.id, 'a late word counts while nobody else reads');
  await last.return();
});

test('a watched tender tells its changes and ends with its last state', async () => {
  await carrier.control('/policy', { decision: 'human' });
  const { tenderId } = await gh.tenders.create(await carrier.load('load-watched'), { carrier: 'aurora', waitMs: 0 });
  const seen = [];
  for await (const { state } of gh.tenders.watch(tenderId)) {
    seen.push(state);
    if (seen.length === 1)
      await carrier.control('/decide', { tenderId, outcome: 'rejected', reasonCode: 'weather_forecast' });
  }
  assert.equal(seen.at(-1), 'rejected');
  await carrier.control('/policy', { decision: 'accept' });
});

test('an argument of the wrong kind is refused before anything is sent', async () => {
  await assert.rejects(gh.tenders.create('{', { carrier: 'aurora' }), { code: 'malformed_json' });
  await assert.rejects(gh.tenders.create(await carrier.load('load-x'), { carrier: 'nobody' }), {
    name: 'ConfigError',
    code: 'carrier_unknown',
    sent: 'not_sent',
  });
  await assert.rejects(gh.tenders.create({ weight: Number.NaN }, { carrier: 'aurora' }), TypeError);
});

test('what ends the safety events is told', async () => {
  const other = await carrier.connect();
  await other.close();
  // A safety callback keeps no process alive, nor does its end.
  const alive = setInterval(() => {}, 1000);
  const told = await new Promise((resolve) => other.onSafety(() => {}, resolve));
  assert.ok(told instanceof GladhandError);
  assert.equal(told.code, 'client_closed');
  const warned = new Promise((resolve) => process.once('warning', resolve));
  other.onSafety(() => {});
  const warning = await warned;
  clearInterval(alive);
  assert.equal(warning.code, 'client_closed');
});
