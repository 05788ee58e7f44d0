// Gladhand for Node: couples a TMS to carriers that run driverless trucks.
//
// `connect()` gives a Client with its services (capacity, tenders, dispatches, …); `sandbox()` starts a local carrier;
// `Gateway` is the vehicle side; `contract` has names, digests, signatures and states as functions, without a client.
// Documents are typed views over bytes that stay as they came (models, view); failures are classes under GladhandError
// (errors). Everything real happens in the native core (native); nothing here decides.
export { Client, connect, type ConnectOptions } from './client.js';
export { Sandbox, sandbox, type SandboxOptions } from './sandbox.js';
export { Gateway, type Admission, type Counts, type GatewayOptions } from './gateway.js';
export type { Codes, Columns, Fault, Labels, Numbers, Observation, Published, Sensor } from './vehicle.js';
export type { Setting, Settings } from './settings.js';
export type { DocumentLike, Plain } from './accept.js';
export type { CallOptions } from './call.js';
export { withTraceContext } from './trace.js';
export { onLog, type LogLevel, type LogRecord } from './logs.js';
export type { Capacity, CapacityQuery, Degrees, PlaceLike, WindowLike } from './capacity.js';
export type { CreateOptions, Tenders } from './tenders.js';
export { Delivery, type HeadersLike, type Inbox, type Subscription, type Webhooks } from './events.js';
export type { Asking, CommandOptions, Dispatches, HoldOptions } from './dispatches.js';
export type { Identity, PemLike, PemReplacement } from './identity.js';
export type { Documents, Journal, Reconcile, Telemetry } from './records.js';
export * as contract from './contract.js';
export { Stream } from './stream.js';
export { Document } from './native.js';
export { epochNanos, Lexeme, Value, View, type Json, type Unlisted } from './view.js';
export * from './errors.js';
export * from './models.js';
