// The identity of a client: its state, its rotation by files and in memory, its end, and the security events of it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { GladhandError, IdentityError, MisuseError, connect, sandbox } from 'gladhand';
import { inMemory, places, present, renewed, seen, tender, until } from './identities.mjs';

/** @type {import('gladhand').Sandbox} */
let carrier;
/** @type {import('gladhand').Client} */
let gh;

beforeEach(async () => {
  carrier = await sandbox();
  gh = await carrier.connect();
});

afterEach(async () => {
  await gh.close();
  await carrier.stop();
});

test('a renewed pair is taken up and the carrier sees it', async () => {
  await gh.capacity.search(places);
  const before = gh.identity.status().validate();
  assert.equal(before.source, 'pem');
  assert.deepEqual([present(gh).carrier, present(gh).generation], ['aurora', 1]);
  assert.ok(before.events.some(({ event, succeeded }) => event === 'token_obtained' && succeeded >= 1));

  const { fingerprint } = await renewed(carrier);
  await until('the new identity', () => present(gh).fingerprint === fingerprint);
  assert.equal(present(gh).generation, 2);
  const left = gh.identity.status().expiries.find(({ subject }) => subject === 'certificate')?.secondsLeft ?? 0;
  assert.ok(left >= 3400 && left <= 3600, String(left));
  await tender(carrier, gh, 'load-1');
  assert.equal((await seen(carrier)).at(-1)?.fingerprint, fingerprint);
});

test('what a connection negotiated', async () => {
  const facts = (await gh.identity.connection('aurora')).validate();
  assert.deepEqual([facts.version, facts.keyExchange], ['TLSv1_3', 'X25519MLKEM768']);
  assert.deepEqual([facts.ourFingerprint, facts.generation], [present(gh).fingerprint, 1]);
  const shown = await carrier.control('/tls', { certificate: 'good' });
  assert.equal(facts.peerFingerprint, shown.get('fingerprint')?.text);
  await assert.rejects(gh.identity.connection('nobody'), { name: 'ConfigError', code: 'carrier_unknown' });
  const reason = new Error('too late');
  await assert.rejects(gh.identity.connection('aurora', { signal: AbortSignal.abort(reason) }), reason);
});

test('a rotation on demand has a key of its own', async () => {
  const keys = async () => new Set((await seen(carrier)).flatMap(({ jkt }) => jkt ?? []));
  await tender(carrier, gh, 'load-1');
  const { fingerprint } = present(gh);
  assert.equal((await keys()).size, 1);
  await gh.identity.rotate();
  assert.deepEqual([present(gh).fingerprint, present(gh).generation], [fingerprint, 2]);
  await tender(carrier, gh, 'load-2');
  assert.equal((await keys()).size, 2);
});

test('a revoked identity calls nobody until there is a new one', async () => {
  await gh.capacity.search(places);
  const heard = (await seen(carrier)).length;
  gh.identity.revokeNow();
  const load = await carrier.load('load-1');
  for (const attempt of [
    () => gh.tenders.create(load, { carrier: 'aurora' }),
    () => gh.identity.rotate(),
    () => gh.identity.connection('aurora'),
  ]) {
    await assert.rejects(attempt(), (error) => {
      assert.ok(error instanceof IdentityError);
      assert.deepEqual([error.code, error.sent], ['identity_revoked', 'not_sent']);
      return true;
    });
  }
  assert.equal((await seen(carrier)).length, heard);
  const { fingerprint } = await renewed(carrier);
  await until('the new identity', () => present(gh).fingerprint === fingerprint);
  await tender(carrier, gh, 'load-1');
});

