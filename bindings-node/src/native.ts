// The addon: what it exports, and how it is found. Nothing here is public; the other files give it names and classes.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeError, type ErrorDetails, type GladhandError } from './errors.js';
import type { Admission } from './gateway.js';
import type { LogRecord } from './logs.js';
import type { TenderState } from './models.js';
import type { Fault, Labels, Published } from './vehicle.js';

/** One JSON text, immutable, kept byte for byte; a JSON Pointer (RFC 6901) says where. */
export interface Document {
  /** The text, byte for byte as parsed or patched. */
  json(): string;
  text(pointer: string): string | null;
  number(pointer: string): string | null;
  boolean(pointer: string): boolean | null;
  count(pointer: string): number;
  kind(pointer: string): string | null;
  keys(pointer: string): string[];
  raw(pointer: string): string | null;
  /** With `raw` (JSON text) at the pointer; every other byte stays. */
  patch(pointer: string, raw: string): Document;
  remove(pointer: string): Document;
  /** Money as the contract emits it, after `member` was set, or without one after the whole entity was built. */
  emitted(entity: string, at: string, member?: string): Document;
  /** Checks it against an entity of the contract. */
  validate(entity: string): void;
}

/** Cancels the calls that were started with it. */
export interface Token {
  cancel(): void;
}

/** The token of a call; none where nobody can abort it: the core makes one by itself, which costs less than an object here. */
export type CancelToken = Token | undefined;

/** What the core yields one by one. */
export interface NativeStream<N> {
  /** The next one; null at the end. */
  next(cancel: CancelToken): Promise<N | null>;
  /** Ends it; a pending `next` settles with null. */
  close(): void;
}

/** An event for a consumer. */
export interface NativeDelivery {
  readonly event: Document;
  ack(cancel: CancelToken): Promise<void>;
  giveBack(): void;
}

/** Why something is asked for, and by whom. */
export interface NativeAsking {
  reason: string;
  principal: string;
  role?: string | undefined;
}

