#!/usr/bin/env node
'use strict';
// `gladhand-sandbox` in a shell: the program, with the arguments, pipes and fate of this process.
const { spawn } = require('node:child_process');
const { program } = require('./index.js');

const child = spawn(program(), process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  if (signal === null) process.exitCode = code ?? 1;
  else process.kill(process.pid, signal);
});
