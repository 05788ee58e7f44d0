// Prints each step as `STEP ok <title> — <detail>`, which `cargo xtask demo` shows as a timeline.
import { setTimeout as pause } from 'node:timers/promises';

/** An environment variable that the demo sets. @param {string} name */
export function variable(name) {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; run this by cargo xtask demo --language node`);
  return value;
}

/** One step and whether it went as it should. @param {string} title @param {boolean} good @param {string} detail */
export function expect(title, good, detail) {
  console.log(`STEP ${good ? 'ok' : 'FAIL'} ${title} — ${detail}`);
}

/** Asks the carrier's control interface to play the human who decides, drives and delivers.
 * @param {string} path @param {unknown} [body] */
export async function control(path, body) {
  const answer = await fetch(variable('GLADHAND_SANDBOX_CONTROL') + path, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });
  if (!answer.ok) throw new Error(`control ${path}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}

/**
 * Asks again, for at most ten seconds, until there is an answer.
 * @template T
 * @param {() => Promise<T | undefined>} ask
 */
export async function eventually(ask) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await pause(50);
  }
  throw new Error('the sandbox gave no sign of the change that was asked for');
}
