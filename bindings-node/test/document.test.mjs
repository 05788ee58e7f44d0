// Documents come back byte for byte, and setting one member changes only that member's bytes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { CapacityOffer, Document, Lexeme, Money, NotFoundError, ValidationError, GladhandError } from 'gladhand';
import { vectors } from './fixture.mjs';

const canonical = readFileSync(join(vectors, 'documents/CAP-001.json'));
const odd = `{ "capacityId" : "c-1", "x-unknown": {"deep": [1, 2.50, null]}, "rate": {"amount": 1250.00, "currency": "USD"},
  "fraction":0.10, "large": 12345678901234567890123, "text": "\\u00e9\\/\\ud83d\\ude9a"}`;

test('decimals, 23 digits and unknown members survive', () => {
  const offer = CapacityOffer.fromJson(odd);
  assert.equal(offer.toJson(), odd);
  assert.equal(offer.rate?.amount, '1250.00');
  assert.equal(offer.raw('fraction'), '0.10');
  assert.equal(offer.find('/large')?.number, '12345678901234567890123');
  assert.equal(offer.find('/x-unknown/deep/1')?.raw, '2.50');
  assert.equal(offer.find('/text')?.text, 'é/🚚');
});

test('setting one member changes only its bytes', () => {
  const offer = CapacityOffer.fromJson(odd);
  const rate = offer.rate;
  assert.ok(rate);
  rate.amount = '1300.50';
  assert.equal(offer.toJson(), odd.replace('1250.00', '1300.50'));
  offer.set('/fraction', new Lexeme('0.20'));
  assert.equal(offer.toJson(), odd.replace('1250.00', '1300.50').replace('0.10', '0.20'));
});

test('money goes out with the digits of its currency', () => {
  const offer = CapacityOffer.fromJson(odd.replace('1250.00', '1250.0'));
  const rate = offer.rate;
  assert.ok(rate);
  assert.equal(rate.raw('amount'), '1250.0', 'what came and was left alone keeps its lexeme');
  rate.amount = '1300';
  assert.equal(rate.raw('amount'), '1300.00');
  rate.unitPrice = '1.123456';
  assert.equal(rate.raw('unitPrice'), '1.123456');
  assert.throws(() => (rate.amount = '1300.005'), { code: 'schema_invalid', message: /USD/ });
  assert.equal(rate.amount, '1300.00');
  assert.equal(new Money({ amount: '7', currency: 'KWD' }).toJson(), '{"amount":7.000,"currency":"KWD"}');
  assert.throws(() => new Money({ amount: '7.5', currency: 'JPY' }), { code: 'schema_invalid' });
});

test('the canonical offer is valid', () => {
  const offer = CapacityOffer.fromJson(canonical).validate();
  assert.equal(offer.toJson(), canonical.toString());
  assert.equal(Document.parse(canonical).json(), canonical.toString());
  assert.ok(offer.capacityId);
});

test('a malformed document is a typed error that says what to do', () => {
  assert.throws(
    () => CapacityOffer.fromJson('{"a": 1, "a": 2}'),
    (error) => {
      assert.ok(error instanceof ValidationError && error instanceof GladhandError && error instanceof Error);
      assert.ok(!(error instanceof NotFoundError));
      assert.equal(error.code, 'malformed_json');
      assert.equal(error.kind, 'validation');
      assert.equal(error.name, 'ValidationError');
      assert.equal(error.retry, 'never');
      assert.equal(error.sent, 'not_sent');
      assert.match(error.remedy, /^Send one JSON text/);
      return true;
    },
  );
});

test('broken rules are named by JSON Pointer', () => {
  assert.throws(
    () => CapacityOffer.fromJson('{"capacityId": 7}').validate(),
    (error) => error instanceof ValidationError && error.violations.some(({ path }) => path === '/capacityId'),
  );
});

test('printing a document shows no free text', () => {
  const offer = CapacityOffer.fromJson('{"capacityId":"c-1","notes":"call Jane Doe"}');
  assert.doesNotMatch(inspect(offer), /Jane/);
  assert.match(inspect(offer), /c-1/);
});
