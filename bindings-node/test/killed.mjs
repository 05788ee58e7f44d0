// Run as a child that may be killed: connects, says so, and at a line on its input (or at once) tenders one load, waits until
// the journal knows what became of it, and tells.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, LoadTender } from 'gladhand';

const [text = '', when] = process.argv.slice(2);
const gh = await connect();
if (when === 'later') {
  console.log('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}
const load = LoadTender.fromJson(text);
const { tenderId, joined } = await gh.tenders.create(load, { carrier: 'aurora', waitMs: 10_000 });
for await (const { receipt, state } of gh.tenders.watch(tenderId, { signal: AbortSignal.timeout(60_000) })) {
  if (receipt === 'proven' && state === 'accepted') break;
}
// An event may tell what became of the tender before the intent of the dead process is taken over.
let report = await gh.journal.verify();
for (let tries = 0; report.unresolved > 0 && tries < 300; tries += 1) {
  await pause(100);
  report = await gh.journal.verify();
}
const { intact, unresolved } = report;
console.log(JSON.stringify({ tenderId, joined, intact, unresolved }));
await gh.close();
