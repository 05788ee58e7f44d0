// Where the addon and the sandbox carrier's program are found, and what is said where they are not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const root = dirname(createRequire(import.meta.url).resolve('gladhand/package.json'));
const folder = mkdtempSync(join(tmpdir(), 'gladhand-packaged-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs a program beside the installed package, with nothing that names the carrier's program but these variables.
 * @param {string} source @param {NodeJS.ProcessEnv} variables */
function run(source, variables, cwd = dirname(root)) {
  const { GLADHAND_SANDBOX: _, ...rest } = process.env;
  const env = { ...rest, PATH: '/nonexistent', ...variables };
  const ran = spawnSync(process.execPath, ['--eval', source], { cwd, env, encoding: 'utf8' });
  return ran.stdout + ran.stderr;
}

const START = `const { sandbox } = require('gladhand');
sandbox().then((carrier) => (console.log(new URL(carrier.url).protocol), carrier.stop()),
  (error) => console.log(error.code, error.remedy));`;

test('the program of the npm package is found, after one that a variable names', () => {
  mkdirSync(join(folder, 'gladhand-sandbox'));
  writeFileSync(join(folder, 'gladhand-sandbox/index.js'), 'exports.program = () => process.env.PACKAGED;');
  const installed = { NODE_PATH: folder };
  const program = process.env['GLADHAND_SANDBOX'];
  assert.equal(run(START, { ...installed, PACKAGED: program }), 'https:\n');
  const other = { ...installed, PACKAGED: '/nonexistent/packaged' };
  assert.match(run(START, other), /^sandbox_unavailable /);
  assert.equal(run(START, { ...other, GLADHAND_SANDBOX: program }), 'https:\n');
});

test('without a program the error says what to install', () => {
  assert.match(run(START, {}), /^sandbox_unavailable .*npm install --save-dev gladhand-sandbox/);
});

test('without an addon the error names its package and why npm leaves it out', () => {
  const copy = join(folder, 'gladhand');
  for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(copy, part), { recursive: true });
  const said = run(`require(${JSON.stringify(copy)})`, {}, folder);
  assert.match(said, /@gladhand\/native-\S+@\d+\.\d+\.\d+, the addon for this platform, is not installed/);
  assert.match(said, /package-lock\.json was made on another platform/);
});
