// Webhooks in Fastify, as a plugin.
import type { IncomingMessage } from 'node:http';
import type { Client } from './client.js';
import { answer, limit } from './webhook.js';

/** Where webhooks are taken. */
export interface WebhookOptions {
  gh: Client;
  /** The path of the address, such as `/webhooks/aurora`. */
  url: string;
}

// The few members of Fastify that are used, so that it is no dependency.
interface Reply {
  code(status: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): unknown;
}
interface Fastify {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    options: { parseAs: 'buffer'; bodyLimit: number },
    parser: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  route(route: {
    method: string[];
    url: string;
    bodyLimit: number;
    handler: (request: { raw: IncomingMessage; body: unknown }, reply: Reply) => Promise<unknown>;
  }): unknown;
}

/** A plugin for a webhook's address: `app.register(webhooks, { gh, url: '/webhooks/aurora' })`. It answers the handshake, the
 * webhooks and what is refused. What is not the sender's doing, such as `journal_unwritable`, is thrown: Fastify's 500 for it
 * makes the carrier come again. */
export async function webhooks(fastify: Fastify, { gh, url }: WebhookOptions): Promise<void> {
  // For this plugin alone: the signature covers the raw bytes.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: limit }, (_, body, done) => done(null, body));
  fastify.route({
    method: ['OPTIONS', 'POST'],
    url,
    bodyLimit: limit,
    handler: async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      const { status, headers, body: text } = await answer(gh, request.raw, body);
      for (const { name, value } of headers) reply.header(name, value);
      return reply.code(status).send(text);
    },
  });
}
