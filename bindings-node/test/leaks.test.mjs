// Nothing is kept: after many calls, errors, cancelled calls, stream items and callbacks, memory is where it was after the first
// ones. `GLADHAND_LEAK_ROUNDS=10` does 100,000 of each.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const ROUNDS = Number(process.env['GLADHAND_LEAK_ROUNDS'] ?? 1);
const EACH = 10_000;
const WHAT = [
  'calls',
  'sync',
  'errors',
  'thrown',
  'panics',
  'cancelled',
  'aborted',
  'stream',
  'left',
  'callbacks',
  'documents',
];

for (const what of WHAT) {
  test(`memory stays flat over ${ROUNDS * EACH} ${what}`, () => {
    const program = new URL('leaking.mjs', import.meta.url).pathname;
    const run = spawnSync(
      process.execPath,
      ['--expose-gc', '--max-semi-space-size=2', program, what, String(EACH), String(ROUNDS)],
      {
        encoding: 'utf8',
        env: { ...process.env, RUST_BACKTRACE: '0' },
      },
    );
    assert.equal(run.status, 0, run.stdout + run.stderr.slice(-2000));
    console.log(run.stdout.trim());
  });
}
