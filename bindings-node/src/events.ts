// What carriers say: durable events for a consumer, webhooks that come in, safety events at once.
import { inspect } from 'node:util';
import { call, type CallOptions } from './call.js';
import { Event, InboxAnswer, InboxHandshake, InboxReceipt, WebhookSubscription, type WebhookAuth } from './models.js';
import type { Document, NativeClient, NativeDelivery } from './native.js';

/** One event for a consumer, delivered again until it is acknowledged. */
export class Delivery {
  /** The event, byte for byte as the carrier sent it. */
  readonly event: Event;
  readonly #native: NativeDelivery;

  /** @internal */
  constructor(native: NativeDelivery) {
    this.#native = native;
    this.event = Event.fromDocument(native.event);
  }

  /** What happened, such as `gladhand.tender.accepted.v1`. */
  get type(): string {
    return this.event.type;
  }

  /** The tender. */
  get tenderId(): string {
    return this.event.partitionkey;
  }

  /** The load. */
  get loadId(): string {
    return this.event.subject;
  }

  /** Its place in the tender's history, from 1. */
  get sequence(): number {
    return Number(this.event.sequence);
  }

  /** States that this consumer is done with it; it does not come again, also after a restart. Rejects with `consumer_leased`
   * once another stream reads for the consumer: that one has it now. */
  ack(options: CallOptions = {}): Promise<void> {
    return call(options.signal, (cancel) => this.#native.ack(cancel));
  }

  /** States that you do not deal with it: the stream's next step brings it again, and with it what came after it and is not
   * acknowledged. For workers that share a stream; leaving or closing the stream gives back everything. */
  giveBack(): void {
    this.#native.giveBack();
  }

  /** Which event this is; never its content. */
  [inspect.custom](): string {
    return `Delivery { ${this.type}, tender ${this.tenderId}, sequence ${this.sequence}, event ${this.event.id} }`;
  }
}

/** HTTP headers of any framework: `Headers`, node's `IncomingHttpHeaders`, or pairs. */
export type HeadersLike =
  Iterable<readonly [string, string]> | { readonly [name: string]: string | readonly string[] | undefined };

/** `gh.inbox` */
export class Inbox {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Verifies, stores and applies one webhook; answer the carrier with the receipt's `status`. Pass the body exactly as it
   * came: the signature covers its bytes. Rejects with a SecurityError for one that was changed or that nobody known has
   * signed: `webhook_signature_missing`, `webhook_signature_invalid`, `webhook_source_foreign`, `clock_skew`; `too_large` and
   * `malformed_json` likewise. Answer those with the error's `httpStatus`, and anything else with 500: the carrier comes again. */
  async receive(headers: HeadersLike, rawBody: Uint8Array | string, options: CallOptions = {}): Promise<InboxReceipt> {
    const body = typeof rawBody === 'string' ? Buffer.from(rawBody) : rawBody;
    const pairs = flatten(headers);
    return InboxReceipt.fromDocument(await call(options.signal, (cancel) => this.#native.receive(pairs, body, cancel)));
  }

  /** What to answer to the OPTIONS request with which a carrier asks whether it may send webhooks here (CloudEvents webhook
   * 1.0, section 4): a status and header fields. Throws `schema_invalid` for a request that is no handshake,
   * `webhook_source_foreign` for an origin of no configured carrier; answer those with the error's `httpStatus`. */
  handshake(headers: HeadersLike): InboxHandshake {
    return InboxHandshake.fromDocument(this.#native.handshake(flatten(headers)));
  }

  /** What to answer to any request to a webhook's address: `receive` for POST, `handshake` for OPTIONS, and the status of what
   * they fail with. `gladhand/express` and `gladhand/fastify` are this for those frameworks. Rejects only with what is not the
   * sender's doing, such as `journal_unwritable`: answer that with 500 or 503, and the carrier comes again. */
  async answer(
    method: string,
    headers: HeadersLike,
    rawBody: Uint8Array | string,
    options: CallOptions = {},
  ): Promise<InboxAnswer> {
    const body = typeof rawBody === 'string' ? Buffer.from(rawBody) : rawBody;
    const pairs = flatten(headers);
    return InboxAnswer.fromDocument(
      await call(options.signal, (cancel) => this.#native.webhook(method, pairs, body, cancel)),
    );
  }
}

/** Where a carrier shall send its webhooks. */
export interface Subscription extends CallOptions {
  /** The carrier's name in the configuration. */
  carrier: string;
  /** Names the subscription; repeating it changes it. */
  subscriptionId: string;
  /** The address; HTTPS, unless it is of this machine. */
  url: string;
  /** Event types; none named is all. */
  types?: readonly string[] | undefined;
  /** How the carrier authenticates: `required` (mutual TLS, unless said otherwise) or `signature_only`. */
  mtls?: WebhookAuth | undefined;
}

/** `gh.webhooks` */
export class Webhooks {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Asks the carrier to send events to an address; it first asks the address whether it may, by the handshake (`inbox.answer`).
   * Rejects with `schema_invalid` for an address or a type that is none, `scope_missing`, `carrier_unknown`. */
  subscribe(given: Subscription): Promise<WebhookSubscription> {
    const { carrier, subscriptionId, url, types = [], mtls } = given;
    return subscription(given, (cancel) =>
      this.#native.webhookSubscribe(carrier, subscriptionId, url, [...types], mtls, cancel),
    );
  }

  /** The subscription as the carrier has it. Rejects with `not_found`, `carrier_unknown`. */
  get(carrier: string, subscriptionId: string, options: CallOptions = {}): Promise<WebhookSubscription> {
    return subscription(options, (cancel) => this.#native.webhookGet(carrier, subscriptionId, cancel));
  }

  /** Ends the subscription, and resolves with what it was. Rejects with `not_found`, `carrier_unknown`. */
  delete(carrier: string, subscriptionId: string, options: CallOptions = {}): Promise<WebhookSubscription> {
    return subscription(options, (cancel) => this.#native.webhookDelete(carrier, subscriptionId, cancel));
  }
}

async function subscription(
  options: CallOptions,
  start: Parameters<typeof call<Document>>[1],
): Promise<WebhookSubscription> {
  return WebhookSubscription.fromDocument(await call(options.signal, start));
}

/** Header fields as pairs. @internal */
export function flatten(headers: HeadersLike): [string, string][] {
  if (Symbol.iterator in headers) {
    return Array.from(headers as Iterable<readonly [string, string]>, ([name, value]) => [name, value]);
  }
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).map((one): [string, string] => [name, one]),
  );
}
