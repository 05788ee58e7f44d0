// Nothing secret is shown: by no object of a client, no document, no error (identity §5).
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Gateway, GladhandError, connect, sandbox } from 'gladhand';
import { inMemory, places, renewed } from './identities.mjs';
import { leaks, shown } from './shown.mjs';

// Where carriers write down what must not be shown.
process.env['GLADHAND_CANARIES'] ??= join(mkdtempSync(join(tmpdir(), 'gladhand-')), 'canaries.txt');

// Stands in every PEM text that is given in memory, before its first line.
const NOTE = 'canary-of-a-note-in-the-pem';
// Stands where a key should.
const FORGED = 'Y2FuYXJ5LW9mLWEta2V5LXRoYXQtaXMtbm9uZQ';
const BAD_KEY = `# ${NOTE}\n-----BEGIN PRIVATE KEY-----\n${FORGED}\n-----END PRIVATE KEY-----\n`;

/** @type {import('gladhand').Sandbox} */
let carrier;
/** @type {{ certificate: string, privateKey: string, trust: string }} */
let identity;

beforeEach(async () => {
  carrier = await sandbox();
  const { certificate, privateKey, trust } = inMemory(carrier.folder);
  const noted = (/** @type {string} */ pem) => `# ${NOTE}\n${pem}`;
  identity = { certificate: noted(certificate), privateKey: noted(privateKey), trust: noted(trust) };
});

afterEach(() => carrier.stop());

/** The error that it must give. @param {() => Promise<unknown>} attempt @returns {Promise<GladhandError>} */
async function failure(attempt) {
  try {
    await attempt();
  } catch (error) {
    assert.ok(error instanceof GladhandError, String(error));
    return error;
  }
  return assert.fail('it did not fail');
}

test('the search finds what is there', async () => {
  const gh = await connect({ path: carrier.configPath, identity });
  await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
  await gh.close();
  const known = leaks(readFileSync(process.env['GLADHAND_CANARIES'] ?? '', 'utf8'));
  assert.deepEqual(known, ['assertion', 'key', 'nonce', 'proof', 'token']);
  assert.deepEqual(leaks(shown(identity), NOTE), ['canary', 'key']);
  class Careless {
    get inner() {
      return [{ key: identity.privateKey }];
    }
  }
  assert.deepEqual(leaks(shown(new Careless())), ['key']);
  assert.deepEqual(leaks(shown(new Error('x', { cause: new Error(identity.privateKey) }))), ['key']);
});

test('negative n32 nothing that a client holds or answers shows a secret', async () => {
  const gh = await connect({ path: carrier.configPath, identity });
  const gateway = await Gateway.connect({ path: carrier.gatewayConfigPath });
  const events = gh.securityEvents();
  try {
    const tender = await gh.tenders.create(await carrier.load('load-1'), { carrier: 'aurora', waitMs: 20_000 });
    await gh.identity.rotate();
    const told = [];
    for await (const event of events) {
      told.push(event);
      if (event.message === 'identity_rotated') break;
    }
    const answers = [
      tender,
      await gh.capacity.search(places),
      await gh.health(),
      gh.identity.status(),
      await gh.identity.connection('aurora'),
      await gh.jwks(),
      ...told,
      ...(await gh.journal.export()),
    ];
    const text = shown(gh, gh.identity, gateway, carrier, events, gh.events({ consumer: 'billing' }), answers);
    const json = answers.map((answer) => answer.toJson()).join('\n');
    assert.match(json, /identity_rotated/);
    assert.deepEqual(leaks(text + json, NOTE), []);
  } finally {
    await gateway.close();
    await gh.close();
  }
});

test('negative n32 settings that are refused show no secret', async () => {
  await renewed(carrier, 'other');
  const { certificate, privateKey } = identity;
  const bare = privateKey.replaceAll(/^[-#].*$/gm, '').replaceAll('\n', '');
  const refused = {
    'no key': { identity: { ...identity, privateKey: BAD_KEY } },
    'the key of another certificate': {
      identity: { ...identity, privateKey: readFileSync(join(carrier.folder, 'other-key.pem'), 'utf8') },
    },
    'certificate and key exchanged': { identity: { ...identity, certificate: privateKey, privateKey: certificate } },
    'a key without its PEM lines': { identity: { ...identity, privateKey: bare } },
    'a key under a name that is misspelt': { identity: { ...identity, privateKay: privateKey } },
    'a key as the address': { identity, carriers: { aurora: { baseUrl: privateKey } } },
    'a key as the tenant': { identity, tenant: privateKey },
    'an assertion key that is none': { identity, carriers: { aurora: { assertionKey: BAD_KEY } } },
  };
  for (const [what, settings] of Object.entries(refused)) {
    const error = await failure(() => connect({ path: carrier.configPath, ...settings }));
    assert.deepEqual(leaks(shown(error), NOTE, FORGED), [], what);
  }
});

test('negative n32 PEM that is refused shows no secret', async () => {
  const { certificate, privateKey } = identity;
  const refused = {
    'no key': { certificate, privateKey: BAD_KEY },
    'a key that is no text': { certificate, privateKey: Buffer.from([...Buffer.from(BAD_KEY), 0xff, 0xfe]) },
    'a key with a lone surrogate': { certificate, privateKey: `\ud800${BAD_KEY}` },
    'a key alone': { privateKey },
    'a key as the trust': { trust: privateKey },
    'a key as the lists': { crl: privateKey },
  };
  const gh = await connect({ path: carrier.configPath, identity });
  try {
    for (const [what, given] of Object.entries(refused)) {
      const error = await failure(() => gh.identity.replace(given));
      assert.deepEqual(leaks(shown(error), NOTE, FORGED), [], what);
    }
    await gh.identity.rotate();
  } finally {
    await gh.close();
  }
});

const REFUSALS = {
  'a token of a lesser type': { tokenType: 'Bearer' },
  'a token for another audience': { audience: 'wrong' },
  'a signature of somebody else': { signature: 'foreign' },
  'a nonce at every call': { resourceNonce: 'always' },
};

for (const [what, misbehaviour] of Object.entries(REFUSALS)) {
  test(`negative n32 a refused token shows no secret: ${what}`, async () => {
    await carrier.control('/oauth', { ...misbehaviour, revokeTokens: true });
    const gh = await connect({ path: carrier.configPath, identity });
    try {
      const load = await carrier.load('load-1');
      const error = await failure(() => gh.tenders.create(load, { carrier: 'aurora' }));
      assert.match(error.kind, /^(auth|security)$/);
      assert.deepEqual(leaks(shown(error, gh.identity.status()), NOTE), []);
    } finally {
      await gh.close();
    }
  });
}
