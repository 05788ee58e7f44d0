// What the core logs, in the host's own log.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connect, onLog, sandbox, withTraceContext } from 'gladhand';
import { leaks } from './shown.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** @type {import('gladhand').Sandbox} */
let carrier;
/** @type {import('gladhand').LogRecord[]} */
let kept;
/** @type {() => void} */
let end;

beforeEach(async () => {
  carrier = await sandbox();
  kept = [];
  end = () => undefined;
});

afterEach(async () => {
  end();
  await carrier.stop();
});

/** Keeps what is logged, and prints it: the output of a test run is looked through for secrets.
 * @param {import('gladhand').LogRecord} record */
function keep(record) {
  kept.push(record);
  console.log(record.logger, record.level, record.message, record.fields);
}

/** The first record of that kind, within half a minute. @param {(record: import('gladhand').LogRecord) => boolean} wanted */
async function until(wanted) {
  for (let round = 0; round < 600; round += 1) {
    const found = kept.find(wanted);
    if (found !== undefined) return found;
    await later(50);
  }
  return assert.fail(kept.map((record) => record.message).join('\n'));
}

test('a key that others may read is warned of', async () => {
  for (const name of readdirSync(carrier.folder).filter((name) => name.endsWith('.pem'))) {
    const path = join(carrier.folder, name);
    if (readFileSync(path, 'utf8').includes('PRIVATE KEY')) chmodSync(path, 0o644);
  }
  end = onLog(keep);
  const before = Date.now();
  const gh = await carrier.connect();
  const record = await until((record) => record.message.includes('others may read'));
  await gh.close();
  assert.deepEqual([record.level, record.logger], ['warn', 'gladhand.security']);
  assert.match(record.fields['path'] ?? '', /\.pem$/);
  assert.ok(record.time.getTime() >= before - 1 && record.time.getTime() <= Date.now() + 1);
});

test('a request is told with its trace and no secret', async () => {
  end = onLog(keep, { level: 'debug' });
  const gh = await carrier.connect();
  await withTraceContext(`00-${TRACE}-00f067aa0ba902b7-01`, async () => {
    await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    await gh.identity.rotate();
  });
  await gh.close();
  const record = await until(({ logger, fields }) => logger === 'gladhand.http' && fields['path'] === '/v1/tenders');
  assert.deepEqual([record.level, record.traceId], ['debug', TRACE]);
  const latest = JSON.parse((await carrier.control('/state')).get('requests')?.get('latest')?.raw ?? '[]');
  assert.ok(latest.some((/** @type {any} */ seen) => seen.traceparent?.split('-')[2] === record.fields['span']));
  const text = JSON.stringify(kept);
  assert.deepEqual(leaks(text), []);
});

test('a level and an end', async () => {
  assert.throws(() => onLog(keep, { level: /** @type {any} */ ('loud') }), { code: 'invalid_argument' });
  end = onLog(keep, { level: 'error' });
  const quiet = onLog(() => assert.fail('ended'), { level: 'debug' });
  quiet();
  const gh = await carrier.connect();
  await gh.health();
  await gh.close();
  assert.deepEqual(kept, []);
});

test('a storm is bounded and what was lost is told', async () => {
  const require = createRequire(import.meta.url);
  const folder = join(require.resolve('gladhand/package.json'), '..');
  const file = readdirSync(folder).find((name) => name.endsWith('.node')) ?? '';
  const log = require(join(folder, file)).TESTING_log;
  end = onLog((record) => kept.push(record));
  const told = () =>
    kept
      .filter(({ logger }) => logger === 'gladhand.testing' || logger === 'gladhand.logs')
      .reduce((sum, { fields }) => sum + Number(fields['lost'] ?? 1), 0);
  const storm = log(20_000);
  // The host takes nothing meanwhile.
  const busy = Date.now() + 2_000;
  while (Date.now() < busy);
  await storm;
  await log(1);
  const lost = await until(({ logger }) => logger === 'gladhand.logs');
  assert.equal(lost.level, 'warn');
  for (let round = 0; round < 600 && told() < 20_001; round += 1) await later(50);
  assert.equal(told(), 20_001, 'each record is there, or among those that are told of as lost');
});

test('a listener keeps no process, and no worker', async () => {
  const program = (/** @type {string} */ more) => `
    const { connect, onLog } = require('gladhand');
    let heard = 0;
    onLog(() => (heard += 1), { level: 'debug' });
    (async () => {
      const gh = await connect({ path: ${JSON.stringify(carrier.configPath)} });
      await gh.health();
      while (heard === 0) await new Promise((done) => setTimeout(done, 20));
      await gh.close();
      ${more}
    })();`;
  const ran = spawnSync(process.execPath, ['-e', program("console.log('closed');")], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [0, 'closed\n', '']);
  const worker = new Worker(program(''), { eval: true });
  assert.equal(await new Promise((done) => worker.on('exit', done)), 0);
});

test('what a listener throws is a warning, and the next record comes', async () => {
  /** @type {Error[]} */
  const warnings = [];
  const hear = (/** @type {Error} */ warning) => warnings.push(warning);
  process.on('warning', hear);
  let heard = 0;
  end = onLog(
    () => {
      heard += 1;
      throw new Error('the host stumbles');
    },
    { level: 'debug' },
  );
  const gh = await connect({ path: carrier.configPath });
  await gh.health();
  await gh.close();
  for (let round = 0; round < 600 && (heard < 2 || warnings.length < 2); round += 1) await later(50);
  process.off('warning', hear);
  assert.ok(heard >= 2);
  assert.ok(warnings.some((warning) => warning.message === 'the host stumbles'));
});
