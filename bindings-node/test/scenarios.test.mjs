// The conversations that all four languages hold with a sandbox carrier.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Document, sandbox } from 'gladhand';
import { vectors } from './fixture.mjs';
import { Scenario } from './scenario.mjs';

const folder = join(vectors, 'scenarios');

for (const name of readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()) {
  const document = Document.parse(readFileSync(join(folder, name)));
  test(`${document.text('/id')}: ${document.text('/title')}`, async () => {
    const carrier = await sandbox();
    try {
      await new Scenario(document, carrier).run();
    } finally {
      await carrier.stop();
    }
  });
}
