// The host's trace reaches the carrier, judged by what the carrier saw; with OpenTelemetry, and without it.
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { context, createTraceState, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { GladhandError, sandbox, withTraceContext } from 'gladhand';
import { seen } from './identities.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

/** @type {import('gladhand').Sandbox} */
let carrier;
/** @type {import('gladhand').Client} */
let gh;

const provider = new NodeTracerProvider();
provider.register();
const tracer = trace.getTracer('tms');
after(() => provider.shutdown());

beforeEach(async () => {
  carrier = await sandbox();
  gh = await carrier.connect();
});

afterEach(async () => {
  await gh.close();
  await carrier.stop();
});

/** `traceparent` of the requests for this capacity. @param {string} capacityId */
async function parents(capacityId) {
  return (await seen(carrier)).filter((request) => request.path.endsWith(capacityId)).map((found) => found.traceparent);
}

/** What the carrier's own log says of the request for this capacity. @param {string} capacityId */
async function logged(capacityId) {
  const latest = JSON.parse((await carrier.control('/state')).get('requests')?.get('latest')?.raw ?? '[]');
  return latest.find((/** @type {{ path: string }} */ request) => request.path.endsWith(capacityId));
}

/** @param {string} capacityId @returns {Promise<GladhandError>} */
async function refused(capacityId) {
  try {
    await gh.capacity.get('aurora', capacityId);
  } catch (error) {
    assert.ok(error instanceof GladhandError, String(error));
    return error;
  }
  return assert.fail('it was not refused');
}

test('a call belongs to the active span', async () => {
  await tracer.startActiveSpan('dispatch', async (span) => {
    const error = await refused('nowhere-1');
    const { traceId, spanId } = span.spanContext();
    assert.equal(error.traceId, traceId);
    const [parent] = await parents('nowhere-1');
    const [version, of, own, flags] = parent?.split('-') ?? [];
    assert.deepEqual([version, of, flags], ['00', traceId, '01']);
    assert.notEqual(own, spanId, 'a request has a span of its own');
    span.end();
  });
});

test('calls at the same time do not mix', async () => {
  const names = Array.from({ length: 16 }, (_, number) => `nowhere-${number}-x`);
  const told = await Promise.all(
    names.map((name) =>
      tracer.startActiveSpan(name, async (span) => {
        await new Promise(setImmediate);
        const error = await refused(name);
        span.end();
        return { name, traceId: span.spanContext().traceId, raised: error.traceId };
      }),
    ),
  );
  assert.equal(new Set(told.map(({ traceId }) => traceId)).size, 16);
  for (const { name, traceId, raised } of told) {
    assert.equal(raised, traceId);
    assert.deepEqual(
      (await parents(name)).map((parent) => parent?.split('-')[1]),
      [traceId],
    );
  }
});

test('without OpenTelemetry the program says which', async () => {
  await withTraceContext(
    PARENT,
    async () => {
      await new Promise(setImmediate);
      assert.equal((await refused('nowhere-1')).traceId, TRACE);
      const inner = TRACE.replace('4bf9', '0000');
      const error = await withTraceContext(PARENT.replace('4bf9', '0000'), () => refused('nowhere-2'));
      assert.equal(error.traceId, inner);
    },
    { tracestate: 'rojo=1,congo=2' },
  );
  assert.ok((await parents('nowhere-1'))[0]?.startsWith(`00-${TRACE}-`));
  assert.equal((await logged('nowhere-1')).tracestate, 'rojo=1,congo=2');
  await refused('nowhere-3');
  assert.deepEqual(await parents('nowhere-3'), [undefined]);
});

test('an error without a carrier has the trace too', async () => {
  await assert.rejects(
    withTraceContext(PARENT, () => gh.tenders.get('t-nobody-knows')),
    { code: 'tender_unknown', traceId: TRACE },
  );
});

test('what is malformed is no context', async () => {
  for (const [number, wrong] of ['', '00-zz', PARENT.toUpperCase(), `${PARENT}-x`, '\0', 'é'.repeat(55)].entries()) {
    await withTraceContext(wrong, () => refused(`wrong-${number}`));
    assert.deepEqual(await parents(`wrong-${number}`), [undefined]);
  }
});

test('the state of the span goes along', async () => {
  const span = trace.wrapSpanContext({
    traceId: TRACE,
    spanId: '0000000000000007',
    traceFlags: 0,
    traceState: createTraceState('vendor=x'),
  });
  await context.with(trace.setSpan(context.active(), span), () => refused('nowhere-1'));
  const found = await logged('nowhere-1');
  assert.equal(found.tracestate, 'vendor=x');
  assert.match(found.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
});
