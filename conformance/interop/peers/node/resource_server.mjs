// A resource server: oauth4webapi judges DPoP-bound calls (RFC 9449), jose judges certificate-bound ones (RFC 8705);
// the store of used proofs, the nonces and the claim `gh_body` are ours. Node's TLS says who the peer is.

import { createHash } from 'node:crypto';
import http2 from 'node:http2';
import https from 'node:https';

import * as jose from 'jose';
import * as oauth from 'oauth4webapi';

import { claimsOf, control, headerOf, listen, ready, settings, sha256, uris } from './common.mjs';

const { key, cert, ca, crl } = settings.tls;
const server = http2.createSecureServer({
  key,
  cert,
  ca,
  crl,
  requestCert: true,
  rejectUnauthorized: true,
  allowHTTP1: true,
});
const port = await listen(server);
const resource = `https://localhost:${port}`;
// What tokens must be for: this origin, unless the authorization server had to know it before there was a port.
const audience = settings.audience ?? resource;

/** `fetch` over mutually authenticated TLS with this server's own identity. */
function mtlsFetch(url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const options = { method, headers: Object.fromEntries(new Headers(headers)), ca, ...settings.identity };
    const request = https.request(url, options, async (answer) => {
      const chunks = await answer.toArray();
      resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: answer.headers }));
    });
    request.on('error', reject).end(body?.toString());
  });
}
const over = { [oauth.customFetch]: mtlsFetch };

const issuer = new URL(settings.issuer);
const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...over });
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const jwks = jose.createLocalJWKSet(await (await mtlsFetch(as.jwks_uri, { method: 'GET' })).json());

class Refused extends Error {
  constructor(error, why) {
    super(why);
    this.error = error;
  }
}

const usedProofs = new Set();
let nonce = sha256(Buffer.from(`${process.pid}-1`));

/** What the authorization server says of a token that is no JWT. */
async function introspect(token) {
  const client = { client_id: settings.introspector };
  const answer = await oauth.introspectionRequest(as, client, oauth.TlsClientAuth(), token, over);
  const said = await oauth.processIntrospectionResponse(as, client, answer);
  if (!said.active) throw new Refused('invalid_token', 'the token is not active');
  return said;
}

/** A token by jose or, if it is no JWT, by introspection. */
async function understood(token) {
  if (token.split('.').length !== 3) return introspect(token);
  const algorithms = ['ES256', 'PS256', 'EdDSA', 'RS256'];
  return (await jose.jwtVerify(token, jwks, { issuer: as.issuer, audience, typ: 'at+jwt', algorithms })).payload;
}

/** Whether the certificate of the connection is the one that the token names (RFC 8705 §3). */
function heldBy(claims, certificate) {
  const actual = createHash('sha256').update(certificate.raw).digest('base64url');
  if (claims.cnf?.['x5t#S256'] !== actual) throw new Refused('invalid_token', 'the token is bound to another certificate');
}

