// What is in the database. Each function is one transaction.
import { readFile } from 'node:fs/promises';
import { contract, LoadTender, type Delivery, type Tender, type TenderState } from 'gladhand';
import pg from 'pg';

export type Pool = pg.Pool;

/** A line of the dispatchers' board. */
export interface OnBoard {
  loadId: string;
  tenderId: string | null;
  carrier: string | null;
  state: TenderState | 'planned';
  /** How many events moved it here. */
  events: number;
  updatedAt: Date;
}

/** Connections to the database of this connection string. */
export function connections(database: string): Pool {
  const pool = new pg.Pool({ connectionString: database, max: 4 });
  // One that breaks while nobody uses it is not an error of anybody: the next query makes another.
  pool.on('error', () => {});
  return pool;
}

/** Makes the tables that are not there. */
export async function prepare(pool: Pool): Promise<void> {
  await pool.query(await readFile(new URL('../../schema.sql', import.meta.url), 'utf8'));
}

/** Keeps a new load; false if its id is taken. */
export async function addLoad(pool: Pool, load: LoadTender): Promise<boolean> {
  const added = await pool.query('INSERT INTO loads (load_id, document) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    load.loadId,
    load.toJson(),
  ]);
  return added.rowCount === 1;
}

/** A load, byte for byte as it was kept. */
export async function loadOf(pool: Pool, loadId: string): Promise<LoadTender | undefined> {
  const { rows } = await pool.query<{ document: string }>(
    'SELECT document::text AS document FROM loads WHERE load_id = $1',
    [loadId],
  );
  return rows[0] && LoadTender.fromJson(rows[0].document);
}

/** Keeps that a load was tendered, unless an event has said so first. */
export async function addTender(pool: Pool, { tenderId, loadId, carrier }: Tender): Promise<void> {
  await pool.query(
    `INSERT INTO tenders (tender_id, load_id, carrier) VALUES ($1, $2, $3)
     ON CONFLICT (tender_id) DO UPDATE SET carrier = excluded.carrier`,
    [tenderId, loadId, carrier],
  );
}

/** Applies an event, unless it was applied: what it changes and that it was applied are one commit. Says whether it did. */
export async function apply(pool: Pool, delivery: Delivery): Promise<boolean> {
  const { event, tenderId, loadId, sequence, type } = delivery;
  return transaction(pool, async (client) => {
    const added = await client.query(
      `INSERT INTO events (event_id, tender_id, sequence, type, document) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (event_id) DO NOTHING`,
      [event.id, tenderId, sequence, type, event.toJson()],
    );
    if (added.rowCount === 0) return false;
    await client.query('INSERT INTO tenders (tender_id, load_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      tenderId,
      loadId,
    ]);
    const { rows } = await client.query<{ state: TenderState }>(
      'SELECT state FROM tenders WHERE tender_id = $1 FOR UPDATE',
      [tenderId],
    );
    const after = contract.stateAfter(rows[0]?.state ?? 'offer', type);
    await client.query('UPDATE tenders SET state = $2, events = events + 1, updated_at = now() WHERE tender_id = $1', [
      tenderId,
      after,
    ]);
    return true;
  });
}

/** Every load with its newest tender. */
export async function board(pool: Pool): Promise<OnBoard[]> {
  const { rows } = await pool.query<OnBoard>(
    `SELECT DISTINCT ON (load_id) load_id AS "loadId", tender_id AS "tenderId", carrier,
            coalesce(state, 'planned') AS state, coalesce(events, 0) AS events,
            coalesce(t.updated_at, l.created_at) AS "updatedAt"
     FROM loads l LEFT JOIN tenders t USING (load_id) ORDER BY load_id, t.created_at DESC`,
  );
  return rows;
}

async function transaction<T>(pool: Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const done = await work(client);
    await client.query('COMMIT');
    return done;
  } catch (error) {
    // A connection that cannot even roll back is not given to anybody else.
    await client.query('ROLLBACK').catch((cause: Error) => (broken = cause));
    throw error;
  } finally {
    client.release(broken);
  }
}
