// Webhooks in the real web frameworks, as the README has them: the carrier makes its handshake and posts out of order, twice
// and with a byte changed.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sandbox } from 'gladhand';

let copies = 0;

/**
 * The README's program for a framework, run as it stands there.
 * @param {string} name
 * @returns {Promise<{ app: any, gh: import('gladhand').Client }>}
 */
async function snippet(name) {
  const readme = readFileSync(join(import.meta.dirname, '../node_modules/gladhand/README.md'), 'utf8');
  const [, program] = new RegExp(`\`\`\`js\n(// ${name}\n[^]*?)\`\`\``).exec(readme) ?? [];
  assert.ok(program, `the README has lines for ${name}`);
  copies += 1;
  const file = join(import.meta.dirname, `readme-${copies}.mjs`);
  writeFileSync(file, `${program}\nexport { app, gh };\n`);
  try {
    return await import(file);
  } finally {
    rmSync(file);
  }
}

/** Serves an app on loopback; its port, and what ends it. @param {any} app @returns {Promise<[number, () => Promise<void>]>} */
async function served(app) {
  if ('listen' in app && 'register' in app) {
    await app.listen({ port: 0, host: '127.0.0.1' });
    return [app.server.address().port, () => app.close()];
  }
  const server = createServer(app);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return [address.port, () => new Promise((resolve) => server.close(() => resolve()))];
}

/**
 * Status, `code` and header fields of an answer.
 * @param {number} port @param {string} method @param {Record<string, string>} headers @param {Uint8Array | string} body
 * @returns {Promise<[number | undefined, string | undefined, import('node:http').IncomingHttpHeaders]>}
 */
function answered(port, method, headers, body = '') {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path: '/webhooks/aurora', headers, agent: false };
    const asked = request(options, async (answer) => {
      let text = '';
      for await (const piece of answer) text += piece;
      const problem = answer.headers['content-type']?.startsWith('application/problem+json');
      resolve([answer.statusCode, problem ? JSON.parse(text).code : undefined, answer.headers]);
    });
    asked.once('error', reject).end(body);
  });
}

for (const framework of ['Express', 'Fastify']) {
  test(`${framework} takes a carrier's webhooks`, async () => {
    const carrier = await sandbox();
    process.env['GLADHAND_CONFIG'] = carrier.configPath;
    const { app, gh } = await snippet(framework);
    const [port, end] = await served(app);
    try {
      const url = `http://127.0.0.1:${port}/webhooks/aurora`;
      await gh.webhooks.subscribe({ carrier: 'aurora', subscriptionId: 'tms', url, mtls: 'signature_only' });
      assert.equal((await gh.webhooks.get('aurora', 'tms')).url, url);
      await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
      const verified = async () =>
        (await carrier.control('/state')).get('subscriptions')?.get(0)?.get('verified')?.boolean;
      for (let attempt = 0; !(await verified()); attempt += 1) {
        assert.ok(attempt < 300, 'the handshake failed');
        await pause(100);
      }
      await carrier.control('/webhooks', { mode: 'hold' });
      const { tenderId } = await gh.tenders.create(await carrier.load('load-2'), { carrier: 'aurora', waitMs: 20_000 });
      const posted = async (/** @type {object} */ how) => {
        const told = await carrier.control('/webhooks/release', { tenderId, ...how });
        return [...(told.get('deliveries') ?? [])].map((delivery) => Number(delivery.get('status')?.raw));
      };
      assert.deepEqual(await posted({ order: [2], tamper: true }), [401]);
      assert.deepEqual(await posted({ order: [2, 1], duplicate: 1 }), [202, 202, 202, 202]);
      const stored = (await gh.journal.export()).filter(
        (entry) => entry.kind === 'EVENT_IN' && entry.body.get('source')?.text?.endsWith(tenderId),
      );
      assert.equal(stored.length, 2);
      assert.equal((await gh.reconcile.run()).differences, 0);
      await gh.webhooks.delete('aurora', 'tms');

      // What is no carrier's.
      const host = new URL(carrier.url).host;
      const [status, , fields] = await answered(port, 'OPTIONS', { 'WebHook-Request-Origin': host });
      assert.deepEqual([status, fields['webhook-allowed-origin']], [200, host]);
      const refused = async (/** @type {Parameters<typeof answered>} */ ...asked) =>
        (await answered(...asked)).slice(0, 2);
      const foreign = { 'WebHook-Request-Origin': 'elsewhere.example' };
      assert.deepEqual(await refused(port, 'OPTIONS', foreign), [403, 'webhook_source_foreign']);
      assert.deepEqual(await refused(port, 'OPTIONS', {}), [400, 'schema_invalid']);
      const events = { 'Content-Type': 'application/cloudevents+json' };
      assert.deepEqual(await refused(port, 'POST', events, '{}'), [401, 'webhook_signature_missing']);
      assert.deepEqual(await refused(port, 'POST', events, Buffer.alloc(256 * 1024 + 1)), [413, 'too_large']);
      const [other] = await answered(port, 'DELETE', {});
      assert.ok(other === 405 || other === 404, `${other}`);
    } finally {
      await end();
      await gh.close();
      await carrier.stop();
    }
  });
}

