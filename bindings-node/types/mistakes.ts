// Mistakes that a user would make: the type checker must reject every one. Where it does not, the line is an error: an expected
// one that is missing.
import {
  connect,
  Gateway,
  LoadTender,
  Money,
  Place,
  Quantity,
  type Client,
  type DocumentLike,
  type Tender,
  type TenderState,
} from 'gladhand';
import { webhooks } from 'gladhand/express';
import { withSandbox } from 'gladhand/testing';

declare const gh: Client;
declare const load: LoadTender;
declare const gateway: Gateway;
const asking = { reason: 'rain', requestedBy: 'dispatcher-7' };

export async function money(): Promise<void> {
  // @ts-expect-error money is never a binary float
  new Money({ amount: 1250.0, currency: 'USD' });
  // @ts-expect-error a currency belongs to it
  new Money({ amount: '1250.00' });
  // @ts-expect-error a float for a rate that is there already
  load.rate.amount = 1300;
  // @ts-expect-error a decimal reads as text: nobody adds texts by mistake
  const sum: number = load.rate.amount + load.rate.amount;
  // @ts-expect-error a weight is a decimal too
  new Quantity({ value: 42_000, unit: 'lb' });
  void sum;
}

export async function fields(): Promise<void> {
  // @ts-expect-error a load without stops, parties and the rest
  new LoadTender({ loadId: 'load-1' });
  // @ts-expect-error nothing at all
  new LoadTender();
  // @ts-expect-error a misspelt member
  new Place({ lat: '1', lon: '2', latitude: '3' });
  // @ts-expect-error half a place
  await gh.capacity.search({ origin: [41.8781], destination: [34.0522, -118.2437] });
  // @ts-expect-error nowhere to go
  await gh.capacity.search({ origin: [41.8781, -87.6298] });
  // @ts-expect-error no carrier
  await gh.tenders.create(load, { waitMs: 1000 });
  // @ts-expect-error a withdrawal says why
  await gh.tenders.withdraw('t-1', {});
  // @ts-expect-error a command says who asks
  await gh.dispatches.stopAtNextSafeLocation('d-1', { reason: 'rain' });
  // @ts-expect-error a hold says for how long
  await gh.dispatches.hold('d-1', asking);
  // @ts-expect-error events are somebody's
  gh.events({});
}

export async function units(): Promise<void> {
  // @ts-expect-error milliseconds are a number of them, not a text with a unit
  await gh.tenders.create(load, { carrier: 'aurora', waitMs: '20s' });
  // @ts-expect-error seconds have another name: waitMs
  await gh.tenders.create(load, { carrier: 'aurora', wait: 20 });
  // @ts-expect-error a lease is in seconds: leaseS
  await gh.dispatches.hold('d-1', { ...asking, leaseMs: 600_000 });
  // @ts-expect-error pounds are a number
  await gh.capacity.search({ origin: [1, 2], destination: [3, 4], weightLbs: '42000' });
  // @ts-expect-error kilometres are not asked for: radiusMi
  await gh.capacity.search({ origin: [1, 2], destination: [3, 4], radiusKm: 80 });
  // @ts-expect-error nanoseconds do not fit a number
  gateway.publish({ vehicleId: 'v', observedAt: Date.now() });
  // @ts-expect-error times of a column are whole nanoseconds
  gateway.publishColumns({ vehicleId: 'v', observedAt: Float64Array.of(1) });
  // @ts-expect-error knots are not a unit of ours: speedMps
  gateway.publish({ vehicleId: 'v', observedAt: 1n, speedKn: 20 });
}

export async function choices(state: string): Promise<void> {
  // @ts-expect-error no such state
  await gh.tenders.list({ state: 'acepted' });
  // @ts-expect-error any text is not a state
  await gh.tenders.list({ state });
  // @ts-expect-error no such basis of a rate
  load.rate.basis = 'per_banana';
  // @ts-expect-error no such command
  await gh.dispatches.command('d-1', 'explode', asking);
  // @ts-expect-error no such person
  await gh.dispatches.requestIntervention('d-1', 'coffee', asking);
  // @ts-expect-error no such way to authenticate
  await gh.webhooks.subscribe({ carrier: 'aurora', subscriptionId: 's', url: 'https://x', mtls: 'maybe' });
  const closed: 'eligible' | 'ineligible' | 'unknown' = gh.capacity.explain(load, load.toJson()).verdict;
  // @ts-expect-error one verdict is missing
  const short: 'eligible' | 'ineligible' = closed;
  void short;
}

export async function awaiting(): Promise<void> {
  // @ts-expect-error a promise is no tender
  const tender: Tender = gh.tenders.get('t-1');
  // @ts-expect-error nor has it a state
  console.log(gh.tenders.get('t-1').state);
  // @ts-expect-error a promise of a load is no load
  await gh.tenders.create(Promise.resolve(load), { carrier: 'aurora' });
  // @ts-expect-error a client that is not awaited
  webhooks(connect());
  // @ts-expect-error a stream is read by for await
  for (const event of gh.events({ consumer: 'billing' })) void event;
  void tender;
}

export async function documents(offer: Tender): Promise<void> {
  // @ts-expect-error money is no load
  await gh.tenders.create(new Money({ amount: '1.00', currency: 'USD' }), { carrier: 'aurora' });
  // @ts-expect-error a tender is no offer
  gh.capacity.explain(load, offer);
  // @ts-expect-error a number is no document
  const like: DocumentLike = 42;
  // @ts-expect-error what came is read, not replaced
  (await gh.tenders.list({ state: 'accepted' }))[0].tenderId;
  void like;
}

export async function signals(controller: AbortController): Promise<void> {
  // @ts-expect-error the controller is not its signal
  await gh.health({ signal: controller });
  // @ts-expect-error options, not a signal
  await gh.health(controller.signal);
  // @ts-expect-error half the hooks
  withSandbox({ before: () => {} });
}

export function exhaustive(state: TenderState): number {
  switch (state) {
    case 'accepted':
      return 1;
    default: {
      // @ts-expect-error there are more states than this, and there will be
      const never: never = state;
      return never;
    }
  }
}
