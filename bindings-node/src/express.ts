// Webhooks in Express, or any framework with its kind of handler, or node's own http server.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from './client.js';
import { answer, bodyOf } from './webhook.js';

/** A handler for a webhook's address: `app.all('/webhooks/aurora', webhooks(gh))`, mounted ahead of whatever parses bodies.
 * It answers the handshake, the webhooks and what is refused. What is not the sender's doing, such as `journal_unwritable`,
 * goes to `next`: the framework's 500 for it makes the carrier come again. */
export function webhooks(
  gh: Client,
): (request: IncomingMessage, response: ServerResponse, next: (error: unknown) => void) => void {
  return (request, response, next) => {
    respond(gh, request, response).catch(next);
  };
}

async function respond(gh: Client, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parsed = (request as { body?: unknown }).body;
  if (request.readableDidRead && !(parsed instanceof Uint8Array)) {
    throw new TypeError('the body was parsed already, and its signature covers the raw bytes: mount webhooks() first');
  }
  const body = parsed instanceof Uint8Array ? parsed : await bodyOf(request);
  const { status, headers, body: text } = await answer(gh, request, body);
  response.statusCode = status;
  for (const { name, value } of headers) response.setHeader(name, value);
  response.end(text);
}
