// A PostgreSQL of the test's own: in a temporary folder, reached over a Unix socket alone.
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
/** Whom the server runs as: it refuses to be root. */
const USER = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : undefined;
/** Debian keeps the server's programs away from the PATH. */
const DEBIAN = '/usr/lib/postgresql';
/** Why there can be no server, if there can be none. */
export const missing = program('initdb') === undefined ? 'PostgreSQL is not installed (Debian: postgresql)' : false;
/** A running server. */
export async function server() {
    // A socket's path must be short.
    const folder = mkdtempSync(join(tmpdir(), 'tms-'));
    if (USER !== undefined)
        chownSync(folder, USER.uid, USER.gid);
    const [initdb, postgres] = [program('initdb'), program('postgres')];
    if (initdb === undefined || postgres === undefined)
        throw new Error(String(missing));
    const data = join(folder, 'data');
    const fresh = ['--pgdata', data, '--auth=trust', '--username=tms', '--no-sync', '--encoding=UTF8', '--locale=C'];
    execFileSync(initdb, fresh, { ...USER, cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    const log = openSync(join(folder, 'log'), 'a');
    const running = spawn(postgres, ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'], {
        ...USER,
        cwd: folder,
        stdio: ['ignore', log, log],
    });
    const url = (database) => `postgresql://tms@/${database}?host=${encodeURIComponent(folder)}`;
    const stop = async () => {
        if (running.exitCode === null) {
            running.kill('SIGINT');
            await once(running, 'exit');
        }
        rmSync(folder, { recursive: true });
    };
    while (!(await ready(url('postgres')))) {
        if (running.exitCode !== null)
            throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
        await pause(50);
    }
    return { url, stop };
}
async function ready(url) {
    const client = new pg.Client(url);
    try {
        await client.connect();
        await client.end();
        return true;
    }
    catch {
        return false;
    }
}
/** A program of PostgreSQL. */
function program(name) {
    const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
    const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.sort().reverse()];
    return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
function id(which) {
    return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}
