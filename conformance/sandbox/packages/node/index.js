'use strict';
// Where the program of the sandbox carrier lies: in the package of this platform.
const { readFileSync } = require('node:fs');
const { version } = require('./package.json');

function platform() {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return base;
  return `${base}-${loaded().includes('/ld-musl-') ? 'musl' : 'gnu'}`;
}

/** What this process has loaded: one of the two C libraries. */
function loaded() {
  try {
    return readFileSync('/proc/self/maps', 'latin1');
  } catch {
    return '';
  }
}

exports.program = () => {
  const name = `@gladhand/sandbox-${platform()}`;
  try {
    return require.resolve(`${name}/gladhand-sandbox`);
  } catch (cause) {
    // npm/cli#4828: a lock file that was made on another platform may name the packages of that one alone.
    const message =
      `${name}@${version}, the sandbox carrier for this platform, is not installed. It is an optional dependency of ` +
      'gladhand-sandbox, which npm leaves out with --omit=optional, and if package-lock.json was made on another platform: ' +
      `remove package-lock.json and node_modules and install again, or install ${name}@${version} itself`;
    throw new Error(message, { cause });
  }
};
