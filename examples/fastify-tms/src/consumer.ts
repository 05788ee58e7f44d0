// Carriers' events on their way into the database: each is applied exactly once, whatever is killed in between. Its transaction
// is committed first and acknowledged afterwards, so that nothing is lost; and it is known by its id, so that nothing is done twice.
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import type { Client } from 'gladhand';
import { apply, type Pool } from './store.js';

/** One name for all processes of the TMS: one of them at a time reads. */
const CONSUMER = 'tms';
/** Between attempts, while another process reads or the database is away. */
const PAUSE_MS = 2000;

/** Reads until the signal is aborted; the event at hand is finished first. */
export async function consume(gh: Client, pool: Pool, log: FastifyBaseLogger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const delivery of gh.events({ consumer: CONSUMER, signal })) {
        const applied = await apply(pool, delivery);
        log.info(`${delivery.loadId} ${delivery.type} ${applied ? 'applied' : 'was applied before'}`);
        await delivery.ack();
      }
    } catch (error) {
      if (signal.aborted) return;
      // Such as `consumer_leased`, where another process reads, or a database that is away. What was not acknowledged comes again.
      log.warn(error, 'events wait');
    }
    await pause(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}