test('a body that was parsed before is an error that says so', async () => {
  const carrier = await sandbox();
  process.env['GLADHAND_CONFIG'] = carrier.configPath;
  const { app, gh } = await snippet('Express');
  const failures = /** @type {Error[]} */ ([]);
  const { webhooks } = await import('gladhand/express');
  const parsed = createServer((asked, answer) => {
    asked.resume().once('end', () =>
      webhooks(gh)(asked, answer, (error) => {
        failures.push(/** @type {Error} */ (error));
        answer.writeHead(500).end();
      }),
    );
  });
  const [port, end] = await served(app);
  await new Promise((resolve) => parsed.listen(0, '127.0.0.1', () => resolve(undefined)));
  try {
    const address = /** @type {import('node:net').AddressInfo} */ (parsed.address());
    const [status] = await answered(address.port, 'POST', {}, '{}');
    assert.equal(status, 500);
    assert.match(String(failures[0]), /mount webhooks\(\) first/);
    assert.equal((await answered(port, 'POST', {}, '{}'))[0], 401);
  } finally {
    await end();
    await new Promise((resolve) => parsed.close(resolve));
    await gh.close();
    await carrier.stop();
  }
});

test('body parsers of the frameworks in front, and bodies that are far too large', async () => {
  const carrier = await sandbox();
  const gh = await carrier.connect();
  const { default: express } = await import('express');
  const { default: fastify } = await import('fastify');
  const { webhooks: inExpress } = await import('gladhand/express');
  const { webhooks: inFastify } = await import('gladhand/fastify');
  const failures = /** @type {string[]} */ ([]);
  /** @type {import('express').ErrorRequestHandler} */
  const failed = (error, _, response, __) => {
    failures.push(error.message);
    response.status(error.status ?? 500).end();
  };
  const url = '/webhooks/aurora';
  /** @param {import('express').RequestHandler[]} ahead */
  const expressWith = (...ahead) =>
    express()
      .use(...ahead, (_, __, next) => next())
      .all(url, inExpress(gh))
      .use(failed);
  const parsing = fastify({ bodyLimit: 1024 });
  parsing.addContentTypeParser('application/cloudevents+json', { parseAs: 'string' }, (_, body, done) =>
    done(null, JSON.parse(String(body))),
  );
  parsing.addHook('onSend', async (_, reply) => void reply.header('x-tms', 'ours'));
  parsing.register(inFastify, { gh, url });
  parsing.post('/orders', async ({ body }) => ({ body }));

  const events = { 'Content-Type': 'application/cloudevents+json' };
  const unsigned = [401, 'webhook_signature_missing'];
  try {
    for (const [what, app, expected] of /** @type {const} */ ([
      ['express without a parser', expressWith(), unsigned],
      ['express.json() for JSON alone', expressWith(express.json()), unsigned],
      ['express.raw() for everything', expressWith(express.raw({ type: '*/*' })), unsigned],
      ['express.json() for everything', expressWith(express.json({ type: '*/*' })), [500, undefined]],
      ['express.text() for everything', expressWith(express.text({ type: '*/*' })), [500, undefined]],
      ['fastify with a parser and a limit of its own', parsing, unsigned],
    ])) {
      const [port, end] = await served(app);
      assert.deepEqual((await answered(port, 'POST', events, '{}')).slice(0, 2), expected, what);
      const large = await answered(port, 'POST', events, Buffer.alloc(4 * 1024 * 1024)).catch(() => [413]);
      assert.ok(large[0] === 413 || expected[0] === 500, `${what}: ${large[0]}`);
      // The address is still there for the next one.
      assert.deepEqual((await answered(port, 'POST', events, '{}')).slice(0, 2), expected, what);
      await end();
    }
    assert.equal(failures.filter((message) => /mount webhooks\(\) first/.test(message)).length, 4);
  } finally {
    await gh.close();
    await carrier.stop();
  }
});