/** The native half of a client. */
export interface NativeClient {
  capacitySearch(request: Document, cancel: CancelToken): Promise<Document>;
  capacityGet(carrier: string, capacityId: string, cancel: CancelToken): Promise<Document>;
  capacityHold(carrier: string, capacityId: string, holdId: string | undefined, cancel: CancelToken): Promise<Document>;
  capacityRelease(carrier: string, capacityId: string, holdId: string, cancel: CancelToken): Promise<Document>;
  explain(load: Document, offer: Document): Document;
  tenderCreate(
    load: Document,
    carrier: string,
    capacity: Document | undefined,
    waitMs: number | undefined,
    cancel: CancelToken,
  ): Promise<Document>;
  tenderAgain: NativeClient['tenderCreate'];
  tenderGet(tenderId: string, cancel: CancelToken): Promise<Document>;
  tenderList(state: string | undefined, cancel: CancelToken): Promise<Document[]>;
  tenderWatch(tenderId: string, cancel: CancelToken): Promise<NativeStream<Document>>;
  tenderWithdraw(tenderId: string, reason: string, cancel: CancelToken): Promise<Document>;
  tenderRevise(tenderId: string, load: Document, waitMs: number | undefined, cancel: CancelToken): Promise<Document>;
  tenderAmend(tenderId: string, load: Document, cancel: CancelToken): Promise<Document>;
  tenderAcceptCounter(tenderId: string, waitMs: number | undefined, cancel: CancelToken): Promise<Document>;
  tenderDeclineCounter(tenderId: string, reason: string | undefined, cancel: CancelToken): Promise<Document>;
  tenderRequestCancel(tenderId: string, reason: string, cancel: CancelToken): Promise<Document>;
  tenderReleaseUnproven(
    tenderId: string,
    actor: string,
    reason: string,
    runbook: string,
    cancel: CancelToken,
  ): Promise<Document>;
  events(consumer: string, cancel: CancelToken): Promise<NativeStream<NativeDelivery>>;
  onSafety(callback: (event: Document) => void, failed: (error: GladhandError) => void): { close(): void };
  receive(headers: [string, string][], body: Uint8Array, cancel: CancelToken): Promise<Document>;
  handshake(headers: [string, string][]): Document;
  webhook(method: string, headers: [string, string][], body: Uint8Array, cancel: CancelToken): Promise<Document>;
  webhookGet(carrier: string, subscriptionId: string, cancel: CancelToken): Promise<Document>;
  webhookDelete(carrier: string, subscriptionId: string, cancel: CancelToken): Promise<Document>;
  webhookSubscribe(
    carrier: string,
    subscriptionId: string,
    url: string,
    types: string[],
    mtls: string | undefined,
    cancel: CancelToken,
  ): Promise<Document>;
  dispatchGet(dispatchId: string, cancel: CancelToken): Promise<Document>;
  command(
    dispatchId: string,
    asking: NativeAsking,
    fields: object,
    params: Document | undefined,
    cancel: CancelToken,
  ): Promise<Document>;
  stopAtNextSafeLocation(dispatchId: string, asking: NativeAsking, cancel: CancelToken): Promise<Document>;
  dispatchResume(dispatchId: string, commandRef: string, asking: NativeAsking, cancel: CancelToken): Promise<Document>;
  dispatchHold(dispatchId: string, asking: NativeAsking, leaseS: number, cancel: CancelToken): Promise<Document>;
  dispatchRenewHold(
    dispatchId: string,
    commandRef: string,
    asking: NativeAsking,
    leaseS: number,
    cancel: CancelToken,
  ): Promise<Document>;
  dispatchRelease: NativeClient['dispatchResume'];
  dispatchRequestIntervention(
    dispatchId: string,
    kind: string,
    asking: NativeAsking,
    cancel: CancelToken,
  ): Promise<Document>;
  dispatchChangeRoute(
    dispatchId: string,
    detourId: string,
    asking: NativeAsking,
    cancel: CancelToken,
  ): Promise<Document>;
  commandRecords(dispatchId: string, cancel: CancelToken): Promise<Document[]>;
  commandStatus(dispatchId: string, commandId: string, cancel: CancelToken): Promise<Document>;
  commandRevoke: NativeClient['dispatchResume'];
  documentsList(tenderId: string, cancel: CancelToken): Promise<Document>;
  documentsGet(tenderId: string, documentId: string, cancel: CancelToken): Promise<Document>;
  telemetryFollow(loadIds: string[], cancel: CancelToken): Promise<NativeStream<Document>>;
  reconcile(cancel: CancelToken): Promise<Document>;
  journalVerify(cancel: CancelToken): Promise<Document>;
  journalExport(cancel: CancelToken): Promise<Document[]>;
  identityStatus(): Document;
  connectionFacts(carrier: string, cancel: CancelToken): Promise<Document>;
  identityReplace(
    fields: { certificate?: string; privateKey?: string; trust?: string; crl?: string },
    cancel: CancelToken,
  ): Promise<void>;
  identityRotate(cancel: CancelToken): Promise<void>;
  identityRevokeNow(): void;
  securityEvents(): NativeStream<Document>;
  jwks(cancel: CancelToken): Promise<Document>;
  health(cancel: CancelToken): Promise<Document>;
  metrics(cancel: CancelToken): Promise<Document>;
  close(): Promise<void>;
}

/** What many telemetry records have in common, as the core keeps it. */
export interface RecordTemplate {
  readonly recordTemplate: unique symbol;
}

/** Columns as the core takes them. */
export interface NativeColumns {
  observedAt?: BigUint64Array;
  observedAtSigned?: BigInt64Array;
  eventSequence: BigUint64Array | undefined;
  lat: Float64Array | undefined;
  lon: Float64Array | undefined;
  latitudeE7Deg: Int32Array | undefined;
  longitudeE7Deg: Int32Array | undefined;
  altitudeM: Float64Array | undefined;
  horizontalAccuracyM: Float64Array | undefined;
  verticalAccuracyM: Float64Array | undefined;
  speedMps: Float64Array | undefined;
  headingDeg: Float64Array | undefined;
  accelerationLongitudinalMps2: Float64Array | undefined;
  accelerationLateralMps2: Float64Array | undefined;
  yawRateDegps: Float64Array | undefined;
  autonomyMode: Int32Array | undefined;
  autonomyLevel: Int32Array | undefined;
}

/** The native half of a vehicle gateway. */
export interface NativeGateway {
  publish(
    template: RecordTemplate,
    observedAt: bigint,
    eventSequence: bigint | undefined,
    stated: number,
    lat: number,
    lon: number,
    altitudeM: number,
    speedMps: number,
    headingDeg: number,
    horizontalAccuracyM: number,
    verticalAccuracyM: number,
    accelerationLongitudinalMps2: number,
    accelerationLateralMps2: number,
    yawRateDegps: number,
    faults: readonly Fault[] | undefined,
  ): Admission;
  publishColumns(template: RecordTemplate, columns: NativeColumns): Published;
  publishDocument(record: Document): Document;
  flush(cancel: CancelToken): Promise<Document>;
  stats(): Document;
  metrics(): Document;
  close(): Promise<Document>;
}

