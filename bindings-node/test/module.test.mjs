// The package as a module: `import` and `require` share one set of classes; workers and subprocesses load it.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
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
