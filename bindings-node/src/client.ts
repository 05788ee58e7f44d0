// The client: connect once, use it from anywhere in the process, close it.
import { call, type CallOptions } from './call.js';
import { callBack } from './callback.js';
import { Capacity } from './capacity.js';
import { settings, type Settings } from './settings.js';
import { Dispatches } from './dispatches.js';
import { Delivery, Inbox, Webhooks } from './events.js';
import type { GladhandError } from './errors.js';
import { Identity } from './identity.js';
import { Event, Health, JwkSet, Metrics, SecurityEvent } from './models.js';
import { addon, type Document, type NativeClient, type NativeDelivery } from './native.js';
import { Documents, Journal, Reconcile, Telemetry } from './records.js';
import { Stream } from './stream.js';
import { Tenders } from './tenders.js';

/** Where the settings come from; what the program sets wins over `GLADHAND_*` variables, and those over the file. */
export interface ConnectOptions extends Settings, CallOptions {
  /** The configuration file; without it, what `GLADHAND_CONFIG` names, else `gladhand.toml` in the working folder. */
  path?: string | undefined;
}

/** Connects. Rejects with a ConfigError for a setting that is missing, unknown or wrong; it names the key. Rejects with an
 * IdentityError for certificates that are not usable, `journal_busy`, `journal_corrupt` and their like for the journal. */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const { path, signal, ...own } = options;
  return new Client(await call(signal, (cancel) => addon.Client.connect(path, settings(own), cancel)));
}

/** One connection to all configured carriers, for the whole process.
 *
 * Every call may reject with `client_closed` after `close()`, with `cancelled` or the reason of its signal, and with what happens
 * on the way to a carrier: a NetworkError, AuthError, IdentityError, SecurityError, UnavailableError or ProtocolError. What is said
 * of a call's errors below is what belongs to that call. The process ends by itself once nothing is awaited. */
export class Client implements AsyncDisposable {
  /** What carriers offer. */
  readonly capacity: Capacity;
  /** Offering loads to carriers. */
  readonly tenders: Tenders;
  /** Webhooks that carriers send. */
  readonly inbox: Inbox;
  /** Where carriers send their webhooks. */
  readonly webhooks: Webhooks;
  /** Vehicles at work, and commands. */
  readonly dispatches: Dispatches;
  /** Papers of a tender. */
  readonly documents: Documents;
  /** Where loads are. */
  readonly telemetry: Telemetry;
  /** Comparing our history with the carriers'. */
  readonly reconcile: Reconcile;
  /** Our certificates and tokens: their state, rotation and end. */
  readonly identity: Identity;
  /** What was intended, sent, answered and heard. */
  readonly journal: Journal;
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
    this.capacity = new Capacity(native);
    this.tenders = new Tenders(native);
    this.inbox = new Inbox(native);
    this.webhooks = new Webhooks(native);
    this.dispatches = new Dispatches(native);
    this.documents = new Documents(native);
    this.telemetry = new Telemetry(native);
    this.reconcile = new Reconcile(native);
    this.identity = new Identity(native);
    this.journal = new Journal(native);
  }

  /** Events for the consumer of this name, in order for each tender, each until it is acknowledged, across restarts (contract 4e).
   * One process at a time reads for a consumer; a loop over a second one rejects with `consumer_leased`. Acknowledge after your
   * own commit and remember `event.id`: then each is applied once. */
  events(options: CallOptions & { consumer: string }): Stream<Delivery> {
    return new Stream(
      (cancel) => this.#native.events(options.consumer, cancel),
      (native: NativeDelivery) => new Delivery(native),
      options,
    );
  }

  /** Calls back at once, out of band, for each safety event, until what this returns is called or the client is closed: one at a
   * time, and an event counts as told once the callback has returned. It does not keep the process alive. If an error ends it before, `onError` is called with it: without `onError` it is a
   * process warning. */
  onSafety(callback: (event: Event) => void, onError: (error: GladhandError) => void = warn): () => void {
    return callBack(
      (call, failed) => this.#native.onSafety(call, failed),
      (document) => callback(Event.fromDocument(document)),
      onError,
    );
  }

  /** Every authentication, rotation, refusal and warning of an expiry from this call on, each in the shape of OCSF 1.6, until
   * the loop is left or the client closed. A reader that falls more than 1024 events behind misses the oldest. */
  securityEvents(options: CallOptions = {}): Stream<SecurityEvent> {
    const native = this.#native.securityEvents();
    return new Stream(
      () => Promise.resolve(native),
      (document: Document) => SecurityEvent.fromDocument(document),
      options,
    );
  }

  /** The public keys that our assertions are signed with (RFC 7517 §5), for you to serve as `application/jwk-set+json` at the
   * address registered at the carriers, with a `Cache-Control: max-age` of at most `assertion_key_lead_s` (in seconds). Ask
   * anew for every request: keys come and go. */
  async jwks(options: CallOptions = {}): Promise<JwkSet> {
    return JwkSet.fromDocument(await call(options.signal, (cancel) => this.#native.jwks(cancel)));
  }

  /** How the client and its carriers are: `ok`, `degraded`, or `down` where no carrier answers. Asks a carrier only if it was never
   * asked before, for at most 3 s. Rejects with the codes of the journal, such as `journal_busy`. */
  async health(options: CallOptions = {}): Promise<Health> {
    return Health.fromDocument(await call(options.signal, (cancel) => this.#native.health(cancel)));
  }

  /** Numbers to watch the client by: gauges, each a sample with its `name`, its `labels` and its `value`. Every series is there
   * from the start, with a 0; only dates, in seconds since 1970, are there once there is one. Labels name partners and routes,
   * never a load. Asks no carrier. Rejects with those of the journal, such as `journal_unwritable`. */
  async metrics(options: CallOptions = {}): Promise<Metrics> {
    return Metrics.fromDocument(await call(options.signal, (cancel) => this.#native.metrics(cancel)));
  }

  /** Ends streams, gives back leases and closes the journal. What had left is resolved at the next start. Closing twice is fine,
   * and not to close loses nothing: it only keeps a consumer until its lease lapses. */
  async close(): Promise<void> {
    await call(undefined, () => this.#native.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function warn(error: GladhandError): void {
  process.emitWarning(error);
}
