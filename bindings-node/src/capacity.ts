// What carriers offer, and whether a load fits it.
import { documentOf, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import {
  CapacityOffer,
  CapacityResult,
  CapacitySearch,
  Eligibility,
  Place,
  Window,
  type CapacitySearchInit,
  type LoadTender,
} from './models.js';
import type { Document, NativeClient } from './native.js';

/** Latitude and longitude in degrees (WGS 84): a pair, an object, or a model. */
export type PlaceLike =
  readonly [lat: Degrees, lon: Degrees] | { readonly lat: Degrees; readonly lon: Degrees } | Place;
/** A number is exact enough for degrees and miles; a string keeps its digits. */
export type Degrees = number | string;
/** Start and end: an object of instants (RFC 3339 or Date), or a model. */
export type WindowLike = { readonly start: string | Date; readonly end: string | Date } | Window;

/** What to search for. */
export interface CapacityQuery {
  /** Where the load is picked up. */
  origin: PlaceLike;
  /** Where it is delivered. */
  destination: PlaceLike;
  /** When it is to be picked up. */
  window?: WindowLike | undefined;
  /** Trailer type, such as `van`. */
  equipment?: string | undefined;
  /** Pounds (avoirdupois) of cargo. */
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

  /** Asks every configured carrier at once (contract 3b). A carrier that does not answer is among `failures`, with its error, not
   * an exception. Rejects with `schema_invalid` for a query that is none. */
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

  /** One offer, fresh from the carrier, byte for byte. Rejects with `not_found`, `carrier_unknown`. */
  get(carrier: string, capacityId: string, options: CallOptions = {}): Promise<CapacityOffer> {
    return offer(options, (cancel) => this.#native.capacityGet(carrier, capacityId, cancel));
  }

  /** Holds a slot of an offer before a load is tendered (contract 3b): the offer with its `hold`, which says until when.
   * Without a `holdId` it is a new hold; the same id again is the same hold. Rejects with `capacity_committed` where nothing
   * is left, `hold_expired` for an id that was released or has lapsed. */
  hold(
    carrier: string,
    capacityId: string,
    options: CallOptions & { holdId?: string | undefined } = {},
  ): Promise<CapacityOffer> {
    return offer(options, (cancel) => this.#native.capacityHold(carrier, capacityId, options.holdId, cancel));
  }

  /** Lets a held slot go: the offer without the hold. Rejects with `hold_expired`, `not_found`, `carrier_unknown`. */
  release(carrier: string, capacityId: string, holdId: string, options: CallOptions = {}): Promise<CapacityOffer> {
    return offer(options, (cancel) => this.#native.capacityRelease(carrier, capacityId, holdId, cancel));
  }

  /** Whether the load fits the offer now (contract 3b to 3d): `eligible`, `ineligible` or `unknown`, each check with its remedy.
   * Asks nobody. Throws `schema_invalid` for an offer that is none. */
  explain(load: DocumentLike<LoadTender>, offer: DocumentLike<CapacityOffer>): Eligibility {
    return Eligibility.fromDocument(this.#native.explain(documentOf(load, 'load'), documentOf(offer, 'offer')));
  }
}

async function offer(options: CallOptions, start: Parameters<typeof call<Document>>[1]): Promise<CapacityOffer> {
  return CapacityOffer.fromDocument(await call(options.signal, start));
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
