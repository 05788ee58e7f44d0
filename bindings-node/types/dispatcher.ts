// A program as a TMS has it, for the type checker alone: everything of the package in the types that it promises. It is checked
// against the packed tarball under every kind of module resolution, strictly, and is never run.
import { createServer, type IncomingMessage } from 'node:http';
import express from 'express';
import { fastify } from 'fastify';
import {
  connect,
  contract,
  Gateway,
  GladhandError,
  Lexeme,
  LoadTender,
  Money,
  NotFoundError,
  sandbox,
  Stream,
  TenderState,
  type Client,
  type Delivery,
  type ErrorCode,
  type InboxAnswer,
  type Position,
  type Retry,
  type Tender,
  type Unlisted,
} from 'gladhand';
import { webhooks as inExpress } from 'gladhand/express';
import { webhooks as inFastify, type WebhookOptions } from 'gladhand/fastify';
import { withSandbox, type Suite } from 'gladhand/testing';

/** Exactly this type, neither wider nor narrower. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

export async function morning(): Promise<void> {
  await using gh = await connect({
    path: 'gladhand.toml',
    journal: { path: 'journal.db' },
    carriers: { aurora: { baseUrl: 'https://carrier.example' } },
    signal: AbortSignal.timeout(5_000),
  });
  same<typeof gh, Client>(true);

  const found = await gh.capacity.search({
    origin: [41.8781, -87.6298],
    destination: { lat: '34.0522', lon: '-118.2437' },
    window: { start: new Date(), end: '2026-02-20T18:00:00Z' },
    equipment: 'van',
    weightLbs: 42_000,
    radiusMi: 50.5,
  });
  const [first] = found.offers;
  if (first === undefined) return;
  for (const { carrier, code } of found.failures) console.log(carrier, code);

  const load = aLoad();
  const verdict = gh.capacity.explain(load, first.offer);
  same<typeof verdict.verdict, 'eligible' | 'ineligible' | 'unknown'>(true);
  const tender = await gh.tenders.create(load, { carrier: first.carrier, capacity: first.offer, waitMs: 20_000 });
  same<typeof tender, Tender>(true);
  same<typeof tender.state, TenderState>(true);
  await decided(gh, tender);

  for await (const delivery of gh.events({ consumer: 'billing' })) {
    same<typeof delivery, Delivery>(true);
    const { tenderId, sequence, event } = delivery;
    same<[typeof tenderId, typeof sequence], [string, number]>(true);
    console.log(event.id, event.data.find('/reason')?.text);
    await delivery.ack();
    break;
  }
  const positions = gh.telemetry.follow(load.loadId);
  same<typeof positions, Stream<Position>>(true);
  for await (const { lat, lon, freshnessMs } of positions) {
    same<[typeof lat, typeof lon, typeof freshnessMs], [string, string, number]>(true);
  }
}

async function decided(gh: Client, tender: Tender): Promise<void> {
  switch (tender.state) {
    case TenderState.Accepted:
    case 'dispatched': {
      const dispatchId = tender.dispatchId;
      same<typeof dispatchId, string | undefined>(true);
      if (dispatchId === undefined) return;
      const held = await gh.dispatches.hold(dispatchId, { reason: 'rain', requestedBy: 'dispatcher-7', leaseS: 600 });
      await gh.dispatches.release(dispatchId, held.commandId, { reason: 'dry', requestedBy: 'dispatcher-7' });
      return;
    }
    case 'countered':
      await gh.tenders.acceptCounter(tender.tenderId, { waitMs: 10_000 });
      return;
    default:
      // A state of a later version is one as well, and can be handed back.
      await gh.tenders.list({ state: tender.state });
      await gh.tenders.list({ state: 'parked' as Unlisted });
  }
}

function aLoad(): LoadTender {
  const load = new LoadTender({
    loadId: 'load-1',
    respondBy: '2026-02-20T08:30:00Z',
    parties: [{ role: 'bill_to', name: 'Shipper' }],
    stops: [],
    commodities: [],
    references: [{ type: 'PO', value: '4711' }],
    rate: { currency: 'USD', amount: '1250.00', basis: 'flat', linehaul: '1250.00' },
    equipmentRequired: { trailerType: 'van' },
  });
  load.rate.amount = '1300.00';
  const amount = load.rate.amount;
  same<typeof amount, string>(true);
  load.set('/ext/acme/margin', new Lexeme('0.10'));
  const money: string = new Money({ amount: '7.00', currency: 'USD' }).toJson();
  console.log(money, load.find('/ext/acme/margin')?.number);
  return load;
}

export function failure(error: unknown): Retry {
  if (error instanceof NotFoundError) return error.retry;
  if (!(error instanceof GladhandError)) throw error;
  same<typeof error.code, ErrorCode>(true);
  const { sent, httpStatus, violations, cause } = error;
  same<typeof sent, 'not_sent' | 'maybe_sent' | 'acknowledged'>(true);
  same<typeof httpStatus, number | undefined>(true);
  console.log(violations[0]?.path, cause);
  return error.code === 'journal_busy' ? 'after' : error.retry;
}

export async function vehicles(): Promise<bigint> {
  const gateway = await Gateway.connect({ path: 'gateway.toml' });
  gateway.publish({ vehicleId: 'v', observedAt: new Date(), lat: 32.7767, lon: -96.797, speedMps: 29 });
  const published = gateway.publishColumns({
    vehicleId: 'v',
    observedAt: BigUint64Array.of(1n, 2n),
    lat: Float64Array.of(32, 33),
    lon: [-96, -97],
  });
  const { produced } = await gateway.close();
  same<typeof produced, number>(true);
  return published.lastEventSequence;
}

export async function answered(gh: Client, request: IncomingMessage, body: Buffer): Promise<InboxAnswer> {
  const id = contract.tenderId({ environment: 'production', tenant: 't', carrier: 'c', loadId: 'l', attempt: 1 });
  const next = contract.nextStates('pending');
  same<[typeof id, typeof next], [string, TenderState[]]>(true);
  const stop = gh.onSafety(
    (event) => console.log(event.type),
    (error) => console.error(error.code),
  );
  stop();
  return gh.inbox.answer(request.method ?? '', request.headers, body);
}

export async function served(gh: Client): Promise<void> {
  const options: WebhookOptions = { gh, url: '/webhooks/aurora' };
  const app = fastify();
  await app.register(inFastify, options);
  express().all('/webhooks/aurora', inExpress(gh));
  createServer((request, response) => inExpress(gh)(request, response, () => response.writeHead(500).end()));
}

export function tested(runner: {
  before(work: () => Promise<void>): void;
  after(work: () => Promise<void>): void;
}): Suite {
  void sandbox;
  return withSandbox(runner, { carrier: 'aurora', connect: { journal: { path: 'test.db' } } });
}
