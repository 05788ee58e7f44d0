// The process: `TMS_DATABASE` names the database, `GLADHAND_CONFIG` the configuration of the coupling, `PORT` where to listen and,
// where carriers can reach it, `TMS_URL` the address of this application.
import { once } from 'node:events';
import { connect } from 'gladhand';
import { appOf, subscribe } from './app.js';
import { consume } from './consumer.js';
import { connections, prepare } from './store.js';

const { TMS_DATABASE: database, TMS_URL: url, PORT: port = '8000' } = process.env;
if (database === undefined) throw new Error('TMS_DATABASE is not set: a connection string of PostgreSQL');

const pool = connections(database);
await prepare(pool);
const gh = await connect();
const app = appOf(gh, pool);
const ending = new AbortController();
const consuming = consume(gh, pool, app.log, ending.signal);
await app.listen({ host: '127.0.0.1', port: Number(port) });
if (url !== undefined) await subscribe(gh, app, url);

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
// No new request; then the event at hand; then what they needed. The process ends by itself: nothing is left that keeps it.
await app.close();
ending.abort();
await consuming;
await gh.close();
await pool.end();
