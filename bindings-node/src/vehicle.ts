// What a vehicle observes: one observation, and many as columns, in natural units. The core rounds to the nearest scaled
// integer, halves away from zero.
import { addon, type NativeColumns, type RecordTemplate } from './native.js';

/** A sensor and how it is. */
export interface Sensor {
  /** `lidar`, `radar`, `camera`, `imu`, `gnss` and others of the telemetry contract. */
  readonly kind: string;
  /** `nominal`, `calibrating`, `degraded`, `offline` or `failed`. */
  readonly status: string;
  /** Which of its kind, from 0. */
  readonly position?: number | undefined;
  /** The carrier's name for it. */
  readonly name?: string | undefined;
  /** Its score in thousandths, where the vehicle has one. */
  readonly scorePermille?: number | undefined;
}

/** Something that is wrong, or no longer. */
export interface Fault {
  /** What is wrong, as the telemetry contract names it. */
  readonly code: string;
  /** How bad it is, as the telemetry contract names it. */
  readonly severity: string;
  /** Whether it is present now; `false` reports that it has gone. Present unless said otherwise. */
  readonly active?: boolean | undefined;
  /** The sensor concerned: its place among the observation's sensors. */
  readonly sensorIndex?: number | undefined;
  /** Suspect parameter number (SAE J1939). */
  readonly j1939Spn?: number | undefined;
  /** Failure mode identifier (SAE J1939). */
  readonly j1939Fmi?: number | undefined;
  /** The vendor's own code. */
  readonly vendorCode?: string | undefined;
}

/** What observations say in words. */
export interface Labels {
  readonly vehicleId: string;
  readonly loadId?: string | undefined;
  readonly capacityId?: string | undefined;
  readonly dispatchId?: string | undefined;
  /** Who drove, as the telemetry contract names it. */
  readonly autonomyMode?: string | undefined;
  /** At which level: `sae_0` to `sae_5`. */
  readonly autonomyLevel?: string | undefined;
  /** W3C trace id, lower-case hexadecimal. */
  readonly traceId?: string | undefined;
  /** W3C span id, lower-case hexadecimal. */
  readonly spanId?: string | undefined;
  readonly sensors?: readonly Sensor[] | undefined;
}

/** One observation of one vehicle. */
export interface Observation extends Labels {
  /** Nanoseconds since 1970 (UTC), or a Date. */
  readonly observedAt: bigint | Date;
  /** Degrees, WGS 84. */
  readonly lat?: number | undefined;
  /** Degrees, WGS 84. */
  readonly lon?: number | undefined;
  /** Height above the ellipsoid. */
  readonly altitudeM?: number | undefined;
  readonly horizontalAccuracyM?: number | undefined;
  readonly verticalAccuracyM?: number | undefined;
  readonly speedMps?: number | undefined;
  /** Clockwise from north. */
  readonly headingDeg?: number | undefined;
  /** Forwards. */
  readonly accelerationLongitudinalMps2?: number | undefined;
  /** To the left. */
  readonly accelerationLateralMps2?: number | undefined;
  readonly yawRateDegps?: number | undefined;
  readonly faults?: readonly Fault[] | undefined;
  /** The source's own number; without it the gateway numbers the record. */
  readonly eventSequence?: bigint | undefined;
}

/** One value per observation; NaN is a value that is not stated. A `Float64Array` is the fastest. */
export type Numbers = Float64Array | Float32Array | readonly number[];
/** Numbers of the telemetry contract, one per observation. */
export type Codes = Int32Array | Uint8Array | readonly number[];

/** Many observations of one vehicle. Units as in an observation. */
export interface Columns extends Omit<Labels, 'autonomyMode' | 'autonomyLevel'> {
  /** Nanoseconds since 1970 (UTC). */
  readonly observedAt: BigUint64Array | BigInt64Array;
  readonly eventSequence?: BigUint64Array | undefined;
  readonly lat?: Numbers | undefined;
  readonly lon?: Numbers | undefined;
  /** 1e-7 degree, instead of `lat`. */
  readonly latitudeE7Deg?: Int32Array | undefined;
  /** 1e-7 degree, instead of `lon`. */
  readonly longitudeE7Deg?: Int32Array | undefined;
  readonly altitudeM?: Numbers | undefined;
  readonly horizontalAccuracyM?: Numbers | undefined;
  readonly verticalAccuracyM?: Numbers | undefined;
  readonly speedMps?: Numbers | undefined;
  readonly headingDeg?: Numbers | undefined;
  readonly accelerationLongitudinalMps2?: Numbers | undefined;
  readonly accelerationLateralMps2?: Numbers | undefined;
  readonly yawRateDegps?: Numbers | undefined;
  readonly autonomyMode?: string | Codes | undefined;
  readonly autonomyLevel?: string | Codes | undefined;
}

