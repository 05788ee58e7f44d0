// The package as a module: `import` and `require` share one set of classes; workers and subprocesses load it.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as gladhand from 'gladhand';

// What node adds to a CommonJS module that is imported.
const HIDDEN = new Set(['default', 'module.exports', '__esModule']);

test('import and require give the same classes', () => {
  const required = createRequire(import.meta.url)('gladhand');
  assert.equal(required.GladhandError, gladhand.GladhandError);
  const names = (/** @type {object} */ module) =>
    Object.keys(module)
      .filter((name) => !HIDDEN.has(name))
      .sort();
  assert.deepEqual(names(gladhand), names(required));
});

test('a worker has documents and error classes of its own, and ends', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { Document, ValidationError } = require('gladhand');
    let code;
    try { Document.parse('{'); } catch (error) { code = error instanceof ValidationError ? error.code : error; }
    parentPort.postMessage({ code, json: Document.parse('{"a":1.0}').json() });
  `;
  for (let round = 0; round < 3; round += 1) {
    const worker = new Worker(source, { eval: true });
    const [message, status] = await Promise.all([
      new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
      new Promise((resolve) => worker.once('exit', resolve)),
    ]);
    assert.deepEqual(message, { code: 'malformed_json', json: '{"a":1.0}' });
    assert.equal(status, 0);
  }
});

test('negative n37 two copies of the package in one process both work', async () => {
  const require = createRequire(import.meta.url);
  const folder = mkdtempSync(join(tmpdir(), 'gladhand-'));
  cpSync(dirname(require.resolve('gladhand/package.json')), join(folder, 'copy'), { recursive: true });
  /** @type {typeof gladhand} */
  const copy = require(join(folder, 'copy'));
  assert.notEqual(copy.Client, gladhand.Client);
  const carrier = await gladhand.sandbox();
  const path = carrier.configPath;
  // Each has a journal of its own: SQLite's locks do not see a second SQLite in the same process.
  const [ours, theirs] = await Promise.all([
    gladhand.connect({ path }),
    copy.connect({ path, journal: { path: join(folder, 'copy.db') } }),
  ]);
  try {
    for (const gh of [ours, theirs]) {
      const { version, keyExchange } = await gh.identity.connection('aurora');
      assert.deepEqual([version, keyExchange], ['TLSv1_3', 'X25519MLKEM768']);
    }
    const first = await ours.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    const load = (await carrier.load('load-2')).toJson();
    const second = await theirs.tenders.create(load, { carrier: 'aurora', waitMs: 20_000 });
    assert.deepEqual([first.state, second.state], ['accepted', 'accepted']);
    // What ends one leaves the other: identity, runtime and error classes are each copy's own.
    ours.identity.revokeNow();
    await assert.rejects(ours.identity.rotate(), gladhand.IdentityError);
    await theirs.identity.rotate();
    await ours.close();
    assert.equal((await theirs.tenders.list()).length, 1);
    await assert.rejects(theirs.tenders.get('t-none'), copy.NotFoundError);
  } finally {
    await Promise.all([ours.close(), theirs.close()]);
    await carrier.stop();
    rmSync(folder, { recursive: true });
  }
});
