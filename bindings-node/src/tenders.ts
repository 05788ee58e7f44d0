// Offering loads to carriers. A refusal is an answer: a tender in the state `rejected`.
import { documentOf, optionalDocument, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { Tender, type TenderState } from './models.js';
import type { NativeClient } from './native.js';
import { Stream } from './stream.js';

/** How to tender. */
export interface CreateOptions extends CallOptions {
  /** The carrier's name in the configuration. */
  carrier: string;
  /** The offer that the tender takes. */
  capacity?: DocumentLike | undefined;
  /** How long the carrier may think before it answers `pending`, in milliseconds. */
  waitMs?: number | undefined;
}

/** `gh.tenders` */
export class Tenders {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Tenders a load; joins the tender that already holds it. The intent is in the journal before anything is sent. */
  async create(load: DocumentLike, options: CreateOptions): Promise<Tender> {
    const [document, capacity] = [documentOf(load, 'load'), optionalDocument(options.capacity, 'capacity')];
    return tender(options, (cancel) =>
      this.#native.tenderCreate(document, options.carrier, capacity, options.waitMs, cancel),
    );
  }

  /** Tenders a load again that the carrier has released, as a new attempt. */
  async tenderAgain(load: DocumentLike, options: CreateOptions): Promise<Tender> {
    const [document, capacity] = [documentOf(load, 'load'), optionalDocument(options.capacity, 'capacity')];
    return tender(options, (cancel) =>
      this.#native.tenderAgain(document, options.carrier, capacity, options.waitMs, cancel),
    );
  }

  /** The tender as the journal has it. Rejects with `tender_unknown` for one that is not there. */
  get(tenderId: string, options: CallOptions = {}): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderGet(tenderId, cancel));
  }

  /** All tenders, or those in one state. */
  async list(options: CallOptions & { state?: TenderState | undefined } = {}): Promise<Tender[]> {
    const found = await call(options.signal, (cancel) => this.#native.tenderList(options.state, cancel));
    return found.map((document) => Tender.fromDocument(document));
  }

  /** The tender now, and again whenever it changes. */
  watch(tenderId: string, options: CallOptions = {}): Stream<Tender> {
    return new Stream(
      (cancel) => this.#native.tenderWatch(tenderId, cancel),
      (document) => Tender.fromDocument(document),
      options,
    );
  }

  /** Withdraws a tender that the carrier has not decided. */
  withdraw(tenderId: string, options: CallOptions & { reason: string }): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderWithdraw(tenderId, options.reason, cancel));
  }
}

async function tender(options: CallOptions, start: Parameters<typeof call<Tender['document']>>[1]): Promise<Tender> {
  return Tender.fromDocument(await call(options.signal, start));
}
