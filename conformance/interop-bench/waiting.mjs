// Many awaits at once on one client, as `benches/waiting.rs` of `conformance/interop` does it in Rust.
//
// node waiting.mjs LATENCY_MS CONCURRENT CALLS
import { performance } from 'node:perf_hooks';
import { sandbox } from 'gladhand';

const [latency, concurrent, calls] = process.argv.slice(2).map(Number);
const carrier = await sandbox();
const gh = await carrier.connect();
const found = await gh.capacity.search({ origin: [41.8781, -87.6298], destination: [34.0522, -118.2437] });
const { capacityId } = found.offers[0].offer;
await carrier.control('/latency', { ms: latency });

async function run(count) {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await gh.capacity.get('aurora', capacityId);
  };
  await Promise.all(Array.from({ length: concurrent }, worker));
}

await run(concurrent);
const [start, processor] = [performance.now(), process.cpuUsage()];
await run(calls);
const { user, system } = process.cpuUsage(processor);
console.log(`calls a second\t${((calls * 1000) / (performance.now() - start)).toFixed(0)}`);
console.log(`client CPU of a call, us\t${((user + system) / calls).toFixed(1)}`);
await gh.close();
await carrier.stop();
