// The README's ten lines run as they stand there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
