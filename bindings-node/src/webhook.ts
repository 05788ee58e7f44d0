// What the web frameworks share: a request to a webhook's address, as node's http has it, to what shall be answered.
import type { IncomingMessage } from 'node:http';
import type { Client } from './client.js';
import type { InboxAnswer } from './models.js';
import { addon } from './native.js';

/** Bytes of a body that are enough to see that it is too large. */
export const limit = addon.webhookLimit();

/** The answer to a request with this raw body. */
export function answer(gh: Client, request: IncomingMessage, body: Uint8Array): Promise<InboxAnswer> {
  const { rawHeaders } = request;
  const fields = rawHeaders.flatMap((name, place): [string, string][] =>
    place % 2 === 0 ? [[name, rawHeaders[place + 1] ?? '']] : [],
  );
  return gh.inbox.answer(request.method ?? '', fields, body);
}

/** The raw body of a request that nobody has read yet, and no more of it than may be in it. */
export async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length >= limit) break;
  }
  return Buffer.concat(pieces);
}
