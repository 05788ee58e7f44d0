// The contract without a client: derivations, digests, signatures, transitions and eligibility, from the files that all four
// languages read.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contract, ConflictError, Document, Event, GladhandError, MisuseError, WebhookKey } from 'gladhand';
import { vectors } from './fixture.mjs';

const derivation = JSON.parse(readFileSync(join(vectors, 'derivation.json'), 'utf8'));
const transitions = JSON.parse(readFileSync(join(vectors, 'transitions.json'), 'utf8'));
// Kept as it is written: numbers are lexemes.
const eligibility = Document.parse(readFileSync(join(vectors, 'eligibility.json')));
const eligibilityCases = JSON.parse(eligibility.raw('/cases') ?? '[]');

/** A key as a carrier publishes it. @param {string} publicKey @param {object} [more] */
const key = (publicKey, more) => new WebhookKey({ keyId: 'k-1', publicKey, ...more });
/** An instant. @param {number} since1970 */
const seconds = (since1970) => new Date(since1970 * 1000);
/** The header fields of a webhook. @param {any} webhook */
const fieldsOf = ({ id, timestamp, signature }) => ({
  'Webhook-Id': id,
  'Webhook-Timestamp': String(timestamp),
  'Webhook-Signature': signature,
});

test('contract: there are cases', () => {
  const { tenderIds, idempotencyKeys, histories, webhooks, signatures } = derivation;
  const counts = [tenderIds, idempotencyKeys, histories, webhooks, signatures].map((list) => list.length);
  assert.deepEqual(counts, [7, 6, 3, 3, 23]);
  assert.equal(eligibilityCases.length, 87);
});

for (const { tenderId, ...name } of derivation.tenderIds) {
  test(`contract: the tender id ${tenderId}`, () => assert.equal(contract.tenderId(name), tenderId));
}

for (const { key: expected, ...mutation } of derivation.idempotencyKeys) {
  test(`contract: the idempotency key ${expected}`, () => assert.equal(contract.idempotencyKey(mutation), expected));
}

for (const { tenderId, events, digests } of derivation.histories) {
  test(`contract: the history of ${tenderId}`, () => {
    const found = [contract.historyStart(tenderId)];
    for (const event of events) {
      const next = { sequence: found.length, eventDigest: contract.eventDigest(event) };
      found.push(contract.historyExtend(found.at(-1) ?? '', next));
    }
    assert.deepEqual(found, digests);
  });
}

for (const [place, webhook] of derivation.webhooks.entries()) {
  test(`contract: webhook ${place} is of its signer`, () => {
    const { id, timestamp, publicKey, body } = webhook;
    const check = { keys: [key(publicKey)], at: seconds(timestamp) };
    assert.deepEqual(contract.verifyWebhook(fieldsOf(webhook), body, check), { id, timestamp, keyId: 'k-1' });
    const refused = { name: 'SecurityError', code: 'webhook_signature_invalid' };
    assert.throws(() => contract.verifyWebhook(fieldsOf(webhook), `${body} `, check), refused);
    assert.throws(() => contract.verifyWebhook(fieldsOf({ ...webhook, id: 'evt-9' }), body, check), refused);
  });
}

for (const { title, keys, headers, body, now, outcome } of derivation.signatures) {
  test(`contract: signatures: ${title}`, () => {
    const check = { keys: keys.map((/** @type {string} */ publicKey) => key(publicKey)), at: seconds(now) };
    let found;
    try {
      found = contract.verifyWebhook(headers, Buffer.from(body), check).id;
    } catch (error) {
      assert.ok(error instanceof GladhandError);
      found = error.code;
    }
    assert.equal(found, outcome);
  });
}

test('contract: a key is good for its time alone', () => {
  const [webhook] = derivation.webhooks;
  const at = seconds(webhook.timestamp).toISOString();
  const over = key(webhook.publicKey, { keyId: 'old', notAfter: at });
  const good = key(webhook.publicKey, { keyId: 'new', notBefore: at });
  const later = key('whpq_AAAA', { keyId: 'of a later version' });
  const fields = fieldsOf(webhook);
  assert.throws(() => contract.verifyWebhook(fields, webhook.body, { keys: [over], at }), /not good at its time/);
  assert.equal(contract.verifyWebhook(fields, webhook.body, { keys: [later, over, good], at }).keyId, 'new');
});

