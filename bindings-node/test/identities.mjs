// What the tests of the identity share: waiting for a state, PEM in memory, what the carrier saw.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const places = {
  origin: /** @type {const} */ ([41.8781, -87.6298]),
  destination: /** @type {const} */ ([34.0522, -118.2437]),
};

/** Waits until it holds. @param {string} what @param {() => boolean} holds */
export async function until(what, holds) {
  const limit = performance.now() + 60_000;
  while (!holds()) {
    assert.ok(performance.now() < limit, `in vain: ${what}`);
    await new Promise((later) => setTimeout(later, 20));
  }
}

/** The settings of a client whose PEM is in memory, from the files of a carrier. @param {string} folder */
export function inMemory(folder) {
  const text = (/** @type {string} */ name) => readFileSync(join(folder, name), 'utf8');
  return { certificate: text('client.pem'), privateKey: text('client-key.pem'), trust: text('ca.pem') };
}

/** A new pair of the client: over its files, or elsewhere with `as`. @param {import('gladhand').Sandbox} carrier @param {string} [as] */
export async function renewed(carrier, as) {
  const pair = await carrier.control('/identity', { issue: 'client', lifetimeS: 3600, ...(as && { as }) });
  const said = (/** @type {string} */ name) => pair.get(name)?.text ?? '';
  return { fingerprint: said('fingerprint'), certificate: said('certificate'), key: said('key') };
}

/** The requests that reached the carrier, with the certificate and the proof's key of each.
 * @param {import('gladhand').Sandbox} carrier @returns {Promise<{ fingerprint: string, path: string, jkt?: string | null, traceparent?: string }[]>} */
export async function seen(carrier) {
  return JSON.parse((await carrier.control('/fingerprints')).get('requests')?.raw ?? '[]');
}

/** The generation of credentials at the one carrier. @param {import('gladhand').Client} gh */
export function present(gh) {
  const [generation] = gh.identity.status().generations;
  assert.ok(generation);
  return generation;
}

/** A call that carries a proof of possession.
 * @param {import('gladhand').Sandbox} carrier @param {import('gladhand').Client} gh @param {string} loadId */
export async function tender(carrier, gh, loadId) {
  const { state } = await gh.tenders.create(await carrier.load(loadId), { carrier: 'aurora', waitMs: 20_000 });
  assert.equal(state, 'accepted');
}