test('files are not replaced by the program, PEM in memory is', async () => {
  const pair = await renewed(carrier, 'other');
  const certificate = readFileSync(pair.certificate, 'utf8');
  const privateKey = readFileSync(pair.key);
  await assert.rejects(gh.identity.replace({ certificate, privateKey }), { code: 'invalid_argument' });
  assert.equal(present(gh).generation, 1);

  const identity = inMemory(carrier.folder);
  const own = await connect({ path: carrier.configPath, identity });
  try {
    await assert.rejects(own.identity.replace({ certificate }), { name: 'MisuseError', code: 'invalid_argument' });
    const mixed = own.identity.replace({ certificate, privateKey: identity.privateKey });
    await assert.rejects(mixed, { name: 'IdentityError', code: 'key_mismatch' });
    assert.notEqual(present(own).fingerprint, pair.fingerprint);
    await own.identity.replace({ certificate, privateKey });
    assert.equal(present(own).fingerprint, pair.fingerprint);
    await tender(carrier, own, 'load-1');
    assert.equal((await seen(carrier)).at(-1)?.fingerprint, pair.fingerprint);
    await own.identity.replace({ trust: Buffer.from(identity.trust) });
    assert.equal((await own.identity.connection('aurora')).ourFingerprint, pair.fingerprint);
  } finally {
    await own.close();
  }
});

test('our public keys for others to verify with', async () => {
  const { keys_ } = (await gh.jwks()).validate();
  assert.deepEqual(
    keys_.map((key) => [key.get('kty')?.text, key.get('alg')?.text, key.get('d')]),
    [['EC', 'ES256', undefined]],
  );
  assert.ok(keys_[0]?.get('kid')?.text);
});

test('an identity of the SPIFFE Workload API', async () => {
  const socket = join(carrier.folder, 'workload.sock');
  const other = await sandbox({ args: ['--spiffe-socket', socket] });
  const workload = await other.connect();
  try {
    assert.equal(workload.identity.status().source, 'spiffe');
    assert.match(present(workload).uris[0] ?? '', /^spiffe:/);
    const facts = await workload.identity.connection('aurora');
    assert.match(facts.peerUris[0] ?? '', /^spiffe:/);
    await assert.rejects(workload.identity.replace({ trust: 'x' }), { code: 'invalid_argument' });
  } finally {
    await workload.close();
    await other.stop();
  }
});

test('security events are told from the call on', async () => {
  const events = gh.securityEvents();
  await gh.identity.rotate();
  for await (const event of events) {
    if (event.validate().message !== 'identity_rotated') continue;
    assert.deepEqual(
      [event.class_uid, event.severity_id, event.status, event.status_code],
      [3002, 1, 'Success', undefined],
    );
    assert.equal(event.find('/service/name')?.text, 'aurora');
    assert.equal(event.unmapped.get('fingerprint')?.text, present(gh).fingerprint);
    break;
  }
  assert.deepEqual(await events.next(), { done: true, value: undefined });

  await carrier.control('/oauth', { tokenType: 'Bearer', revokeTokens: true });
  const failures = gh.securityEvents();
  await assert.rejects(tender(carrier, gh, 'load-1'), GladhandError);
  for await (const event of failures) {
    if (event.status !== 'Failure') continue;
    assert.ok(event.severity_id >= 3);
    assert.equal(event.status_code, 'token_type_downgraded');
    assert.ok(event.status_detail);
    break;
  }
});

test('security events end with the client, by return() and by a signal', async () => {
  const returned = gh.securityEvents();
  const pending = drained(returned);
  await returned.return();
  assert.equal(await pending, 'ended');

  const reason = new Error('enough');
  const controller = new AbortController();
  const aborted = drained(gh.securityEvents({ signal: controller.signal }));
  controller.abort(reason);
  await assert.rejects(aborted, reason);

  const closed = drained(gh.securityEvents());
  await gh.close();
  assert.equal(await closed, 'ended');
  for (const operation of [() => gh.securityEvents(), () => gh.identity.status(), () => gh.identity.revokeNow()]) {
    assert.throws(operation, (error) => error instanceof MisuseError && error.code === 'client_closed');
  }
  await assert.rejects(gh.identity.rotate(), { code: 'client_closed' });
});

/** @param {AsyncIterable<unknown>} events */
async function drained(events) {
  for await (const _ of events);
  return 'ended';
}