test('contract: all pairs of states', () => {
  const pairs = { may: 0, never: 0 };
  for (const { from, to: cells } of transitions.matrix) {
    const following = contract.nextStates(from);
    assert.equal(cells.length, transitions.states.length);
    for (const [place, to] of transitions.states.entries()) {
      assert.equal(following.includes(to), cells[place] !== '-', `${from} to ${to}: ${cells[place]}`);
      pairs[following.includes(to) ? 'may' : 'never'] += 1;
    }
    assert.equal(new Set(following).size, following.length);
    assert.ok(following.every((state) => transitions.states.includes(state)));
  }
  assert.deepEqual(pairs, { may: 20, never: 124 });
});

test('contract: every event from every state', () => {
  /** @type {Map<string, string>} */
  const ends = new Map();
  for (const { event, from, to } of transitions.moves) {
    for (const state of from) ends.set(`${state} ${event}`, to);
  }
  for (const { event, in: states } of transitions.stays) {
    for (const state of states) ends.set(`${state} ${event}`, state);
  }
  const events = new Set([...ends.keys()].map((pair) => pair.split(' ')[1]));
  assert.deepEqual([events.size, transitions.states.length], [21, 12]);
  for (const state of transitions.states) {
    for (const event of events) {
      const [end, type] = [ends.get(`${state} ${event}`), `gladhand.${event}.v1`];
      if (end !== undefined) {
        assert.equal(contract.stateAfter(state, type), end, `${event} from ${state}`);
        continue;
      }
      assert.throws(
        () => contract.stateAfter(state, type),
        (error) => {
          assert.ok(error instanceof ConflictError && error.code === 'illegal_transition', `${event} from ${state}`);
          assert.equal(JSON.parse(error.problem ?? '').from, state);
          return true;
        },
      );
    }
  }
});

for (const [place, { id, title, verdict, failed, checks, at, tareLbs, ...changes }] of eligibilityCases.entries()) {
  test(`contract: ${id}: ${title}`, () => {
    /** A document with the changes of the case; their values as they are written. @param {'load' | 'offer'} name */
    const applied = (name) => {
      let document = Document.parse(eligibility.raw(`/${name}`) ?? '');
      for (const [nth, { pointer }] of (changes[`${name}Set`] ?? []).entries()) {
        const raw = eligibility.raw(`/cases/${place}/${name}Set/${nth}/value`);
        document = raw === null ? document.remove(pointer) : document.patch(pointer, raw);
      }
      return document;
    };
    const options = { at: at ?? eligibility.text('/at'), assumedTareLbs: tareLbs };
    const answer = contract.explain(applied('load'), applied('offer'), options).validate();
    assert.equal(answer.verdict, verdict);
    const found = answer.checks.map(({ code, constraint, load, result }) => ({ code, constraint, load, result }));
    assert.deepEqual(
      found.filter(({ result }) => result !== 'eligible'),
      failed,
    );
    if (checks !== undefined) {
      assert.deepEqual(
        found.map(({ code }) => code),
        checks,
      );
    }
    assert.ok(answer.checks.every(({ result, remedy }) => result === 'eligible' || remedy));
  });
}

test('contract: what cannot be meant is refused', () => {
  const start = contract.historyStart('t-1');
  const eventDigest = contract.eventDigest(Event.fromJson('{}'));
  assert.equal(eventDigest, contract.eventDigest(Buffer.from('{}')));
  const name = { environment: 'sandbox', tenant: 'acme', carrier: 'aurora', loadId: 'L-1' };
  for (const refused of [
    () => contract.tenderId({ ...name, attempt: 0 }),
    () => contract.tenderId({ ...name, attempt: 1.5 }),
    () => contract.tenderId({ ...name, attempt: NaN }),
    () => contract.historyExtend(start, { sequence: 0, eventDigest }),
    () => contract.historyExtend(start.slice(1), { sequence: 1, eventDigest }),
    () => contract.nextStates(/** @type {import('gladhand').Unlisted} */ ('parked')),
    () => contract.stateAfter('pending', 'tender.accepted'),
    () => contract.explain('{}', '{}', { at: 'yesterday' }),
    () => contract.explain('{}', '{}', { at: seconds(0), assumedTareLbs: -1 }),
  ]) {
    assert.throws(refused, (error) => error instanceof MisuseError && error.code === 'invalid_argument', `${refused}`);
  }
  const check = { keys: [Document.parse('{}')], at: seconds(0) };
  assert.throws(() => contract.verifyWebhook({}, '', check), { name: 'ValidationError', code: 'schema_invalid' });
});
