// The process dies by SIGKILL at each point of a call; the next one finds out what became of it: one tender at the carrier,
// and a journal that says what happened. Needs the package that is built with the cargo feature `failpoints`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sandbox } from 'gladhand';

const POINTS = ['before_send', 'after_send', 'after_answer'];
// CI's endurance run asks for more.
const ROUNDS = Number(process.env['GLADHAND_KILL_ROUNDS'] ?? 1);

/** @type {import('gladhand').Sandbox} */
let carrier;

before(async () => {
  carrier = await sandbox();
});

after(() => carrier.stop());

/** @param {string} journal @param {string} load @param {Record<string, string>} [more] */
function tms(journal, load, more = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'killed.mjs'), load], {
    env: { ...process.env, GLADHAND_CONFIG: carrier.configPath, GLADHAND_JOURNAL_PATH: journal, ...more },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  /** @type {Promise<{code: number | null, signal: NodeJS.Signals | null, said: string}>} */
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => resolve({ code, signal, said }));
  });
  return ended;
}

/** How many tenders of the load the carrier has. @param {string} loadId */
async function creates(loadId) {
  const state = await carrier.control('/state');
  return Number(state.get('loads')?.get(loadId)?.get('creates')?.number ?? 0);
}

for (const point of POINTS) {
  for (const shared of [false, true]) {
    const title = shared ? `killed ${point}, another process on the same journal` : `killed ${point}, started again`;
    test(title, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const loadId = `${point}-${shared}-${round}`;
        const journal = join(carrier.folder, `${loadId}.db`);
        const load = (await carrier.load(loadId)).toJson();
        const failpoint = { GLADHAND_FAILPOINT: `${point}@tenders.create` };
        const killed = tms(journal, load, failpoint);
        // The other process asks for the same load while the first one dies.
        const beside = shared ? tms(journal, load) : undefined;
        const first = await killed;
        if (!shared) assert.equal(first.signal, 'SIGKILL', `the package has no failpoints: ${first.said}`);
        if (point === 'before_send' && !shared) assert.equal(await creates(loadId), 0);

        for (const next of [await (beside ?? tms(journal, load)), await tms(journal, load)]) {
          assert.equal(next.code, 0, next.said);
          const answer = JSON.parse(next.said);
          assert.equal(answer.intact, true);
        }
        const last = JSON.parse((await tms(journal, load)).said);
        assert.deepEqual([last.state, last.joined, last.unresolved], ['accepted', true, 0]);
        assert.equal(await creates(loadId), 1, 'exactly one tender at the carrier');
        assert.equal(await carrier.control('/state').then((state) => accepted(state, loadId)), 1);
      }
    });
  }
}

/** @param {import('gladhand').Value} state @param {string} loadId */
function accepted(state, loadId) {
  return Number(state.get('loads')?.get(loadId)?.get('accepted')?.number ?? 0);
}
