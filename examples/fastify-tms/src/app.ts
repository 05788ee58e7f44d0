// The routes, and what a failure of the coupling is to our own clients.
import fastify, { type FastifyInstance } from 'fastify';
import { GladhandError, type Client, type ErrorKind } from 'gladhand';
import { webhooks } from 'gladhand/fastify';
import { loadOf as loadOfOrder, orderSchema, type Order } from './orders.js';
import { addLoad, addTender, board, loadOf, type Pool } from './store.js';

/** How long a dispatcher waits for the carrier's decision; after that it comes as an event. */
const WAIT_MS = 20_000;
const RADIUS_MI = 50;
/** What a failure of these kinds is to our own clients; any other is the carrier's or the network's. */
const STATUS: Partial<Record<ErrorKind, number>> = {
  validation: 422,
  misuse: 400,
  config: 400,
  conflict: 409,
  not_found: 404,
};

/** The web application, not listening yet. */
export function appOf(gh: Client, pool: Pool): FastifyInstance {
  const app = fastify({
    logger: true,
    disableRequestLogging: true,
    // What is no text is refused, not turned into one: a price that was a float has lost its digits already.
    ajv: { customOptions: { coerceTypes: false } },
  });

  app.setErrorHandler(async (error, _, reply) => {
    if (!(error instanceof GladhandError)) return reply.send(error);
    if (error.retryAfterMs !== undefined) reply.header('Retry-After', Math.ceil(error.retryAfterMs / 1000));
    const { code, reason: detail, remedy, sent, kind, retry } = error;
    return reply.code(STATUS[kind] ?? (retry === 'never' ? 502 : 503)).send({ code, detail, remedy, sent });
  });

  /** Takes a customer's order. */
  app.post<{ Body: Order }>('/loads', { schema: { body: orderSchema } }, async ({ body }, reply) => {
    const load = loadOfOrder(body);
    if (!(await addLoad(pool, load))) return reply.code(409).send({ detail: `there is a load ${load.loadId}` });
    return reply.code(201).send({ loadId: load.loadId });
  });

  /** What carriers have for a load, with whether it fits. */
  app.get<{ Params: { loadId: string } }>('/loads/:loadId/offers', async ({ params: { loadId } }, reply) => {
    const load = await loadOf(pool, loadId);
    if (load === undefined) return reply.code(404).send({ detail: `there is no load ${loadId}` });
    const [origin, destination] = [load.stops[0]?.location, load.stops.at(-1)?.location];
    if (!origin?.lat || !origin.lon || !destination?.lat || !destination.lon) {
      return reply.code(409).send({ detail: "the load's docks have no position" });
    }
    const found = await gh.capacity.search({
      origin: { lat: origin.lat, lon: origin.lon },
      destination: { lat: destination.lat, lon: destination.lon },
      radiusMi: RADIUS_MI,
    });
    return found.offers.map(({ carrier, offer }) => ({
      carrier,
      capacityId: offer.capacityId,
      amount: offer.rate.amount,
      currency: offer.rate.currency,
      verdict: gh.capacity.explain(load, offer).verdict,
    }));
  });

  /** Tenders a load. Harmless when repeated: the tender that holds the load is joined. */
  app.post<{ Params: { loadId: string }; Querystring: { carrier: string; capacityId?: string } }>(
    '/loads/:loadId/tender',
    { schema: { querystring: { type: 'object', required: ['carrier'] } } },
    async ({ params: { loadId }, query: { carrier, capacityId } }, reply) => {
      const load = await loadOf(pool, loadId);
      if (load === undefined) return reply.code(404).send({ detail: `there is no load ${loadId}` });
      const capacity = capacityId === undefined ? undefined : await gh.capacity.get(carrier, capacityId);
      const tender = await gh.tenders.create(load, { carrier, capacity, waitMs: WAIT_MS });
      await addTender(pool, tender);
      const { tenderId, state, joined } = tender;
      return { tenderId, state, reason: tender.reason?.code, joined };
    },
  );

  /** Every load, its tender, and how far it is. */
  app.get('/board', () => board(pool));

  // A carrier's handshake and its events: verified and kept by the SDK, applied by the consumer.
  app.register(webhooks, { gh, url: '/webhooks/:carrier' });
  return app;
}

/** Asks every carrier to send its events here. One that is away is asked at the next start; its feed is read anyway. */
export async function subscribe(gh: Client, app: FastifyInstance, url: string): Promise<void> {
  for (const { carrier } of (await gh.health()).carriers) {
    try {
      const wanted = { carrier, subscriptionId: 'tms', url: `${url}/webhooks/${carrier}` };
      await gh.webhooks.subscribe({ ...wanted, mtls: 'signature_only' });
    } catch (error) {
      app.log.warn(error, `${carrier} sends no webhooks`);
    }
  }
}
