// Every failure arrives whole: thrown or rejected, with its class and all its attributes; a panic is an exception, and the next
// call works.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import * as gladhand from 'gladhand';
import { addon, call } from './bridge.mjs';

const { GladhandError, InternalError } = gladhand;

/** What `work` throws. @param {() => unknown} work */
function thrown(work) {
  try {
    work();
  } catch (error) {
    return error;
  }
  return assert.fail('it did not fail');
}

/** What a promise rejects with. @param {Promise<unknown>} promise @returns {Promise<unknown>} */
function rejected(promise) {
  return promise.then(
    () => assert.fail('it did not fail'),
    (error) => error,
  );
}

/** The class of a family: `not_found` is NotFoundError. @param {string} kind */
function classOf(kind) {
  const name = `${kind.replaceAll(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase())}Error`;
  return { name, made: Reflect.get(gladhand, name) };
}

const codes = addon.TESTING_codes();

test('the core knows the codes that the package knows', () => {
  assert.ok(codes.length > 50, `${codes.length} codes`);
  for (const code of codes) assert.equal(gladhand.makeError(code, 'x').code, code);
});

test('every code arrives whole, thrown and rejected', async () => {
  for (const code of codes) {
    const fromCall = rejected(call(undefined, (cancel) => addon.TESTING_fail_later(code, cancel)));
    for (const error of [thrown(() => addon.TESTING_fail(code)), await fromCall]) {
      assert.ok(error instanceof GladhandError && error instanceof Error, code);
      const expected = gladhand.makeError(code, 'x');
      const { name, made } = classOf(expected.kind);
      assert.equal(error.constructor, made, code);
      assert.equal(error.name, name);
      assert.equal(Object.prototype.toString.call(error), '[object Error]');
      const { kind, retry, remedy } = expected;
      assert.deepEqual(
        { ...error, message: error.message },
        {
          name,
          code,
          kind,
          retry,
          remedy,
          message: `${code}: TESTING_fail of ${code}. ${remedy}`,
          reason: `TESTING_fail of ${code}`,
          sent: 'maybe_sent',
          httpStatus: 418,
          retryAfterMs: 1500,
          problem: '{"title":"TESTING","status":418}',
          violations: [{ path: '/stops/0', code: 'required', message: 'name one' }],
          requestId: 'request-1',
          idempotencyKey: 'key-1',
          traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
          tenderId: 'tender-1',
          causes: ['the cause below'],
        },
      );
      // The chain of causes is node's own as well: what a logger follows.
      assert.ok(error.cause instanceof Error);
      assert.equal(error.cause.message, 'the cause below');
      assert.match(inspect(error), /\[cause\]: \[Error: the cause below\]/);
      assert.match(
        error.stack ?? '',
        /^.*\n +at .*bridge-errors\.test\.mjs|^.*\n +at .*call/,
        'the stack begins at the caller',
      );
    }
  }
});

test('what is in no table is refused, thrown and rejected', async () => {
  for (const error of [
    thrown(() => addon.TESTING_fail('no_such_code')),
    await rejected(addon.TESTING_fail_later('no_such_code')),
  ]) {
    assert.ok(error instanceof gladhand.MisuseError);
    assert.equal(error.code, 'invalid_argument');
    assert.deepEqual([error.cause, error.causes], [undefined, []]);
  }
});

test('a panic is an exception, and the next call works', async () => {
  for (let round = 0; round < 3; round += 1) {
    for (const error of [
      thrown(() => addon.TESTING_panic()),
      await rejected(call(undefined, (cancel) => addon.TESTING_panic_later(cancel))),
    ]) {
      assert.ok(error instanceof InternalError);
      assert.equal(error.code, 'internal_panic');
      assert.match(error.reason, /TESTING_panic/);
    }
    assert.equal(addon.TESTING_echo(7), 7);
    assert.equal(await addon.TESTING_round_trip(8), 8);
  }
});

test('an argument of the wrong kind is an exception of JavaScript, not the end of the process', async () => {
  const anything = /** @type {any} */ (addon);
  for (const wrong of [
    () => anything.TESTING_echo('x'),
    () => anything.TESTING_slow(),
    () => anything.TESTING_fail(1),
  ]) {
    assert.ok(thrown(wrong) instanceof Error);
  }
  assert.ok(thrown(() => anything.TESTING_round_trip(1, {})) instanceof Error, 'a token that is none');
  assert.ok(
    thrown(() => anything.TESTING_storm.call(undefined, 1).next.call({})) instanceof Error,
    'a stream that is none',
  );
  assert.equal(addon.TESTING_echo(1), 1);
});