type Connect<T> = (path: string | undefined, settings: [string, string][], cancel: CancelToken) => Promise<T>;

/** The native half of a sandbox carrier. */
export interface NativeSandbox {
  fact(name: string): string;
  control(path: string, body?: Document): Promise<Document>;
  load(loadId: string, offer?: Document): Promise<Document>;
  stop(): Promise<void>;
}

/** A log record, with its time in milliseconds since 1970. */
type NativeLogRecord = Omit<LogRecord, 'time'> & { readonly atMs: number };

/** Where a derived name is good. */
interface NativeScope {
  environment: string;
  tenant: string;
  carrier: string;
}

interface Addon {
  version(): string;
  webhookLimit(): number;
  quote(text: string): string;
  tenderId(scope: NativeScope, loadId: string, attempt: number): string;
  idempotencyKey(scope: NativeScope, operation: string, operationId: string): string;
  eventDigest(event: Uint8Array): string;
  historyStart(tenderId: string): string;
  historyExtend(previous: string, sequence: number, eventDigest: string): string;
  verifyWebhook(
    headers: [string, string][],
    body: Uint8Array,
    keys: Document[],
    at: string,
  ): { id: string; timestamp: number; keyId: string };
  nextStates(state: string): TenderState[];
  stateAfter(state: string, eventType: string): TenderState;
  explain(load: Document, offer: Document, at: string, assumedTareLbs: number | undefined): Document;
  errorsBy(make: (facts: ErrorDetails & { code: string; message: string }) => Error): void;
  Document: { new (): Document; parse(text: string | Uint8Array): Document };
  CancelToken: new (traceparent?: string, tracestate?: string) => Token;
  Client: { connect: Connect<NativeClient> };
  Gateway: { connect: Connect<NativeGateway> };
  LogListener: {
    start(level: string | undefined, listener: (batch: NativeLogRecord[]) => void): { close(): void };
  };
  RecordTemplate: { of(labels: Required<Labels>, last: RecordTemplate | undefined): RecordTemplate };
  Sandbox: {
    start(
      carrier: string,
      program: string | undefined,
      packaged: string | undefined,
      extra: string[],
      cancel: CancelToken,
    ): Promise<NativeSandbox>;
  };
}

const { version } = require('../package.json') as { version: string };

/** The addon of this platform, of this very version. */
export const addon: Addon = load();
/** One JSON text, immutable, kept byte for byte. */
export const Document = addon.Document;
/** A string as a JSON lexeme. */
export const quote: (text: string) => string = addon.quote;

// Whatever the addon throws or rejects with is the class of its kind; its stack begins where the addon was called.
addon.errorsBy(function made(facts) {
  const error = makeError(facts.code, facts.message, facts);
  Error.captureStackTrace(error, made);
  return error;
});

function load(): Addon {
  const name = platform();
  // Beside this package where it was built, in a package of its own where it was installed.
  const beside = join(__dirname, '..', `gladhand.${name}.node`);
  const found = require(existsSync(beside) ? beside : installed(`@gladhand/native-${name}`)) as Addon;
  if (found.version() !== version) {
    throw makeError(
      'internal_panic',
      `the addon for ${name} is of version ${found.version()}, the package of ${version}: install both again`,
    );
  }
  return found;
}

function installed(name: string): string {
  try {
    return require.resolve(name);
  } catch (cause) {
    // npm/cli#4828: a lock file that was made on another platform may name the packages of that one alone.
    const message =
      `${name}@${version}, the addon for this platform, is not installed. It is an optional dependency of this ` +
      'package, which npm leaves out with --omit=optional, and if package-lock.json was made on another platform: remove ' +
      `package-lock.json and node_modules and install again, or install ${name}@${version} itself`;
    throw Object.assign(makeError('internal_panic', message), { cause });
  }
}

function platform(): string {
  const base = `${process.platform}-${process.arch}`;
  if (process.platform !== 'linux') return base;
  // What this process has loaded itself. process.report would say it too, but takes four milliseconds.
  return `${base}-${loaded().includes('/ld-musl-') ? 'musl' : 'gnu'}`;
}

function loaded(): string {
  try {
    return readFileSync('/proc/self/maps', 'latin1');
  } catch {
    return '';
  }
}
