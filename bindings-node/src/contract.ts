// The contract by itself, for what a TMS does without a client: naming a tender before it is tendered, proving a history
// equal, checking a webhook in front of the SDK, asking what may come next. Functions of their arguments: no client, no clock,
// no journal, no network. The core computes them; here they get names.
import { documentOf, type DocumentLike } from './accept.js';
import { flatten, type HeadersLike } from './events.js';
import {
  Eligibility,
  Event,
  type CapacityOffer,
  type LoadTender,
  type TenderState,
  type WebhookKey,
} from './models.js';
import { addon } from './native.js';

/** Where a derived name is good: part of every one of them. */
export interface Scope {
  /** `environment` of the configuration. */
  environment: string;
  /** `tenant` of the configuration. */
  tenant: string;
  /** The carrier's name in the configuration. */
  carrier: string;
}

/** What names a tender. */
export interface TenderName extends Scope {
  loadId: string;
  /** Which attempt at tendering the load, from 1; only a released load is tendered again. */
  attempt: number;
}

/** What names a mutation. */
export interface Mutation extends Scope {
  /** Such as `tenders.create`. */
  operation: string;
  /** What the contract's table has for the operation, such as the tender's id, `/` and the revision. */
  operationId: string;
}

/** One more event of a history. */
export interface HistoryEvent {
  /** Its place in the tender's history, from 1. */
  sequence: number;
  /** What `eventDigest` gives for its bytes. */
  eventDigest: string;
}

/** By which keys, and when, a webhook is verified. */
export interface WebhookCheck {
  /** The `WebhookKey`s that the carrier publishes. */
  keys: Iterable<DocumentLike<WebhookKey>>;
  /** The time: a Date or RFC 3339. */
  at: Date | string;
}

/** A webhook whose signature holds. */
export interface VerifiedWebhook {
  /** The webhook's id, the same on every attempt. */
  id: string;
  /** When this attempt was made, in seconds since 1970. */
  timestamp: number;
  /** The `keyId` of the key that signed it. */
  keyId: string;
}

/** When, and with what weight of the vehicle, a load is held against an offer. */
export interface ExplainOptions {
  /** The time: a Date or RFC 3339. */
  at: Date | string;
  /** Pounds that an empty vehicle of unknown tare weighs, as the carrier publishes it; 35,000 unless given. */
  assumedTareLbs?: number | undefined;
}

/** The permanent id of a tender (contract 3a): `t-` and 22 characters, the same on every machine. Throws `invalid_argument` for
 * an attempt that is no whole number from 1. */
export function tenderId(name: TenderName): string {
  return addon.tenderId(scope(name), name.loadId, name.attempt);
}

/** The idempotency key of a mutation (contract 4c): 43 characters. */
export function idempotencyKey(mutation: Mutation): string {
  return addon.idempotencyKey(scope(mutation), mutation.operation, mutation.operationId);
}

/** SHA-256 of an event's bytes as they came, in lower-case hexadecimal: what enters a history (contract 4e). */
export function eventDigest(event: Event | Uint8Array | string): string {
  return addon.eventDigest(bytes(event instanceof Event ? event.toJson() : event));
}

/** The digest of a tender's history before its first event (contract 4e): 64 hexadecimal digits. */
export function historyStart(tenderId: string): string {
  return addon.historyStart(tenderId);
}

/** The digest of a history after one more event (contract 4e), from the digest before it. Both sides hold the same history if
 * theirs are equal. Throws `invalid_argument` for a digest that is not 64 hexadecimal digits, and for a sequence that is no
 * whole number from 1. */
export function historyExtend(previous: string, next: HistoryEvent): string {
  return addon.historyExtend(previous, next.sequence, next.eventDigest);
}

/** Verifies a webhook's signature (contract 4e): who signed these bytes, and when this attempt was made. Pass the body exactly
 * as it came: the signature covers its bytes. A key of a form that this version does not know is passed over, and so is one
 * that is not good at the attempt's time; the attempt may be at most 300 seconds from `at`.
 *
 * It does not say whether the event is new or in order: `gh.inbox` does. Throws `webhook_signature_missing`,
 * `webhook_signature_invalid`; `clock_skew` for a genuine webhook of another time; `schema_invalid` for a key that is none. */
export function verifyWebhook(
  headers: HeadersLike,
  rawBody: Uint8Array | string,
  check: WebhookCheck,
): VerifiedWebhook {
  const keys = Array.from(check.keys, (key) => documentOf(key, 'keys'));
  return addon.verifyWebhook(flatten(headers), bytes(rawBody), keys, instant(check.at));
}

/** Where a tender may go from this state (contract 4b), in the order of the table; nowhere from a final one. Where the state
 * itself is in it, an event leads back to it. Throws `invalid_argument` for a state that this version does not know. */
export function nextStates(state: TenderState): TenderState[] {
  return addon.nextStates(state);
}

/** The state of a tender after an event of this type, such as `gladhand.tender.accepted.v1` (contract 4b). What moves nothing
 * leaves it where it is, an event type of a later version too (contract 5). Throws `illegal_transition` with what is allowed;
 * `invalid_argument` for a state that this version does not know and for what is no event type. */
export function stateAfter(state: TenderState, eventType: string): TenderState {
  return addon.stateAfter(state, eventType);
}

/** Whether the load fits the offer at a time: `eligible`, `ineligible` or `unknown`, each check with its remedy (contract 3b to
 * 3d). `gh.capacity.explain` is this now, with what the offer's carrier publishes. Throws `schema_invalid` for an offer that is
 * none. */
export function explain(
  load: DocumentLike<LoadTender>,
  offer: DocumentLike<CapacityOffer>,
  options: ExplainOptions,
): Eligibility {
  const [given, against] = [documentOf(load, 'load'), documentOf(offer, 'offer')];
  return Eligibility.fromDocument(addon.explain(given, against, instant(options.at), options.assumedTareLbs));
}

function scope({ environment, tenant, carrier }: Scope): Scope {
  return { environment, tenant, carrier };
}

function bytes(given: Uint8Array | string): Uint8Array {
  return typeof given === 'string' ? Buffer.from(given) : given;
}

function instant(given: Date | string): string {
  return typeof given === 'string' ? given : given.toISOString();
}
