// The types of the packed tarball: for `import` and for `require`, under every kind of module resolution, by the compiler of today
// and by two linters of packages. A program of a user compiles; every mistake of a list does not.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tools, types } from './fixture.mjs';

// Beside the installed package, as a user's program is.
const folder = join(import.meta.dirname, '..', 'typed');

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  // The declarations of the package are checked as well.
  skipLibCheck: false,
  isolatedModules: true,
  noEmit: true,
  target: 'es2022',
  types: ['node'],
};

const RESOLUTIONS = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

before(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const type of ['module', 'commonjs']) {
    mkdirSync(join(folder, type), { recursive: true });
    writeFileSync(join(folder, type, 'package.json'), JSON.stringify({ private: true, type }));
    for (const name of ['dispatcher.ts', 'mistakes.ts']) copyFileSync(join(types, name), join(folder, type, name));
  }
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(tools, '@types'), join(folder, 'node_modules/@types'));
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a tool of the package; what it said. @param {string} name @param {string[]} given */
function tool(name, ...given) {
  const run = spawnSync(join(tools, '.bin', name), given, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status: run.status, said: run.stdout + run.stderr };
}

for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
  for (const type of name === 'node16' ? ['module', 'commonjs'] : ['module']) {
    test(`types hold under ${name} in a package of type ${type}, and every mistake is rejected`, () => {
      const config = join(folder, type, `tsconfig.${name}.json`);
      writeFileSync(
        config,
        JSON.stringify({ compilerOptions: { ...STRICT, ...resolution }, files: ['dispatcher.ts', 'mistakes.ts'] }),
      );
      const { status, said } = tool('tsc', '--project', config);
      assert.equal(status, 0, said);
    });
  }
}

test('a mistake that compiles is told: the list cannot rot', () => {
  const program = join(folder, 'module', 'rotten.ts');
  writeFileSync(
    program,
    "import { Money } from 'gladhand';\n// @ts-expect-error fine\nnew Money({ amount: '1.00', currency: 'USD' });\n",
  );
  const config = join(folder, 'module', 'tsconfig.rotten.json');
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions: { ...STRICT, ...RESOLUTIONS.nodenext }, files: ['rotten.ts'] }),
  );
  const { status, said } = tool('tsc', '--project', config);
  assert.notEqual(status, 0);
  assert.match(said, /TS2578/);
});

test('are the types wrong? They are not, nor is the manifest', (context) => {
  const tarball = process.env['GLADHAND_TARBALL'];
  if (tarball === undefined) return context.skip('only with the packed tarball');
  for (const [name, ...given] of [
    // Resolution as before Node 12 knows no `exports`, and no node that we run on has it.
    ['attw', tarball, '--profile', 'node16', '--format', 'ascii', '--no-emoji'],
    ['publint', 'run', tarball, '--strict'],
  ]) {
    const { status, said } = tool(name ?? '', ...given);
    assert.equal(status, 0, said);
    assert.doesNotMatch(said, /Suggestions:|Warnings:/, said);
  }
});
