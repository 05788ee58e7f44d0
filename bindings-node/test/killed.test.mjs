// The process dies by SIGKILL at each point of a call; the next one finds out what became of it: one tender at the carrier,
// and a journal that says what happened. Needs the package that is built with the cargo feature `testing`.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sandbox } from 'gladhand';

const POINTS = ['before_send', 'after_send', 'after_answer'];
// An endurance run asks for more.
const ROUNDS = Number(process.env['GLADHAND_SIGKILL_ROUNDS'] ?? 1);

/** @type {import('gladhand').Sandbox} */
let carrier;

before(async () => {
  carrier = await sandbox();
});

after(() => carrier.stop());

/**
 * A process of the TMS on this journal; with `later` it is connected and waits until `go`.
 * @param {string} journal
 * @param {string} load
 * @param {{ later?: boolean, failpoint?: string }} [how]
 */
function tms(journal, load, { later = false, failpoint } = {}) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'killed.mjs'), load, later ? 'later' : 'now'], {
    env: {
      ...process.env,
      GLADHAND_CONFIG: carrier.configPath,
      GLADHAND_JOURNAL_PATH: journal,
      ...(failpoint === undefined ? {} : { GLADHAND_FAILPOINT: failpoint }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  /** @type {Promise<void>} */
  const ready = new Promise((resolve) => child.stdout.on('data', (chunk) => ((said += chunk), resolve())));
  /** @type {Promise<{code: number | null, signal: NodeJS.Signals | null, answer: any}>} */
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code, signal) => {
      resolve({ code, signal, answer: JSON.parse(said.split('\n').find((line) => line.startsWith('{')) ?? '{}') });
    });
  });
  return { ready, ended, go: () => void child.stdin.write('go\n') };
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
        const beside = shared ? tms(journal, load, { later: true }) : undefined;
        await beside?.ready;
        const killed = await tms(journal, load, { failpoint: `${point}@tenders.create` }).ended;
        assert.equal(killed.signal, 'SIGKILL', 'the package is built without failpoints');
        if (point === 'before_send' && !shared) assert.equal(await creates(loadId), 0);

        beside?.go();
        const second = await (beside ?? tms(journal, load)).ended;
        const third = await tms(journal, load).ended;
        for (const { code, answer } of [second, third]) {
          assert.equal(code, 0);
          assert.deepEqual([answer.joined, answer.intact, answer.unresolved], [true, true, 0]);
        }
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
