// The vehicle side: publishing what vehicles observe.
import { inspect } from 'node:util';
import { documentOf, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { Metrics } from './models.js';
import { addon, type Document, type NativeGateway } from './native.js';
import { settings, type Settings } from './settings.js';
import { nanoseconds, nativeColumns, Templates, type Columns, type Observation, type Published } from './vehicle.js';

/** Where a gateway took a record in. */
export interface Admission {
  /** The lane: `safety` or `routine`. */
  readonly lane: string;
  /** The record's number in its lane. */
  readonly sequence: bigint;
  /** The record's number at its producer. */
  readonly eventSequence: bigint;
  /** Whether it was taken; a full lane refuses. */
  readonly accepted: boolean;
}

/** What became of the records that were published. */
export interface Counts {
  /** Those that were taken. */
  readonly produced: number;
  /** Those that the collector has confirmed. */
  readonly acknowledged: number;
  /** Those that were declared lost. */
  readonly dropped: number;
  /** Those that wait for the collector's word. */
  readonly pending: number;
}

/** Where a gateway's settings come from. */
export interface GatewayOptions extends Settings, CallOptions {
  /** The gateway's configuration; without it the variable `GLADHAND_CONFIG` names it. */
  path?: string | undefined;
}

/** A vehicle gateway: takes records at once, sends them in order, keeps what the collector has not confirmed. */
export class Gateway implements AsyncDisposable {
  readonly #native: NativeGateway;
  readonly #templates = new Templates();

  private constructor(native: NativeGateway) {
    this.#native = native;
  }

  /** Connects a gateway. Rejects with a ConfigError that names the key, an IdentityError for certificates that are not usable. */
  static async connect(options: GatewayOptions = {}): Promise<Gateway> {
    const { path, signal, ...own } = options;
    return new Gateway(await call(signal, (cancel) => addon.Gateway.connect(path, settings(own), cancel)));
  }

  /** Takes one observation. Never waits: it returns when the record is admitted, not when it has arrived. Numbers are
   * rounded to 1e-7 degree, 1 mm, 1 mm/s, 0.01 degree of heading, 1 mm/s² and 0.001 degree/s, halves away from zero. Throws
   * `invalid_argument` with what is out of range, `record_too_large`, `client_closed`. */
  publish(observation: Observation): Admission {
    const { lat, lon, altitudeM, speedMps, headingDeg, faults } = observation;
    const stated =
      (lat === undefined ? 0 : 1) |
      (lon === undefined ? 0 : 2) |
      (altitudeM === undefined ? 0 : 4) |
      (speedMps === undefined ? 0 : 8) |
      (headingDeg === undefined ? 0 : 16);
    return this.#native.publish(
      this.#templates.of(observation),
      nanoseconds(observation.observedAt),
      observation.eventSequence,
      stated,
      lat ?? 0,
      lon ?? 0,
      altitudeM ?? 0,
      speedMps ?? 0,
      headingDeg ?? 0,
      observation.horizontalAccuracyM ?? 0,
      observation.verticalAccuracyM ?? 0,
      observation.accelerationLongitudinalMps2 ?? 0,
      observation.accelerationLateralMps2 ?? 0,
      observation.yawRateDegps ?? 0,
      faults === undefined || faults.length === 0 ? undefined : faults,
    );
  }

  /** Takes many observations of one vehicle: all of them or, if one is refused, none. The arrays are copied: they may be
   * used again at once. It takes the thread for about half a microsecond a row: give it what a second brings, not an hour.
   * Throws `invalid_argument` with the column and the row that is wrong, `client_closed`. */
  publishColumns(columns: Columns): Published {
    const { autonomyMode: mode, autonomyLevel: level } = columns;
    const labels = {
      ...columns,
      autonomyMode: typeof mode === 'string' ? mode : undefined,
      autonomyLevel: typeof level === 'string' ? level : undefined,
    };
    return this.#native.publishColumns(this.#templates.of(labels), nativeColumns(columns));
  }

  /** Takes one record, as JSON of the telemetry contract (`vehicleId`, `observedTimeUnixNanos`, `location`, …) or as a line
   * of a recorded trace. Throws `malformed_json`, `schema_invalid`, `record_too_large`, `client_closed`. */
  publishDocument(record: DocumentLike): Admission {
    const found = this.#native.publishDocument(documentOf(record, 'record'));
    return {
      lane: found.text('/lane') ?? '',
      sequence: BigInt(found.number('/sequence') ?? 0),
      eventSequence: BigInt(found.text('/eventSequence') ?? 0),
      accepted: found.boolean('/accepted') ?? false,
    };
  }

  /** Resolves when the collector has confirmed everything that was published, or it was declared lost. Rejects with
   * `client_closed`, `telemetry_refused`. */
  async flush(options: CallOptions = {}): Promise<Counts> {
    return counts(await call(options.signal, (cancel) => this.#native.flush(cancel)));
  }

  /** What became of the records so far. */
  stats(): Counts {
    return counts(this.#native.stats());
  }

  /** Numbers to watch the gateway by, as `Client.metrics`: each a sample with its `name`, its `labels` (`lane`, `reason`) and its
   * `value`; names that end in `_total` count up from the start of the gateway's epoch. Asks nobody. Throws `forked_client`. */
  metrics(): Metrics {
    return Metrics.fromDocument(this.#native.metrics());
  }

  /** Sends what is waiting and ends the stream; resolves with what became of all records. Closing twice is fine. */
  async close(): Promise<Counts> {
    return counts(await call(undefined, () => this.#native.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What became of the records. */
  [inspect.custom](): string {
    try {
      const { produced, acknowledged, dropped, pending } = this.stats();
      return `Gateway { produced: ${produced}, acknowledged: ${acknowledged}, dropped: ${dropped}, pending: ${pending} }`;
    } catch {
      return 'Gateway { closed }';
    }
  }
}

function counts(found: Document): Counts {
  const of = (name: string): number => Number(found.number(`/${name}`) ?? 0);
  return {
    produced: of('produced'),
    acknowledged: of('acknowledged'),
    dropped: of('dropped'),
    pending: of('pending'),
  };
}
