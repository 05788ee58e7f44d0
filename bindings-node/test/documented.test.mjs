// What an editor shows: every public method has its words, the errors that they name are in the table, and every value says what it
// is when it is printed.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { ERROR_CODES, Gateway } from 'gladhand';
import { withSandbox } from 'gladhand/testing';
import { installed } from './bridge.mjs';

// The models are generated, each member with the words of the contract; the addon is nobody's business.
const OTHERS = ['models.d.ts', 'errors.d.ts', 'native.d.ts', 'view.d.ts'];
const folder = join(installed, 'dist');
const sources = readdirSync(folder)
  .filter((name) => name.endsWith('.d.ts') && !OTHERS.includes(name))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

test('every public class, method and function has its words', () => {
  const bare = [];
  let seen = 0;
  for (const { name, text } of sources) {
    const lines = text.split('\n');
    for (const [place, line] of lines.entries()) {
      const method = /^ {4}(?:static |get |readonly )*([a-zA-Z]+)[(<:?]/.exec(line);
      const outer = /^export declare (?:abstract )?(?:class|function) (\w+)/.exec(line);
      const [, what] = method ?? outer ?? [];
      if (what === undefined || what === 'constructor' || /^ {4}(private|protected)/.test(line)) continue;
      const body = lines.slice(0, place).reverse();
      const opened = body.find((above) => /^export /.test(above)) ?? '';
      if (method !== null && !opened.startsWith('export declare class')) continue;
      seen += 1;
      if (!lines[place - 1]?.trimEnd().endsWith('*/')) bare.push(`${name}: ${what}`);
    }
  }
  assert.ok(seen > 60, `${seen} of them`);
  assert.deepEqual(bare, []);
});

test('the errors that are named are in the table', () => {
  const known = new Set(/** @type {readonly string[]} */ (ERROR_CODES));
  const named = sources.flatMap(({ text }) =>
    [...text.matchAll(/(?:[Rr]ejects|Throws|throws)\b[^.]*/g)].flatMap(([sentence]) =>
      [...sentence.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code = '']) => code),
    ),
  );
  assert.ok(named.length > 60, `${named.length} of them`);
  assert.deepEqual(
    [...new Set(named)].filter((code) => !known.has(code)),
    [],
  );
});

const suite = withSandbox({ before, after });

test("what is printed says what it is, and nothing that is nobody else's business", async () => {
  const { carrier, gh } = suite;
  const load = await carrier.load('load-1');
  const { tenderId } = await gh.tenders.create(load, { carrier: 'aurora', waitMs: 20_000 });
  const events = gh.events({ consumer: 'printed' });
  assert.equal(inspect(events), 'Stream { not read yet }');
  const { value: delivery } = await events.next();
  assert.equal(inspect(events), 'Stream { open }');
  const { type, event } = delivery ?? assert.fail();
  assert.equal(inspect(delivery), `Delivery { ${type}, tender ${tenderId}, sequence 1, event ${event.id} }`);
  await events.return();
  assert.equal(inspect(events), 'Stream { ended }');
  assert.equal(inspect(carrier), `Sandbox { url: ${carrier.url}, folder: ${carrier.folder} }`);
  assert.match(inspect(load), /^LoadTender \{ .*loadId: "load-1".* \}$/);
  assert.doesNotMatch(inspect(load), /name|address/);
  assert.equal(inspect(load.find('/loadId')), 'Value { a string }');
  assert.equal(inspect(load.find('/rate/amount')), `Value { ${load.rate.amount} }`);
  assert.equal(inspect(load.find('/stops')), `Value { array of ${load.stops.length} }`);
  const gateway = await Gateway.connect({ path: carrier.gatewayConfigPath });
  assert.equal(inspect(gateway), 'Gateway { produced: 0, acknowledged: 0, dropped: 0, pending: 0 }');
  await gateway.close();
  assert.match(inspect(gateway), /^Gateway \{/);
});
