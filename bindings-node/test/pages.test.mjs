// Every page of the documentation whose blocks are JavaScript, run as it stands there: the blocks of a page are one program. What
// it promises ("prints `…`.") must be among the lines that it prints, where all the page's languages print it ("Both print").
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readme } from './fixture.mjs';

const docs = join(dirname(readme), 'docs');
const block = /^(?:```js\n([^]*?)^```|<!-- js\n([^]*?)^-->)/gm;
const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .sort();
let found = 0;

for (const name of pages) {
  const text = readFileSync(join(docs, name), 'utf8');
  const blocks = [...text.matchAll(block)].map(([, shown, hidden]) => shown ?? hidden);
  if (blocks.length === 0) continue;
  found += 1;
  test(`the page ${name} runs`, () => {
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', blocks.join('')], {
      cwd: join(import.meta.dirname, '..'),
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(run.status, 0, run.stderr);
    const lines = run.stdout.split('\n');
    for (const [, promised = ''] of text.matchAll(/\b(?:Both|All) print `(.*)`\.$/gm)) {
      assert.ok(lines.includes(promised), run.stdout);
    }
  });
}

test('there are pages', () => assert.ok(found > 2, `${found} pages`));
