// The README's ten lines, and those of the log, run as they stand there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readme } from './fixture.mjs';

test("the README's lines do what they say", () => {
  const [, source] = /```js\n(import \{ sandbox \}[^]*?)```/.exec(readFileSync(readme, 'utf8')) ?? [];
  assert.ok(source, 'the README has its lines for Node');
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /^\S+ eligible\naccepted \d{4}-\d\d-\d\dT\S+\n0 differences\n$/);
});

test('the lines of the log do what they say', () => {
  const page = readFileSync(join(dirname(readme), 'docs', 'observability.md'), 'utf8');
  const [, source] = /```js\n([^]*?)```/.exec(page) ?? [];
  assert.ok(source, 'the page has its lines for Node');
  const run = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
  });
  assert.deepEqual([run.status, run.stderr], [0, '']);
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  assert.match(run.stdout, new RegExp(`^not_found ${trace}$`, 'm'));
  assert.match(run.stdout, new RegExp(`^gladhand.http debug answer [^]*?status: '404'[^]*?${trace}$`, 'm'));
});