/** What became of observations that were published together. */
export interface Published {
  /** How many of them were taken. */
  readonly accepted: number;
  /** How many records, of these or older ones, had to go meanwhile: `dropped` of the counts grew by so many. */
  readonly dropped: number;
  /** The number of the first at the source; 0 if there was none. */
  readonly firstEventSequence: bigint;
  /** The number of the last at the source; 0 if there was none. */
  readonly lastEventSequence: bigint;
}

/** The words of an observation as the core wants them. */
type Words = Required<{ [K in keyof Labels]: NonNullable<Labels[K]> }>;

/** Remembers the template of the observation before: nearly every observation of a vehicle has the same words. */
export class Templates {
  #words: Words | undefined;
  #template: RecordTemplate | undefined;

  /** The template of these labels; the last one where they are the same. */
  of(labels: Labels): RecordTemplate {
    if (this.#template !== undefined && this.#words !== undefined && same(this.#words, labels)) return this.#template;
    const words: Words = {
      vehicleId: labels.vehicleId,
      loadId: labels.loadId ?? '',
      capacityId: labels.capacityId ?? '',
      dispatchId: labels.dispatchId ?? '',
      autonomyMode: labels.autonomyMode ?? 'unspecified',
      autonomyLevel: labels.autonomyLevel ?? 'unspecified',
      traceId: labels.traceId ?? '',
      spanId: labels.spanId ?? '',
      // Copied: the caller may change an object and publish it again.
      sensors: (labels.sensors ?? []).map((sensor) => ({ ...sensor })),
    };
    this.#template = addon.RecordTemplate.of(words, this.#template);
    this.#words = words;
    return this.#template;
  }
}

function same(words: Words, labels: Labels): boolean {
  const sensors = labels.sensors ?? [];
  return (
    words.vehicleId === labels.vehicleId &&
    words.loadId === (labels.loadId ?? '') &&
    words.capacityId === (labels.capacityId ?? '') &&
    words.dispatchId === (labels.dispatchId ?? '') &&
    words.autonomyMode === (labels.autonomyMode ?? 'unspecified') &&
    words.autonomyLevel === (labels.autonomyLevel ?? 'unspecified') &&
    words.traceId === (labels.traceId ?? '') &&
    words.spanId === (labels.spanId ?? '') &&
    words.sensors.length === sensors.length &&
    words.sensors.every((sensor, place) => {
      const other = sensors[place];
      return (
        other !== undefined &&
        sensor.kind === other.kind &&
        sensor.status === other.status &&
        sensor.position === other.position &&
        sensor.name === other.name &&
        sensor.scorePermille === other.scorePermille
      );
    })
  );
}

/** An instant in nanoseconds since 1970. */
export function nanoseconds(instant: bigint | Date): bigint {
  return typeof instant === 'bigint' ? instant : BigInt(instant.getTime()) * 1_000_000n;
}

/** The arrays as the core wants them. */
export function nativeColumns(given: Columns): NativeColumns {
  const { observedAt } = given;
  return {
    ...(observedAt instanceof BigInt64Array ? { observedAtSigned: observedAt } : { observedAt }),
    eventSequence: given.eventSequence,
    lat: numbers(given.lat),
    lon: numbers(given.lon),
    latitudeE7Deg: given.latitudeE7Deg,
    longitudeE7Deg: given.longitudeE7Deg,
    altitudeM: numbers(given.altitudeM),
    horizontalAccuracyM: numbers(given.horizontalAccuracyM),
    verticalAccuracyM: numbers(given.verticalAccuracyM),
    speedMps: numbers(given.speedMps),
    headingDeg: numbers(given.headingDeg),
    accelerationLongitudinalMps2: numbers(given.accelerationLongitudinalMps2),
    accelerationLateralMps2: numbers(given.accelerationLateralMps2),
    yawRateDegps: numbers(given.yawRateDegps),
    autonomyMode: codes(given.autonomyMode),
    autonomyLevel: codes(given.autonomyLevel),
  };
}

function numbers(column: Numbers | undefined): Float64Array | undefined {
  return column === undefined || column instanceof Float64Array ? column : Float64Array.from(column);
}

function codes(column: string | Codes | undefined): Int32Array | undefined {
  if (column === undefined || typeof column === 'string') return undefined;
  return column instanceof Int32Array ? column : Int32Array.from(column);
}
