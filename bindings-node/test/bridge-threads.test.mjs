// Worker threads and the end of a process: each worker has the module for itself, what it waits for ends with it, and nothing of
// ours keeps a process that wants to end.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { GladhandError, sandbox } from 'gladhand';
import { addon, call, installed, until } from './bridge.mjs';

const LONG_MS = 600_000;
const NATIVE = `const { addon } = require(${JSON.stringify(join(installed, 'dist/native.js'))});`;
const PORT = `const { parentPort, workerData } = require('node:worker_threads');`;

/** A worker with the module. @param {string} source @param {unknown} [workerData] */
function worker(source, workerData) {
  const made = new Worker(PORT + NATIVE + source, { eval: true, workerData });
  const ended = new Promise((resolve) => made.once('exit', resolve));
  /** @type {Promise<any>} */
  const said = new Promise((resolve, reject) => made.once('message', resolve).once('error', reject));
  return { made, said, ended };
}

/** Runs a program beside the package; how it ended, and what it said. @param {string} source */
async function run(source) {
  const program = NATIVE + source;
  const child = spawn(process.execPath, ['--input-type=commonjs', '--eval', program], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  const [code, signal] = await once(child, 'close');
  return { code, signal, said: said.trim() };
}

test('workers call at the same time as the main thread, each with error classes of its own', async () => {
  const source = `
    const { GladhandError } = require('gladhand');
    (async () => {
      let sum = 0;
      for (let round = 0; round < 20; round += 1) {
        const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => addon.TESTING_round_trip(n)));
        sum += answers.reduce((all, one) => all + one, 0);
        const failed = await addon.TESTING_fail_later('not_found').catch((error) => error);
        if (!(failed instanceof GladhandError)) throw failed;
      }
      parentPort.postMessage(sum);
    })();`;
  const workers = Array.from({ length: 4 }, () => worker(source));
  const here = Array.from({ length: 500 }, async (_, place) => {
    assert.equal(await addon.TESTING_round_trip(place), place);
    await assert.rejects(addon.TESTING_fail_later('not_found'), GladhandError);
  });
  await Promise.all(here);
  for (const { said, ended } of workers) assert.deepEqual([await said, await ended], [20 * 1225, 0]);
});

test('a worker that is terminated takes its calls, streams and callbacks with it; others go on', async () => {
  const source = `
    for (let n = 0; n < 25; n += 1) addon.TESTING_slow(workerData).catch(() => {});
    for (let n = 0; n < 25; n += 1) addon.TESTING_slow(workerData, new addon.CancelToken()).catch(() => {});
    const stream = addon.TESTING_storm(1e6);
    (async () => { for (;;) await stream.next(); })().catch(() => {});
    addon.TESTING_callback_storm(1e6, () => {}, () => {});
    setInterval(() => {}, 1000);
    setImmediate(() => parentPort.postMessage('at work'));`;
  const before = addon.TESTING_cancelled();
  for (let round = 0; round < 5; round += 1) {
    const workers = [worker(source, LONG_MS), worker(source, LONG_MS)];
    const own = call(undefined, (cancel) => addon.TESTING_slow(200, cancel));
    for (const { said } of workers) assert.equal(await said, 'at work');
    await until('they are under way', () => addon.TESTING_under_way() >= 100);
    await Promise.all(workers.map(({ made }) => made.terminate()));
    assert.equal(await own, 0, 'the call of this thread');
    await until('theirs end with them', () => addon.TESTING_under_way() === 0);
  }
  assert.equal(addon.TESTING_cancelled(), before + 500);
  assert.equal(await addon.TESTING_round_trip(1), 1);
});

test('a consumer that a terminated worker had is free for the next reader', async () => {
  const carrier = await sandbox();
  try {
    const path = carrier.configPath;
    const gh = await carrier.connect();
    await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    const source = `
      require('gladhand').connect({ path: workerData }).then(async (gh) => {
        const events = gh.events({ consumer: 'shared' });
        for (;;) parentPort.postMessage((await events.next()).value.type);
      });`;
    const { made, said } = worker(source, path);
    assert.match(await said, /^gladhand\.tender\./);
    await made.terminate();
    const { value } = await gh.events({ consumer: 'shared', signal: AbortSignal.timeout(20_000) }).next();
    assert.match(value?.type ?? '', /^gladhand\.tender\./, 'what it did not acknowledge comes again');
    await gh.close();
  } finally {
    await carrier.stop();
  }
});

test('a worker ends by itself once its calls have settled', async () => {
  const { said, ended } = worker(`
    addon.TESTING_callback_storm(1e6, () => {}, () => {});
    addon.TESTING_slow(50).then((value) => parentPort.postMessage(value));`);
  assert.deepEqual([await said, await ended], [0, 0]);
});

test('a call that is awaited keeps the process, a callback does not', async () => {
  assert.deepEqual(await run(`addon.TESTING_slow(300).then(() => console.log('answered'));`), {
    code: 0,
    signal: null,
    said: 'answered',
  });
  const idle = `addon.TESTING_callback_storm(1e9, () => {}, () => {}); console.log('left');`;
  assert.deepEqual(await run(idle), { code: 0, signal: null, said: 'left' });
});

test('process.exit, an uncaught exception and a rejection end the process during calls, streams and callbacks', async () => {
  const busy = `
    for (let n = 0; n < 100; n += 1) addon.TESTING_slow(${LONG_MS}).catch(() => {});
    for (let n = 0; n < 100; n += 1) addon.TESTING_round_trip(n);
    const stream = addon.TESTING_storm(1e6);
    (async () => { for (;;) await stream.next(); })();
    let called = 0;`;
  const storm = (/** @type {string} */ within) =>
    `addon.TESTING_callback_storm(1e6, () => { if ((called += 1) === 50) ${within}; }, () => {});`;
  const endings = {
    [storm('process.exit(7)')]: 7,
    [storm("{ throw new Error('thrown in a callback') }")]: 1,
    [`setImmediate(() => process.exit(8));`]: 8,
    [`process.once('exit', () => addon.TESTING_round_trip(1)); setImmediate(() => process.exit(9));`]: 9,
    [`process.on('uncaughtException', () => process.exit(10)); ${storm("{ throw new Error('x') }")}`]: 10,
  };
  for (const [ending, code] of Object.entries(endings)) {
    const ended = await run(`${busy} process.stderr.write = () => true; ${ending}`);
    assert.deepEqual([ended.code, ended.signal], [code, null], ending);
  }
});
