// What the two Node peers share: their settings, a few digests, the control interface.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';

/** The settings: a JSON file that the harness wrote. */
export const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));

/** SHA-256 as base64url, as in `ath`, `jkt`, `x5t#S256` and `gh_body`. */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('base64url');

/** The URI names of a certificate, as OpenSSL prints them. */
export const uris = (certificate) =>
  (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice(4));

/** The middle part of a JWT, unchecked. */
export const claimsOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

/** The first part of a JWT, unchecked. */
export const headerOf = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url'));

/** A server on a free loopback port; its number. */
export const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** Plain HTTP for the harness: `routes['GET /seen']()` answers with what it returns, as JSON. */
export const control = (routes) =>
  listen(
    http.createServer((request, response) => {
      const route = routes[`${request.method} ${request.url}`];
      response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(route ? route() : {}));
    }),
  );

/** Tells the harness where everything is. */
export const ready = (facts) => console.log(JSON.stringify(facts));
