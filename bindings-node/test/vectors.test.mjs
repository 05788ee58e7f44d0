// The documents that all four languages read, change and refuse alike.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { GladhandError, Value } from 'gladhand';
import { vectors } from './fixture.mjs';
import { model } from './scenario.mjs';

const folder = join(vectors, 'documents');
const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));

/** The file of a vector, or its base with the edits. @param {any} vector @returns {Buffer} */
function bytesOf(vector) {
  const bytes = readFileSync(join(folder, vector.base ?? vector.file));
  if (vector.edit === undefined) return bytes;
  let text = bytes.toString();
  for (const { from, to, times = 1 } of vector.edit) {
    const pieces = text.split(from);
    assert.equal(pieces.length, 2, `${from} stands there once`);
    text = pieces.join(to.repeat(times));
  }
  return Buffer.from(text);
}

for (const vector of index.vectors) {
  const bytes = bytesOf(vector);
  const entity = model(vector.entity);
  test(`${vector.id}: ${vector.title}`, () => {
    if (vector.error !== undefined) {
      assert.throws(
        () => entity.fromJson(bytes).validate(),
        (error) => {
          assert.ok(error instanceof GladhandError);
          assert.equal(error.code, vector.error);
          const found = error.violations.map(({ path, code }) => ({ path, code }));
          assert.deepEqual(found, vector.violations ?? []);
          return true;
        },
      );
      return;
    }
    assert.equal(entity.fromJson(bytes).validate().toJson(), bytes.toString());
    for (const change of vector.changes ?? []) {
      const view = entity.fromJson(bytes);
      assign(view, change.pointer, Object.values(change.set)[0]);
      assert.equal(view.toJson(), Buffer.from(change.expected, 'base64').toString(), change.pointer);
    }
  });
}

const versions = JSON.parse(readFileSync(join(folder, 'versions.json'), 'utf8'));
for (const vector of versions.vectors) {
  test(`${vector.id}: a version beside this one is valid too`, () => {
    assert.equal(model(vector.entity).fromJson(Buffer.from(vector.text)).validate().toJson(), vector.text);
  });
}

/** Sets a member through the typed models on the way to it. @param {any} view @param {string} pointer @param {unknown} value */
function assign(view, pointer, value) {
  const path = pointer.split('/').slice(1);
  const last = path.pop();
  assert.ok(last);
  const owner = path.reduce((inner, name) => inner[name], view);
  assert.ok(!(owner instanceof Value) && last in owner, `${pointer} is no member of a model`);
  owner[last] = value;
}
