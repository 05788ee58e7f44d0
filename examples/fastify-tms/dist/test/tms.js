// The TMS's processes, one after another at one address with one database and one journal, as a host would run them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
/** The folder of the TMS. */
export const ROOT = join(import.meta.dirname, '../..');
const HOUR_MS = 3_600_000;
export class Tms {
    database;
    url;
    #variables;
    #children = [];
    #log = '';
    constructor(port, carrier, database) {
        this.database = database;
        this.url = `http://127.0.0.1:${port}`;
        this.#variables = {
            ...process.env,
            GLADHAND_CONFIG: carrier.configPath,
            GLADHAND_JOURNAL_PATH: join(carrier.folder, `tms-${port}.db`),
            TMS_DATABASE: database,
            TMS_URL: this.url,
            PORT: String(port),
        };
    }
    static async at(carrier, database) {
        return new Tms(await freePort(), carrier, database);
    }
    /** Starts a process and waits until it answers; one that is killed before is given back at once. */
    async start(options = [], variables = {}) {
        const child = spawn(process.execPath, [...options, join(ROOT, 'dist/src/main.js')], {
            cwd: ROOT,
            env: { ...this.#variables, ...variables },
            stdio: ['ignore', 'pipe', 'pipe'],
        });
        this.#children.push(child);
        for (const stream of [child.stdout, child.stderr])
            stream.on('data', (text) => (this.#log += text));
        await this.eventually(() => this.ask('GET', '/board').catch(() => undefined), (answer) => answer !== undefined || child.exitCode !== null || child.signalCode !== null);
        return child;
    }
    /** One request; what was answered. */
    async ask(method, path, body) {
        const answer = await fetch(this.url + path, {
            method,
            ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        });
        return { status: answer.status, body: await answer.json() };
    }
    /** The load's line of the board once it is in this state. */
    until(loadId, state) {
        return this.eventually(async () => {
            const { body } = await this.ask('GET', '/board');
            return body.find((line) => line.loadId === loadId);
        }, (line) => line.state === state);
    }
    /** What is seen once it is good; half a minute must be enough. */
    async eventually(look, good) {
        for (let attempt = 0;; attempt += 1) {
            const seen = await look();
            if (good(seen))
                return seen;
            if (attempt === 300)
                throw new Error(`it stayed ${JSON.stringify(seen)}\n${this.#log}`);
            await pause(100);
        }
    }
    /** Orders, finds capacity and tenders; the tender's id. */
    async tender(loadId) {
        const ordered = await this.ask('POST', '/loads', order(loadId));
        if (ordered.status !== 201)
            throw new Error(JSON.stringify(ordered.body));
        const { body: offers } = await this.ask('GET', `/loads/${loadId}/offers`);
        const fits = offers.find(({ verdict }) => verdict === 'eligible');
        if (fits === undefined)
            throw new Error(JSON.stringify(offers));
        const { carrier, capacityId } = fits;
        const query = new URLSearchParams({ carrier, capacityId });
        const { body: made } = await this.ask('POST', `/loads/${loadId}/tender?${query}`);
        if (made.state !== 'accepted')
            throw new Error(JSON.stringify(made));
        return made.tenderId;
    }
    /** Ends what a test that failed has left. */
    async [Symbol.asyncDispose]() {
        for (const child of this.#children)
            child.kill('SIGKILL');
        await Promise.all(this.#children.map(ended));
    }
    /** All that its processes said. */
    get log() {
        return this.#log;
    }
}
/** How a process ended. */
export async function ended(child) {
    if (child.exitCode === null && child.signalCode === null)
        await once(child, 'exit');
    return child.signalCode ?? child.exitCode;
}
/** What a customer ordered: Chicago to Los Angeles, from tomorrow. */
export function order(loadId) {
    const tomorrow = Date.now() + 24 * HOUR_MS;
    const dock = (city, lat, lon, timeZone, days) => {
        const start = tomorrow + days * 24 * HOUR_MS;
        const hours = { start: new Date(start).toISOString(), end: new Date(start + 4 * HOUR_MS).toISOString() };
        return { name: `${city} dock`, city, lat, lon, timeZone, ...hours };
    };
    return {
        loadId,
        customer: 'Acme Freight',
        shipper: 'Trinity Paper',
        consignee: 'Bayou Print',
        purchaseOrder: `PO-${loadId}`,
        pickup: dock('Chicago', '41.8781', '-87.6298', 'America/Chicago', 0),
        delivery: dock('Los Angeles', '34.0522', '-118.2437', 'America/Los_Angeles', 2),
        description: 'Paper rolls',
        pallets: 20,
        weightLbs: 38_000,
        trailer: 'van',
        currency: 'USD',
        amount: '1250.00',
    };
}
async function freePort() {
    const server = createServer();
    await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address();
    await new Promise((closed) => server.close(closed));
    return port;
}
