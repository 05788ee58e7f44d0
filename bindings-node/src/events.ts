// What carriers say: durable events for a consumer, webhooks that come in, safety events at once.
import { call, type CallOptions } from './call.js';
import { Event, InboxReceipt, WebhookSubscription, type WebhookAuth } from './models.js';
import type { NativeClient, NativeDelivery } from './native.js';

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

  /** States that this consumer is done with it; it does not come again, also after a restart. */
  ack(options: CallOptions = {}): Promise<void> {
    return call(options.signal, (cancel) => this.#native.ack(cancel));
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
   * signed; answer it with the error's `httpStatus`. */
  async receive(headers: HeadersLike, rawBody: Uint8Array | string, options: CallOptions = {}): Promise<InboxReceipt> {
    const body = typeof rawBody === 'string' ? Buffer.from(rawBody) : rawBody;
    const pairs = flatten(headers);
    return InboxReceipt.fromDocument(await call(options.signal, (cancel) => this.#native.receive(pairs, body, cancel)));
  }
}

/** Where a carrier shall send its webhooks. */
export interface Subscription extends CallOptions {
  /** The carrier's name in the configuration. */
  carrier: string;
  /** Names the subscription; repeating it changes it. */
  subscriptionId: string;
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

  /** Asks the carrier to send events to an address. */
  async subscribe(given: Subscription): Promise<WebhookSubscription> {
    const { carrier, subscriptionId, url, types = [], mtls = 'required' } = given;
    return WebhookSubscription.fromDocument(
      await call(given.signal, (cancel) =>
        this.#native.webhookSubscribe(carrier, subscriptionId, url, [...types], mtls, cancel),
      ),
    );
  }
}

function flatten(headers: HeadersLike): [string, string][] {
  if (Symbol.iterator in headers) {
    return Array.from(headers as Iterable<readonly [string, string]>, ([name, value]) => [name, value]);
  }
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : (value ?? [])).map((one): [string, string] => [name, one]),
  );
}
