// A process that a program with a client forks: it has a client of its own, on the same journal, and ends with it.
import { connect } from 'gladhand';

const gh = await connect();
const { version } = await gh.identity.connection('aurora');
await gh.identity.rotate();
const { generation } = gh.identity.status().generations[0] ?? {};
await gh.close();
process.send?.({ version, generation }, undefined, {}, () => process.disconnect());