/** A token and its proof where oauth4webapi does not judge: opaque tokens, and tokens with two confirmations. */
async function provenByJose(request, token, proof, certificate) {
  const claims = await understood(token);
  const options = { typ: 'dpop+jwt', maxTokenAge: 300 };
  const { payload, protectedHeader } = await jose.jwtVerify(proof, jose.EmbeddedJWK, options);
  const bound = (await jose.calculateJwkThumbprint(protectedHeader.jwk)) === claims.cnf?.jkt;
  const same = payload.htm === request.method && payload.htu === request.url.split(/[?#]/)[0];
  if (!bound || !same || payload.ath !== sha256(token)) throw new Refused('invalid_dpop_proof', 'of another call');
  if (claims.cnf['x5t#S256']) heldBy(claims, certificate);
  return claims;
}

/** Checks a DPoP-bound call; what the token says. */
async function proven(request, token, proof, body, certificate) {
  const oneConfirmation = token.split('.').length === 3 && Object.keys(claimsOf(token).cnf ?? {}).length < 2;
  const options = { requireDPoP: true, signingAlgorithms: ['ES256', 'PS256', 'EdDSA', 'Ed25519', 'RS256'], ...over };
  const claims = oneConfirmation
    ? await oauth.validateJwtAccessToken(as, request, audience, options)
    : await provenByJose(request, token, proof, certificate);
  const claimed = claimsOf(proof);
  const wantsNonce = new URL(request.url).pathname.startsWith('/nonce');
  if (wantsNonce && claimed.nonce !== nonce) throw new Refused('use_dpop_nonce', 'a nonce is needed');
  if (body.length > 0 && claimed.gh_body !== sha256(body)) throw new Refused('invalid_dpop_proof', 'of another body');
  const used = `${claims.cnf.jkt} ${claimed.jti}`;
  if (usedProofs.has(used)) throw new Refused('pop_replayed', 'the proof was used before');
  usedProofs.add(used);
  return claims;
}

/** Checks a certificate-bound call; what the token says. */
async function held(token, certificate) {
  const claims = await understood(token);
  heldBy(claims, certificate);
  return claims;
}

const captured = [];
const refusals = [];

async function answer(incoming, body) {
  const certificate = incoming.socket.getPeerX509Certificate();
  const headers = new Headers(
    Object.entries(incoming.headers).filter(([name, value]) => !name.startsWith(':') && typeof value === 'string'),
  );
  const request = new Request(`${resource}${incoming.url}`, { method: incoming.method, headers });
  const [, scheme, token] = /^(\S+) (\S+)$/.exec(headers.get('authorization') ?? '') ?? [];
  const proof = headers.get('dpop');
  if (!token) throw new Refused('invalid_request', 'there is no token');
  captured.push({ authorization: headers.get('authorization'), proof, path: incoming.url, method: incoming.method });
  const claims =
    scheme.toLowerCase() === 'dpop'
      ? await proven(request, token, proof ?? '', body, certificate)
      : await held(token, certificate);
  const names = uris(certificate);
  const expected = settings.subjects[claims.client_id];
  if (expected && !names.includes(expected)) throw new Refused('cert_mismatch', 'the certificate is of another client');
  const { cipher, protocol } = { cipher: incoming.socket.getCipher().standardName, protocol: incoming.socket.getProtocol() };
  return {
    claims,
    scheme,
    proof: proof && { header: headerOf(proof), claims: claimsOf(proof) },
    peer: { x5t: createHash('sha256').update(certificate.raw).digest('base64url'), uris: names },
    connection: { cipher, protocol, alpn: incoming.socket.alpnProtocol, resumed: incoming.socket.isSessionReused() },
    http: incoming.httpVersion,
    body: body.length,
  };
}

server.on('request', async (incoming, response) => {
  const body = Buffer.concat(await incoming.toArray());
  const tell = (status, headers, content) => {
    response.writeHead(status, { 'content-type': 'application/json', 'dpop-nonce': nonce, ...headers });
    response.end(JSON.stringify(content));
  };
  try {
    tell(200, {}, await answer(incoming, body));
  } catch (why) {
    const error = why.error ?? 'invalid_token';
    refusals.push({ path: incoming.url, error, why: why.message, cause: why.cause && String(why.cause) });
    // Only a nonce is asked for with a challenge: anything else must not set off a second attempt here.
    const challenge = error === 'use_dpop_nonce' ? { 'www-authenticate': `DPoP error="${error}"` } : {};
    tell(401, challenge, { error, why: why.message });
  }
});

const controlPort = await control({
  'GET /captured': () => captured,
  'GET /refusals': () => refusals,
  'POST /nonce': () => ({ nonce: (nonce = sha256(Buffer.from(nonce))) }),
  'POST /forget': () => (usedProofs.clear(), {}),
});
ready({ resource, control: `http://127.0.0.1:${controlPort}` });
