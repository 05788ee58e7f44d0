// What the package costs node's event loop. `calls`: microseconds of a call, by itself and a thousand at once, beside a promise
// that a thread of its own settles (needs the addon with the functions TESTING_…). `idle`, `columns`, `single`: how late a timer
// is while nothing, 100,000 records a second in typed arrays, or as many one by one are published and sent to a collector.
//
// node loop.mjs calls|idle|columns|single [SECONDS]
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

const RATE = 100_000;
const BITE = 250;
const [, , what, seconds = '10'] = process.argv;

const line = (name, value) => console.log(`${name}\t${value}`);

async function calls() {
  const require = createRequire(import.meta.url);
  const { addon } = require(join(dirname(require.resolve('gladhand/package.json')), 'dist/native.js'));
  const { call } = require(join(dirname(require.resolve('gladhand/package.json')), 'dist/call.js'));
  const kinds = {
    'a call that does not wait': () => addon.TESTING_echo(1),
    'a thread and back, bare': () => addon.TESTING_bare_round_trip(1),
    'a call and back': () => addon.TESTING_round_trip(1, new addon.CancelToken()),
    'a call and back, as the package makes it': () => call(undefined, (cancel) => addon.TESTING_round_trip(1, cancel)),
  };
  for (const together of [1, 1000]) {
    for (const [name, work] of Object.entries(kinds)) {
      for (const limit of [Number(seconds) * 100, Number(seconds) * 400]) {
        const start = performance.now();
        let done = 0;
        while (performance.now() - start < limit) {
          if (together === 1) for (let times = 0; times < 100; times += 1) await work();
          else await Promise.all(Array.from({ length: together }, work));
          done += together === 1 ? 100 : together;
        }
        const us = ((performance.now() - start) * 1000) / done;
        if (limit === Number(seconds) * 400) line(`${name}, ${together} at once, us`, us.toFixed(2));
      }
    }
  }
}

/** What publishes so many of the records that are due now. */
async function publisher(gateway) {
  const vehicle = { vehicleId: 'aurora-trk-0417', loadId: 'load-1', autonomyMode: 'autonomous_enroute', autonomyLevel: 'sae_4' };
  const now = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
  if (what === 'idle') return () => {};
  if (what === 'single') {
    return (count) => {
      const observedAt = now();
      for (let place = 0; place < count; place += 1) {
        gateway.publish({
          ...vehicle,
          observedAt: observedAt + BigInt(place),
          lat: 32.7767 + place * 1e-6,
          lon: -96.797,
          altitudeM: 140.25,
          speedMps: 29.05,
          headingDeg: 135.5,
        });
      }
    };
  }
  return (count) => {
    const observedAt = now();
    gateway.publishColumns({
      ...vehicle,
      observedAt: BigUint64Array.from({ length: count }, (_, place) => observedAt + BigInt(place)),
      lat: Float64Array.from({ length: count }, (_, place) => 32.7767 + place * 1e-6),
      lon: new Float64Array(count).fill(-96.797),
      altitudeM: new Float64Array(count).fill(140.25),
      speedMps: new Float64Array(count).fill(29.05),
      headingDeg: new Float64Array(count).fill(135.5),
    });
  };
}

async function lag() {
  const { Gateway, sandbox } = await import('gladhand');
  const carrier = await sandbox();
  const gateway = await Gateway.connect({ path: carrier.gatewayConfigPath });
  const publish = await publisher(gateway);
  // Records come as they come: what is due is published every millisecond, as a timer allows, and never more than a bite at once,
  // so that a loop that was late does not become later.
  const run = async (length) => {
    const start = performance.now();
    let done = 0;
    while (performance.now() - start < length) {
      const behind = Math.floor(((performance.now() - start) / 1000) * RATE) - done;
      const due = Math.min(behind, BITE);
      await (behind > BITE ? turn() : pause(1));
      if (due > 0) publish(due);
      done += due;
    }
    return (done * 1000) / (performance.now() - start);
  };
  await run(1000);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const rate = await run(Number(seconds) * 1000);
  delay.disable();
  for (const [name, at] of [['p50', 50], ['p99', 99], ['p99.9', 99.9], ['worst', 100]]) {
    line(`${what}, event loop delay ${name}, ms`, (delay.percentile(at) / 1e6).toFixed(2));
  }
  if (what !== 'idle') line(`${what}, records a second`, rate.toFixed(0));
  const { produced, acknowledged, dropped } = await gateway.close();
  if (what !== 'idle') line(`${what}, acknowledged`, (acknowledged / produced).toFixed(4));
  if (what !== 'idle') line(`${what}, dropped`, (dropped / produced).toFixed(4));
  await carrier.stop();
}

await (what === 'calls' ? calls() : lag());
process.exit();
