// An authorization server: oidc-provider with FAPI 2.0 features (client credentials, private_key_jwt, tls_client_auth,
// certificate-bound and DPoP-bound tokens, a nonce for every proof) behind mutually authenticated TLS with a CRL.

import https from 'node:https';

import * as jose from 'jose';
import Provider from 'oidc-provider';

import { claimsOf, control, headerOf, listen, ready, settings, uris } from './common.mjs';

const ALGORITHMS = ['ES256', 'PS256', 'Ed25519', 'EdDSA'];
const SCOPE = 'tender:write capacity:read';

const { key, cert, ca, crl } = settings.tls;
const server = https.createServer({ key, cert, ca, crl, requestCert: true, rejectUnauthorized: true });
const port = await listen(server);
const issuer = `https://localhost:${port}`;

const signing = await jose.generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await jose.exportJWK(signing.privateKey)), alg: 'ES256', use: 'sig' };
jwk.kid = await jose.calculateJwkThumbprint(jwk);

/** One registered client from the harness's description of it. */
function client(wanted) {
  const registered = {
    client_id: wanted.id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: SCOPE,
    token_endpoint_auth_method: wanted.assertionKeys ? 'private_key_jwt' : 'tls_client_auth',
    dpop_bound_access_tokens: wanted.binding === 'dpop',
    tls_client_certificate_bound_access_tokens: wanted.binding === 'certificate',
  };
  if (wanted.assertionKeys) {
    return { ...registered, token_endpoint_auth_signing_alg: wanted.assertionAlgorithm, jwks: { keys: wanted.assertionKeys } };
  }
  return { ...registered, ...wanted.subject };
}

/** Compares a registered subject with the certificate of the connection. */
function subjectMatches(ctx, property, expected) {
  const certificate = ctx.socket.getPeerX509Certificate();
  switch (property) {
    case 'tls_client_auth_san_uri':
      return uris(certificate).includes(expected);
    case 'tls_client_auth_san_dns':
      return certificate.subjectAltName.split(', ').includes(`DNS:${expected}`);
    case 'tls_client_auth_subject_dn':
      return certificate.subject.split('\n').reverse().join(',') === expected;
    default:
      return false;
  }
}

const lifetimes = Object.fromEntries(settings.clients.map(({ id, lifetime }) => [id, lifetime ?? 300]));
const formats = Object.fromEntries(settings.clients.map(({ id, format }) => [id, format ?? 'jwt']));

const provider = new Provider(issuer, {
  jwks: { keys: [jwk] },
  scopes: SCOPE.split(' '),
  clients: settings.clients.map(client),
  clientAuthMethods: ['private_key_jwt', 'tls_client_auth'],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  enabledJWA: {
    clientAuthSigningAlgValues: ALGORITHMS,
    dPoPSigningAlgValues: ALGORITHMS,
    idTokenSigningAlgValues: ['ES256'],
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => ctx.socket.getPeerX509Certificate?.(),
      certificateAuthorized: (ctx) => ctx.socket.authorized === true,
      certificateSubjectMatches: subjectMatches,
    },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource, { clientId }) => ({
        scope: SCOPE,
        audience: resource,
        accessTokenTTL: lifetimes[clientId],
        accessTokenFormat: formats[clientId],
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

// What the harness looks at afterwards: every token request, as it arrived and as it was answered.
const seen = [];
provider.use(async (ctx, next) => {
  await next();
  if (ctx.path !== '/token') return;
  const { client_id: id, client_assertion: assertion, scope, resource } = ctx.oidc?.params ?? {};
  const proof = ctx.get('dpop');
  seen.push({
    client: id,
    scope,
    resource,
    status: ctx.status,
    error: ctx.body?.error,
    description: ctx.body?.error_description,
    token_type: ctx.body?.token_type,
    assertion: assertion && { header: headerOf(assertion), claims: claimsOf(assertion) },
    proof: proof && { header: headerOf(proof), claims: claimsOf(proof) },
  });
});

// For a person who reads the log.
provider.on('grant.error', (ctx, error) => console.error(ctx.oidc?.params?.client_id, error.error, error.error_detail));

server.on('request', provider.callback());
const controlPort = await control({ 'GET /seen': () => seen });
ready({ issuer, control: `http://127.0.0.1:${controlPort}` });
