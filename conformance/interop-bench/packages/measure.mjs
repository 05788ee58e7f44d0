// What it costs to load a native npm package: node measure.mjs MODULE ADDON ROUNDS
//
// Prints one line: milliseconds of `require` (median), milliseconds of loading the addon alone (median), and kilobytes of resident
// memory that `require` added (median). Every figure is of fresh processes.
import { execFileSync } from 'node:child_process';

const [name, addon, rounds] = process.argv.slice(2);
const REQUIRE = `
const before = process.memoryUsage.rss();
const start = performance.now();
require(${JSON.stringify(name)});
const took = performance.now() - start;
console.log(took, (process.memoryUsage.rss() - before) / 1024);`;
const LOAD = `
const start = performance.now();
process.dlopen({ exports: {} }, ${JSON.stringify(addon)});
console.log(performance.now() - start, 0);`;

function median(values) {
  return values.sort((one, other) => one - other)[Math.floor(values.length / 2)];
}

/** The medians of what a program prints, run once without counting and then again and again. */
function medians(program) {
  const runs = [];
  for (let round = 0; round <= Number(rounds); round += 1) {
    const line = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    runs.push(line.trim().split(' ').map(Number));
  }
  return [0, 1].map((column) => median(runs.slice(1).map((run) => run[column])));
}

const [required, memory] = medians(REQUIRE);
const [loaded] = medians(LOAD);
console.log(required, loaded, memory);
