// The vehicle side: single observations, columns, and what is said of those that had to go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gateway, sandbox } from 'gladhand';

const START = BigInt(Date.now()) * 1_000_000n;
const times = BigUint64Array.from([0n, 1n, 2n, 3n], (step) => START + step * 100_000_000n);

/** Four observations of one vehicle. */
const columns = {
  vehicleId: 'aurora-trk-0417',
  observedAt: times,
  lat: Float64Array.of(32.7767, 32.7768, 32.7769, NaN),
  lon: Float64Array.of(-96.797, -96.7971, -96.7972, NaN),
  speedMps: Float32Array.of(29, 29.25, 29.5, 29.75),
  headingDeg: [135.5, 135.5, 135.5, 135.5],
};

/** @param {(gateway: Gateway, carrier: import('gladhand').Sandbox) => Promise<void> | void} body */
async function withGateway(body) {
  const carrier = await sandbox();
  const gateway = await Gateway.connect({ path: carrier.gatewayConfigPath });
  try {
    await body(gateway, carrier);
  } finally {
    await carrier.stop();
  }
}

test('single observations arrive', async () => {
  await withGateway(async (gateway) => {
    const sensors = [
      { kind: 'lidar', status: 'nominal', name: 'front' },
      { kind: 'radar', status: 'degraded' },
    ];
    const observation = {
      vehicleId: 'aurora-trk-0417',
      observedAt: START + 1n,
      lat: 32.7767,
      lon: -96.797,
      altitudeM: 140.25,
      horizontalAccuracyM: 0.02,
      speedMps: 29.05,
      headingDeg: 135.5,
      yawRateDegps: -0.25,
      autonomyMode: 'autonomous_enroute',
      autonomyLevel: 'sae_4',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      sensors,
    };
    assert.deepEqual(gateway.publish(observation), {
      lane: 'routine',
      sequence: 1n,
      eventSequence: 1n,
      accepted: true,
    });
    // An array that is changed in place is another one.
    sensors[1] = { kind: 'radar', status: 'failed' };
    const faults = [{ code: 'brake', severity: 'safety_critical', j1939Spn: 521_049, j1939Fmi: 5 }];
    const admitted = gateway.publish({ ...observation, observedAt: new Date(), faults, eventSequence: 2n ** 63n });
    assert.equal(admitted.lane, 'safety');
    assert.equal(admitted.eventSequence, 2n ** 63n);
    assert.deepEqual(await gateway.close(), { produced: 2, acknowledged: 2, dropped: 0, pending: 0 });
  });
});

test('what is wrong with an observation is named', async () => {
  await withGateway(async (gateway) => {
    const one = { vehicleId: 'v', observedAt: 1n };
    assert.throws(() => gateway.publish({ ...one, lat: 1 }), /belong together/);
    assert.throws(() => gateway.publish({ ...one, lat: 91, lon: 0 }), /latitude 91/);
    assert.throws(() => gateway.publish({ ...one, autonomyMode: 'warp' }), /warp/);
    assert.throws(() => gateway.publish({ ...one, observedAt: -1n }), /observedAt/);
    assert.throws(() => gateway.publish({ ...one, spanId: 'X' }), /span id/);
    assert.throws(() => gateway.publish({ ...one, sensors: [{ kind: 'nose', status: 'nominal' }] }), /nose/);
    assert.deepEqual(gateway.stats(), { produced: 0, acknowledged: 0, dropped: 0, pending: 0 });
    await gateway.close();
  });
});

test('columns arrive', async () => {
  await withGateway(async (gateway) => {
    const modes = { autonomyMode: Uint8Array.of(1, 2, 3, 99), autonomyLevel: 'sae_4' };
    const signed = BigInt64Array.from(times);
    const exact = {
      lat: undefined,
      lon: undefined,
      latitudeE7Deg: new Int32Array(4),
      longitudeE7Deg: new Int32Array(4),
    };
    let last = 0n;
    for (const given of [
      columns,
      { ...columns, ...modes },
      { ...columns, observedAt: signed },
      { ...columns, ...exact },
    ]) {
      const published = gateway.publishColumns(given);
      assert.deepEqual(published, {
        accepted: 4,
        dropped: 0,
        firstEventSequence: last + 1n,
        lastEventSequence: last + 4n,
      });
      last += 4n;
    }
    assert.deepEqual(await gateway.flush(), { produced: 16, acknowledged: 16, dropped: 0, pending: 0 });
    await gateway.close();
  });
});

test('what is wrong with a column is named', async () => {
  await withGateway(async (gateway) => {
    const wrong = /** @type {const} */ ([
      [{ lat: Float64Array.of(1) }, /lat has 1 value/],
      [{ lat: [1, 2, 91, 4], lon: [1, 2, 3, 4] }, /row 2: latitude 91/],
      [{ lon: undefined }, /row 0: lat and lon/],
      [{ observedAt: BigInt64Array.of(1n, -1n, 1n, 1n) }, /below 0/],
    ]);
    for (const [other, problem] of wrong) {
      assert.throws(() => gateway.publishColumns({ ...columns, ...other }), problem);
    }
    assert.equal(gateway.stats().produced, 0, 'all of them or none');
    await gateway.close();
  });
});

test('what had to go is told at once', async () => {
  await withGateway(async (gateway, carrier) => {
    await carrier.stop();
    const rows = 20_000;
    const noise = (/** @type {number} */ range) => Float64Array.from({ length: rows }, () => Math.random() * range);
    const given = {
      vehicleId: 'v',
      observedAt: BigUint64Array.from({ length: rows }, (_, row) => BigInt(row) * 100_000_000n),
      lat: noise(90),
      lon: noise(180),
      altitudeM: noise(8000),
      speedMps: noise(40),
      headingDeg: noise(360),
    };
    let dropped = 0;
    for (let call = 1; call <= 60 && dropped <= rows; call += 1) {
      const published = gateway.publishColumns(given);
      dropped += published.dropped;
      assert.equal(published.accepted, rows);
      const stats = gateway.stats();
      assert.equal(stats.dropped, dropped);
      assert.equal(stats.produced, call * rows);
      assert.equal(stats.produced, stats.acknowledged + stats.dropped + stats.pending);
    }
    assert.ok(dropped > rows, 'the backlog is bounded');
  });
});
