// All that Node shows of a value and of what hangs on it: what a debugger, a logger and a crash reporter would print.
import { readFileSync } from 'node:fs';
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';

const SHORTEST = 12;

/** Everything that can be seen of these values. @param {unknown[]} values */
export function shown(...values) {
  /** @type {string[]} */
  const parts = [];
  const known = new Set();
  const waiting = [...values];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (known.has(value)) continue;
    known.add(value);
    parts.push(format('%s %o %j', value, value, plain(value)), logged(value));
    parts.push(
      inspect(value, { depth: null, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null }),
    );
    parts.push(
      attempt(() => String(value)),
      attempt(() => serialize(value).toString('latin1')),
    );
    if (typeof value === 'object' && value !== null) waiting.push(...below(value));
  }
  return parts.join('\n');
}

/** What hangs on an object, also what is not enumerable, is behind a getter, or a cause. @param {object} value */
function below(value) {
  const found = [];
  for (let place = value; place !== null && place !== Object.prototype; place = Object.getPrototypeOf(place)) {
    for (const key of Reflect.ownKeys(place)) {
      try {
        const member = Reflect.get(value, key);
        if (typeof member !== 'function') found.push(member);
      } catch {
        // A getter of a prototype, or a member that the document does not have.
      }
    }
  }
  return found;
}

/** What `console` prints of it. @param {unknown} value */
function logged(value) {
  let text = '';
  const stream = new Writable({ write: (chunk, _, done) => ((text += chunk), done()) });
  const to = new Console({ stdout: stream, stderr: stream });
  to.log(value);
  to.error(value);
  to.dir(value, { depth: null, showHidden: true });
  to.table(value);
  return text;
}

/** @param {unknown} value */
function plain(value) {
  return attempt(() => JSON.stringify(value) ?? '');
}

/** @param {() => string} tell */
function attempt(tell) {
  try {
    return tell();
  } catch (error) {
    return String(error);
  }
}

/** Which secrets are in the text, by kind, so that a failure does not repeat them: those that the carriers of this run issued
 * or saw (as `GLADHAND_CANARIES` has them), and `canaries`. @param {string} text @param {string[]} canaries */
export function leaks(text, ...canaries) {
  const known = canaries.map((secret) => ['canary', secret]);
  for (const line of readFileSync(process.env['GLADHAND_CANARIES'] ?? '', 'utf8').split('\n')) {
    const space = line.indexOf(' ');
    known.push([line.slice(0, space), line.slice(space + 1)]);
  }
  const found = known.filter(([, secret = '']) => secret.length >= SHORTEST && text.includes(secret));
  return [...new Set(found.map(([kind]) => kind))].sort();
}
