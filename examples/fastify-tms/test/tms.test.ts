// The TMS as a whole: its process, PostgreSQL and a sandbox carrier, over HTTP from outside.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withSandbox } from 'gladhand/testing';
import pg from 'pg';
import { missing, server, type Server } from './postgres.js';
import { ended, order, ROOT, Tms } from './tms.js';

/** What the carrier's truck does. */
const ROAD = ['dispatched', 'enroute', 'delivered'];

describe('a TMS', { skip: missing }, () => {
  const suite = withSandbox({ before, after });
  let postgres: Server;
  let databases = 0;

  before(async () => {
    postgres = await server();
  });
  after(() => postgres.stop());

  /** A TMS with an empty database. */
  async function fresh(): Promise<Tms> {
    databases += 1;
    const admin = new pg.Client(postgres.url('postgres'));
    await admin.connect();
    await admin.query(`CREATE DATABASE tms${databases}`);
    await admin.end();
    return Tms.at(suite.carrier, postgres.url(`tms${databases}`));
  }

  /** What the TMS's database says. */
  async function query<T extends pg.QueryResultRow>(
    database: string,
    text: string,
    ...values: unknown[]
  ): Promise<T[]> {
    const client = new pg.Client(database);
    await client.connect();
    const { rows } = await client.query<T>(text, values);
    await client.end();
    return rows;
  }

  /** The events of a tender that were applied, by their sequence. */
  async function applied(database: string, tenderId: string): Promise<number[]> {
    const text = 'SELECT sequence::int AS sequence FROM events WHERE tender_id = $1 ORDER BY sequence';
    return (await query<{ sequence: number }>(database, text, tenderId)).map(({ sequence }) => sequence);
  }

  test('a load from the order to the delivery, and a clean end', async () => {
    await using tms = await fresh();
    const { database } = tms;
    const child = await tms.start();
    const tenderId = await tms.tender('load-1');
    await tms.until('load-1', 'accepted');
    await tms.eventually(
      async () => (await suite.carrier.control('/state')).get('subscriptions')?.get(0)?.get('verified')?.boolean,
      (verified) => verified === true,
    );
    const { body: again } = await tms.ask('POST', '/loads/load-1/tender?carrier=aurora');
    assert.deepEqual([again.tenderId, again.joined], [tenderId, true], 'a second click tenders nothing');
    for (const to of ROAD) {
      await suite.carrier.control('/progress', { tenderId, to });
      await tms.until('load-1', to);
    }
    const line = await tms.until('load-1', 'delivered');
    const events = await applied(database, tenderId);
    assert.deepEqual(
      events,
      Array.from(events, (_, place) => place + 1),
      'every event, in order',
    );
    assert.equal(line.events, events.length);
    const kept = await query(database, `SELECT document->'rate'->>'amount' AS amount FROM loads`);
    assert.deepEqual(kept, [{ amount: '1250.00' }], 'to the last zero');
    child.kill('SIGTERM');
    assert.equal(await ended(child), 0);
  });

  test('what is wrong is told: an order, a load, a carrier, a webhook', async () => {
    await using tms = await fresh();
    const child = await tms.start();
    const asked = async (...given: Parameters<Tms['ask']>): Promise<[number, unknown]> => {
      const { status, body } = await tms.ask(...given);
      return [status, body.code ?? body.detail];
    };
    const { amount, ...unpriced } = order('load-2');
    assert.equal(amount, '1250.00');
    assert.deepEqual(await asked('POST', '/loads', unpriced), [400, 'FST_ERR_VALIDATION']);
    assert.deepEqual(await asked('POST', '/loads', { ...order('load-2'), amount: 1250 }), [400, 'FST_ERR_VALIDATION']);
    assert.deepEqual(await asked('POST', '/loads', order('load-2')), [201, undefined]);
    assert.deepEqual(await asked('POST', '/loads', order('load-2')), [409, 'there is a load load-2']);
    assert.deepEqual(await asked('POST', '/loads/none/tender?carrier=aurora'), [404, 'there is no load none']);
    assert.deepEqual(await asked('POST', '/loads/load-2/tender?carrier=nobody'), [400, 'carrier_unknown']);
    assert.deepEqual(await asked('POST', '/webhooks/aurora', {}), [401, 'webhook_signature_missing']);
    child.kill('SIGTERM');
    assert.equal(await ended(child), 0);
  });

  test('killed after every commit, before the acknowledgement, it loses nothing and does nothing twice', async () => {
    await using tms = await fresh();
    const { database } = tms;
    const loadId = 'load-killed';
    const first = await tms.start();
    const tenderId = await tms.tender(loadId);
    await tms.until(loadId, 'accepted');
    first.kill('SIGTERM');
    assert.equal(await ended(first), 0);
    for (const to of ROAD) await suite.carrier.control('/progress', { tenderId, to });
    // Each process finds the event again that the one before had committed, acknowledges it, commits the next one, and dies.
    let kills = 0;
    do {
      const known = (await applied(database, tenderId)).length;
      const child = await tms.start(['--import', './dist/test/killed.js'], { TMS_ACKS: kills === 0 ? '0' : '1' });
      assert.equal(await ended(child), 'SIGKILL');
      kills += 1;
      assert.equal((await applied(database, tenderId)).length, known + 1, 'one event further');
    } while ((await query(database, 'SELECT state FROM tenders'))[0]?.['state'] !== 'delivered');
    assert.ok(kills > 2, `${kills} kills`);
    const last = await tms.start();
    const { events: moved } = await tms.until(loadId, 'delivered');
    const events = await applied(database, tenderId);
    assert.deepEqual(
      events,
      Array.from(events, (_, place) => place + 1),
      'none is missing',
    );
    assert.equal(moved, events.length, 'none was applied twice');
    await tms.eventually(
      async () => tms.log.match(/was applied before/g)?.length ?? 0,
      (times) => times === kills,
    );
    last.kill('SIGTERM');
    assert.equal(await ended(last), 0);
  });

  test("the README's commands", async () => {
    await using tms = await fresh();
    const [, commands] = /^```sh\n([^]*?)^```/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
    assert.ok(commands);
    const { port } = new URL(tms.url);
    const run = spawnSync('bash', ['-euo', 'pipefail', '-c', commands.replace('8000', port)], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, GLADHAND_CONFIG: suite.carrier.configPath, TMS_DATABASE: tms.database, PORT: port },
    });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(run.stdout.trim(), '[]');
  });
});
