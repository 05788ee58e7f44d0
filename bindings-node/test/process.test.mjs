// A guest in somebody's process: it ends when its clients are closed, two clients get along, workers come and go.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { sandbox } from 'gladhand';

/** @type {import('gladhand').Sandbox} */
let carrier;

before(async () => {
  carrier = await sandbox();
});

after(() => carrier.stop());

/** Runs a program beside the package; how it ended and what it said. @param {string} source @returns {Promise<{code: number | null, said: string}>} */
function run(source) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      cwd: join(import.meta.dirname, '..'),
      env: {
        ...process.env,
        GLADHAND_CONFIG: carrier.configPath,
        CONTROL: carrier.controlUrl,
        GLADHAND_JOURNAL_PATH: join(carrier.folder, `${++journals}.db`),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.on('error', reject).on('exit', (code) => resolve({ code, said: said.trim() }));
  });
}

let journals = 0;

test('a process ends when its client is closed, whatever was at work', async () => {
  const { code, said } = await run(`
    import { connect } from 'gladhand';
    const gh = await connect();
    gh.onSafety(() => {});
    const waiting = gh.events({ consumer: 'one' }).next();
    const load = await (await fetch(process.env.CONTROL + '/load?loadId=load-1')).text();
    const { tenderId, state } = await gh.tenders.create(load, { carrier: 'aurora', waitMs: 10_000 });
    const watched = (async () => { for await (const _ of gh.tenders.watch(tenderId)) ; })();
    // Heard at once: closing may come before the watch is open.
    const watching = watched.then(() => 'ended', (error) => error.code);
    await gh.close();
    console.log(state, (await waiting).value?.type, await watching);
  `);
  assert.match(said, /^accepted \S+ (ended|client_closed)$/);
  assert.equal(code, 0);
});

test('a process that never closes its client ends too, when nothing is awaited', async () => {
  const { code, said } = await run(`
    import { connect } from 'gladhand';
    const gh = await connect();
    gh.onSafety(() => {});
    console.log((await gh.health()).version);
  `);
  assert.equal(code, 0);
  assert.match(said, /^\d+\.\d+\.\d+$/);
});

test('two clients in one process, one closed, one at work', async () => {
  const { code, said } = await run(
    `
    import { connect } from 'gladhand';
    await using first = await connect();
    {
      const second = await connect();
      await second.tenders.list();
      await second.close();
      await second.close();
      await second.health().catch((error) => console.log(error.name, error.code));
    }
    console.log((await first.tenders.list()).length);
  `
      .replace('await using first =', 'const first =')
      .concat('await first.close();'),
  );
  assert.equal(said, 'MisuseError client_closed\n0');
  assert.equal(code, 0);
});

test('a worker with a client of its own ends with it, also when it is terminated at work', async () => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { connect } = require('gladhand');
    connect({ path: workerData.path, journal: { path: workerData.journal } }).then(async (gh) => {
      parentPort.postMessage((await gh.health()).status);
      if (workerData.close) await gh.close();
      else for await (const _ of gh.events({ consumer: 'worker' }));
    });
  `;
  for (const close of [true, false]) {
    const journal = join(carrier.folder, `worker-${close}.db`);
    const worker = new Worker(source, { eval: true, workerData: { path: carrier.configPath, journal, close } });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const status = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    assert.equal(status, 'ok');
    if (!close) await worker.terminate();
    assert.equal(await ended, close ? 0 : 1);
  }
});

test('negative n36 forked processes, cluster workers and threads have clients of their own', async () => {
  const { code, said } = await run(`
    import cluster from 'node:cluster';
    import { fork } from 'node:child_process';
    import { once } from 'node:events';
    import { Worker } from 'node:worker_threads';
    import { connect } from 'gladhand';
    const gh = await connect();
    const waiting = gh.events({ consumer: 'parent' }).next();
    const program = 'test/forked.mjs';
    const execArgv = [];
    cluster.setupPrimary({ exec: program, execArgv });
    const thread = new Worker(
      \`const { parentPort } = require('node:worker_threads');
      require('gladhand').connect().then(async (gh) => {
        const { version } = await gh.identity.connection('aurora');
        await gh.close();
        parentPort.postMessage({ version, generation: 2 });
      });\`,
      { eval: true, execArgv },
    );
    const children = [fork(program, { execArgv }), fork(program, { execArgv }), cluster.fork(), cluster.fork(), thread];
    const ends = children.map((child) => once(child, 'exit'));
    const messages = await Promise.all(children.map((child) => once(child, 'message')));
    for (const [code] of await Promise.all(ends)) if (code !== 0) throw new Error('exit ' + code);
    const { generation } = gh.identity.status().generations[0];
    console.log(JSON.stringify(messages.map(([message]) => message)), generation, (await gh.health()).status);
    await gh.close();
    await waiting;
  `);
  const child = '{"version":"TLSv1_3","generation":2}';
  assert.equal(said, `[${Array(5).fill(child).join(',')}] 1 ok`);
  assert.equal(code, 0);
});

test('a setting that is missing or wrong is named', async () => {
  const { code, said } = await run(`
    import { connect } from 'gladhand';
    const tries = [{ carriers: { aurora: { baseUrl: 'nonsense' } } }, { identity: { certificat: 'x.pem' } }];
    for (const settings of tries) {
      const error = await connect(settings).catch((error) => error);
      console.log(error.name, error.code, /base_url|certificat/.test(error.message));
    }
  `);
  assert.equal(said, 'ConfigError config_invalid true\nConfigError config_invalid true');
  assert.equal(code, 0);
});
