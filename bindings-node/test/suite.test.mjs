// The carrier of a test suite, in node:test and in Vitest.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withSandbox } from 'gladhand/testing';
import { tools } from './fixture.mjs';

/** @type {string} */
let folder;

describe('a suite in node:test', () => {
  const suite = withSandbox({ before, after });

  test('has a carrier and a client', async () => {
    const { carrier, gh } = suite;
    const tender = await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    assert.equal(tender.state, 'accepted');
    folder = carrier.folder;
    assert.ok(existsSync(folder));
  });

  test('the same ones in every test', async () => {
    assert.equal(suite.carrier.folder, folder);
    assert.equal((await suite.gh.tenders.list()).length, 1);
  });
});

test('what a suite started is gone after it', () => {
  assert.ok(!existsSync(folder), 'the carrier ended and took its files with it');
});

test('outside of the suite it is there for nobody', () => {
  const suite = withSandbox({ before: () => {}, after: () => {} });
  assert.throws(() => suite.carrier, /only while its tests run/);
  assert.throws(() => suite.gh, /only while its tests run/);
});

test('what fails at the start fails the hook, and leaves no carrier behind', async () => {
  /** @type {(() => Promise<void>)[]} */
  const hooks = [];
  const take = (/** @type {() => Promise<void>} */ hook) => hooks.push(hook);
  withSandbox({ before: take, after: take }, { connect: { journal: { path: '/dev/null/journal.db' } } });
  await assert.rejects(hooks[0] ?? assert.fail, { name: /JournalError|ConfigError/ });
  await hooks[1]?.();
  withSandbox({ beforeAll: take, afterAll: take }, { program: '/no/such/program' });
  await assert.rejects(hooks[2] ?? assert.fail, { code: 'sandbox_unavailable' });
  await hooks[3]?.();
});

test("the README's lines for a suite", () => {
  const readme = readFileSync(join(import.meta.dirname, '../node_modules/gladhand/README.md'), 'utf8');
  const [, program] = /```js\n(\/\/ node:test\n[^]*?)```/.exec(readme) ?? [];
  assert.ok(program);
  const file = join(import.meta.dirname, '..', 'readme.spec.mjs');
  writeFileSync(file, program);
  // A runner within a runner: the inner one must not take itself for the outer one's child.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], { encoding: 'utf8', env });
  rmSync(file);
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /# pass 1\n/);
});

test('the same in Vitest', () => {
  const place = join(import.meta.dirname, '..', 'vitest');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, 'vitest.config.mjs'),
    "export default { test: { include: ['*.spec.mjs'], globals: true } };\n",
  );
  writeFileSync(
    join(place, 'tender.spec.mjs'),
    `import { withSandbox } from 'gladhand/testing';
    const suite = withSandbox({ beforeAll, afterAll });
    test('a load is taken', async () => {
      const { carrier, gh } = suite;
      const load = await carrier.load('load-1');
      const tender = await gh.tenders.create(load, { carrier: 'aurora', waitMs: 20_000 });
      expect(tender.state).toBe('accepted');
    });
    test('and known afterwards', async () => expect(await suite.gh.tenders.list()).toHaveLength(1));\n`,
  );
  const run = spawnSync(process.execPath, [join(tools, 'vitest/vitest.mjs'), 'run', '--root', place], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', NODE_ENV: 'test' },
  });
  rmSync(place, { recursive: true });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /Tests +2 passed/);
});
