// What carriers offer, and whether a load fits it.
import { documentOf, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { CapacityResult, CapacitySearch, Eligibility, Place, Window, type CapacitySearchInit } from './models.js';
import type { NativeClient } from './native.js';

/** Latitude and longitude in degrees (WGS 84): a pair, an object, or a model. */
export type PlaceLike =
  readonly [lat: Degrees, lon: Degrees] | { readonly lat: Degrees; readonly lon: Degrees } | Place;
/** A number is exact enough for degrees and miles; a string keeps its digits. */
export type Degrees = number | string;
/** Start and end: an object of instants (RFC 3339 or Date), or a model. */
export type WindowLike = { readonly start: string | Date; readonly end: string | Date } | Window;

/** What to search for. */
export interface CapacityQuery {
  origin: PlaceLike;
  destination: PlaceLike;
  window?: WindowLike | undefined;
  /** Trailer type, such as `van`. */
  equipment?: string | undefined;
  /** Pounds of cargo. */
  weightLbs?: number | undefined;
  /** Statute miles around both places. */
  radiusMi?: number | string | undefined;
}

/** `gh.capacity` */
export class Capacity {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Asks every configured carrier. A carrier that does not answer is among `failures`, not an exception. */
  async search(query: CapacityQuery, options: CallOptions = {}): Promise<CapacityResult> {
    const init: CapacitySearchInit = {
      origin: place(query.origin),
      destination: place(query.destination),
      window: query.window === undefined ? undefined : window(query.window),
      equipment: query.equipment,
      weightLbs: query.weightLbs,
      radiusMi: query.radiusMi === undefined ? undefined : String(query.radiusMi),
    };
    const request = new CapacitySearch(init).document;
    return CapacityResult.fromDocument(
      await call(options.signal, (cancel) => this.#native.capacitySearch(request, cancel)),
    );
  }

  /** Whether the load fits the offer: `eligible`, `ineligible` or `unknown`, each check with its remedy. Asks nobody. */
  explain(load: DocumentLike, offer: DocumentLike): Eligibility {
    return Eligibility.fromDocument(this.#native.explain(documentOf(load, 'load'), documentOf(offer, 'offer')));
  }
}

function place(given: PlaceLike): Place {
  if (given instanceof Place) return given;
  const [lat, lon] = 'lat' in given ? [given.lat, given.lon] : given;
  return new Place({ lat: String(lat), lon: String(lon) });
}

function window(given: WindowLike): Window {
  if (given instanceof Window) return given;
  const text = (instant: string | Date): string => (typeof instant === 'string' ? instant : instant.toISOString());
  return new Window({ start: text(given.start), end: text(given.end) });
}
