// Run as a child that is killed: tenders one load with a journal of its own; prints the tender and the unresolved intents.
import { connect, LoadTender } from 'gladhand';

const [load = '', wait = '10000'] = process.argv.slice(2);
const gh = await connect();
const tender = await gh.tenders.create(LoadTender.fromJson(load), { carrier: 'aurora', waitMs: Number(wait) });
const { intact, unresolved } = await gh.journal.verify();
console.log(
  JSON.stringify({ tenderId: tender.tenderId, state: tender.state, joined: tender.joined, intact, unresolved }),
);
await gh.close();
