// One dispatcher's morning, in Node: capacity, three tenders, a dispatch, a truck on the road, a stop, a delivery, and the
// proof that both sides hold the same history. `cargo xtask demo --language node` runs it against a sandbox carrier.
import { connect, Document, LoadTender } from 'gladhand';
import { control, eventually, expect } from './steps.mjs';
import { drive } from './truck.mjs';
import { serve } from './webhooks.mjs';

const gh = await connect();
const offer = await capacity();
await express();
const tender = await asynchronous();
await refused();
await held();
await onTheRoad();
await delivered();
await gh.close();

async function capacity() {
  const window = { start: '2026-02-20T00:00:00Z', end: '2026-02-21T00:00:00Z' };
  const places = { origin: { lat: 41.8781, lon: -87.6298 }, destination: { lat: 34.0522, lon: -118.2437 } };
  const canonical = (await gh.capacity.search({ ...places, window })).offers[0]?.offer;
  const same = canonical?.toJson().includes('"rate": {"currency": "USD", "amount": 1250.00}') === true;
  expect(
    'capacity',
    same,
    `${canonical?.capacityId} at ${canonical?.rate?.amount} USD, byte for byte as the contract has it`,
  );
  console.log(canonical?.toJson());

  const found = await gh.capacity.search(places);
  const open = found.offers.map((one) => one.offer).find((one) => one.capacityId !== canonical?.capacityId);
  if (open === undefined) throw new Error('the sandbox has no capacity ahead');
  return open;
}

async function express() {
  const load = await fitting('load-1001', offer.capacityId);
  const { verdict, checks } = gh.capacity.explain(load, offer);
  expect('eligibility explained', verdict === 'eligible', `${checks.length} checks, before anything is sent`);

  const accepted = await gh.tenders.create(load, { carrier: 'aurora', capacity: offer, waitMs: 20_000 });
  expect('express tender', accepted.state === 'accepted', `${accepted.tenderId} ${accepted.state}`);
}

async function asynchronous() {
  const server = await serve(gh);
  await gh.webhooks.subscribe({
    carrier: 'aurora',
    subscriptionId: 'morning',
    url: server.url,
    mtls: 'signature_only',
  });
  await control('/policy', { decision: 'human' });
  await control('/webhooks', { mode: 'hold' });

  const load = await fitting('load-1002');
  load.mode = 'standard';
  const pending = await gh.tenders.create(load, { carrier: 'aurora' });
  const { tenderId } = pending;
  expect('asynchronous tender', pending.state === 'pending', 'a human will decide');

  await control('/decide', { tenderId, outcome: 'accepted', decidedBy: 'dispatcher-7' });
  await control('/webhooks/release', { tenderId, order: [2, 1], duplicate: 2 });
  await eventually(async () => (server.outcomes.length >= 4 ? true : undefined));
  const decided = await state(tenderId, 'accepted');
  const twice = server.outcomes.includes('duplicate');
  const detail = `received ${server.outcomes.join(', ')}; applied once, in order`;
  expect('webhooks twice and out of order', decided.state === 'accepted' && twice, detail);
  await control('/webhooks', { mode: 'deliver' });
  server.close();
  return decided;
}

async function refused() {
  await control('/policy', { decision: 'reject', reasonCode: 'weather_forecast' });
  const answer = await gh.tenders.create(await fitting('load-1003'), { carrier: 'aurora', waitMs: 10_000 });
  expect('third tender refused', answer.state === 'rejected', `${answer.reason?.code}: the load is free again`);
  await control('/policy', { decision: 'accept' });
}

async function held() {
  const again = await gh.tenders.create(await fitting('load-1002'), { carrier: 'aurora' });
  expect('held load joins', again.joined && again.tenderId === tender.tenderId, 'the same load again sends nothing');
}

async function onTheRoad() {
  const { tenderId, loadId } = tender;
  await control('/progress', { tenderId, to: 'dispatched' });
  const { dispatchId = '' } = await state(tenderId, 'dispatched');
  const tractor = (await gh.dispatches.get(dispatchId)).assignments?.[0]?.tractorId;
  expect('dispatch', tractor !== undefined, `${dispatchId}, tractor ${tractor}`);
  await control('/progress', { tenderId, to: 'enroute' });
  await state(tenderId, 'enroute');

  const positions = gh.telemetry.follow(loadId);
  const driving = drive(loadId, dispatchId).finally(() => setTimeout(() => void positions.return(), 500));
  let seen = 0;
  let last;
  for await (const position of positions) {
    seen += 1;
    last = position;
  }
  const { produced, acknowledged, dropped } = await driving;
  const arrived = produced === 600 && acknowledged === 600;
  expect('the real highway minute', arrived, `${acknowledged} of ${produced} records acknowledged, ${dropped} lost`);
  const where = `${seen} positions; the last at ${last?.lat}, ${last?.lon}, ${last?.freshnessMs} ms old`;
  expect('position and freshness', last !== undefined, where);

  const asking = { reason: 'load shifted', requestedBy: 'dispatcher-7' };
  const { commandId } = await gh.dispatches.stopAtNextSafeLocation(dispatchId, asking);
  const outcome = await eventually(async () => {
    const status = await gh.dispatches.commandStatus(dispatchId, commandId);
    return status.state === 'completed' ? status : undefined;
  });
  expect('conditional stop', true, `${outcome.state}: ${outcome.outcome}`);
}

async function delivered() {
  const { tenderId } = tender;
  await control('/progress', { tenderId, to: 'delivered' });
  await state(tenderId, 'delivered');
  const papers = await gh.documents.list(tenderId);
  expect('delivery', papers.raw.includes('pod'), `the proof of delivery is here`);

  const report = await gh.reconcile.run();
  expect(
    'reconcile',
    report.differences === 0,
    `${report.compared} histories compared, ${report.differences} differences`,
  );

  const { intact, entries, path } = await gh.journal.verify();
  expect('journal', intact, `${entries} entries, chain intact: ${path}`);
}

/** Waits until a tender is in a state; webhooks and the feed bring it. @param {string} id @param {string} wanted */
function state(id, wanted) {
  return eventually(async () => {
    const found = await gh.tenders.get(id);
    return found.state === wanted ? found : undefined;
  });
}

/** A load that fits the carrier's stock, or one offer of it. @param {string} loadId */
async function fitting(loadId, capacityId = '') {
  const query = new URLSearchParams({ loadId, capacityId });
  return LoadTender.fromDocument(Document.parse(await control(`/load?${query}`)));
}
