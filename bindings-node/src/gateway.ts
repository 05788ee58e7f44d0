// The vehicle side: publishing what vehicles observe.
import { documentOf, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { addon, type Document, type NativeGateway } from './native.js';
import { settings, type Settings } from './settings.js';

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
  readonly produced: number;
  /** Those that the collector has confirmed. */
  readonly acknowledged: number;
  /** Those that were declared lost. */
  readonly dropped: number;
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

  private constructor(native: NativeGateway) {
    this.#native = native;
  }

  /** Connects a gateway. */
  static async connect(options: GatewayOptions = {}): Promise<Gateway> {
    const { path, signal, ...own } = options;
    return new Gateway(await call(signal, (cancel) => addon.Gateway.connect(path, settings(own), cancel)));
  }

  /** Takes one record, as JSON of the telemetry contract (`vehicleId`, `observedTimeUnixNanos`, `location`, …) or as a line
   * of a recorded trace. Never waits: it returns when the record is admitted, not when it has arrived. */
  publish(record: DocumentLike): Admission {
    const found = this.#native.publish(documentOf(record, 'record'));
    return {
      lane: found.text('/lane') ?? '',
      sequence: BigInt(found.number('/sequence') ?? 0),
      eventSequence: BigInt(found.text('/eventSequence') ?? 0),
      accepted: found.boolean('/accepted') ?? false,
    };
  }

  /** Resolves when the collector has confirmed everything that was published, or it was declared lost. */
  async flush(options: CallOptions = {}): Promise<Counts> {
    return counts(await call(options.signal, (cancel) => this.#native.flush(cancel)));
  }

  /** What became of the records so far. */
  stats(): Counts {
    return counts(this.#native.stats());
  }

  /** Sends what is waiting and ends the stream. */
  async close(): Promise<Counts> {
    return counts(await call(undefined, () => this.#native.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
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
