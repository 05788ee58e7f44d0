// Offering loads to carriers. A refusal is an answer: a tender in the state `rejected`.
import { documentOf, optionalDocument, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { Tender, type CapacityOffer, type LoadTender, type TenderState } from './models.js';
import type { NativeClient } from './native.js';
import { Stream } from './stream.js';

/** How to tender. */
export interface CreateOptions extends CallOptions {
  /** The carrier's name in the configuration. */
  carrier: string;
  /** The offer that the tender takes. */
  capacity?: DocumentLike<CapacityOffer> | undefined;
  /** How long the carrier may think before it answers `pending`, in milliseconds; without it nobody waits. */
  waitMs?: number | undefined;
}

/** `gh.tenders` */
export class Tenders {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Tenders a load. The intent is in the journal, synced to disk, before anything is sent (contract 4c); a load that an open
   * tender already holds is not sent again: that tender is the answer, `joined`. A refusal is an answer too, a tender in the
   * state `rejected`. Waits up to `waitMs` milliseconds for the decision; then it is `pending` and the decision an event.
   *
   * Rejects before anything is sent with the codes of broken rules (`schema_invalid` and its like, with `violations`),
   * the code of the check that a load does not pass, such as `weight_exceeded`, `carrier_unknown`, `journal_unwritable`. Later failures (network, auth,
   * unavailable) say by `sent` how far it got: `maybe_sent` is found out by the journal, and must not be sent in another way. */
  async create(load: DocumentLike<LoadTender>, options: CreateOptions): Promise<Tender> {
    const [document, capacity] = [documentOf(load, 'load'), optionalDocument(options.capacity, 'capacity')];
    return tender(options, (cancel) =>
      this.#native.tenderCreate(document, options.carrier, capacity, options.waitMs, cancel),
    );
  }

  /** Tenders a load again that its carrier has released, as its next attempt (contract 4b). Rejects with `load_held` while a
   * tender holds it still, and as `create` does. */
  async tenderAgain(load: DocumentLike<LoadTender>, options: CreateOptions): Promise<Tender> {
    const [document, capacity] = [documentOf(load, 'load'), optionalDocument(options.capacity, 'capacity')];
    return tender(options, (cancel) =>
      this.#native.tenderAgain(document, options.carrier, capacity, options.waitMs, cancel),
    );
  }

  /** The tender as it is now: what the journal does not know yet is read from the carrier. Rejects with `tender_unknown` for one
   * that is not in the journal. */
  get(tenderId: string, options: CallOptions = {}): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderGet(tenderId, cancel));
  }

  /** The tenders of the journal, all or those in one state. Asks no carrier. Rejects with `journal_busy` and its like. */
  async list(options: CallOptions & { state?: TenderState | undefined } = {}): Promise<Tender[]> {
    const found = await call(options.signal, (cancel) => this.#native.tenderList(options.state, cancel));
    return found.map((document) => Tender.fromDocument(document));
  }

  /** Sends new content of a tender that is not decided yet, as its next revision; offers for an older one are void (contract
   * 4b, row 8). `load` is the whole LoadTender as it shall be; revision, tender id and mode are filled in. Waits up to `waitMs`
   * milliseconds for the decision. Rejects with `already_accepted` where the carrier was faster: `amend` then proposes the
   * change; `illegal_transition`, `tender_unknown`, and the codes of broken rules. */
  async revise(
    tenderId: string,
    load: DocumentLike<LoadTender>,
    options: CallOptions & { waitMs?: number | undefined } = {},
  ): Promise<Tender> {
    const document = documentOf(load, 'load');
    return tender(options, (cancel) => this.#native.tenderRevise(tenderId, document, options.waitMs, cancel));
  }

  /** Proposes new content of an accepted tender (contract 4b, row 18). The tender stays as it is, with `amendment` `received`,
   * until the carrier confirms or declines. Rejects with `illegal_transition`, `revision_content_conflict` while another
   * proposal is open, `tender_unknown`. */
  async amend(tenderId: string, load: DocumentLike<LoadTender>, options: CallOptions = {}): Promise<Tender> {
    const document = documentOf(load, 'load');
    return tender(options, (cancel) => this.#native.tenderAmend(tenderId, document, cancel));
  }

  /** Takes the carrier's counter offer, `decision.counter` (contract 4b, row 7): `accepted`, or `rejected` with `capacity_gone`
   * where the capacity was taken meanwhile. Waits up to `waitMs` milliseconds. Rejects with `counter_expired`,
   * `illegal_transition` where there is no counter offer, `tender_unknown`. */
  acceptCounter(tenderId: string, options: CallOptions & { waitMs?: number | undefined } = {}): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderAcceptCounter(tenderId, options.waitMs, cancel));
  }

  /** Declines the carrier's counter offer: the tender is `rejected`, its load free (contract 4b, row 9). Rejects as
   * `acceptCounter` does. */
  declineCounter(tenderId: string, options: CallOptions & { reason?: string | undefined } = {}): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderDeclineCounter(tenderId, options.reason, cancel));
  }

  /** Asks to cancel an accepted or dispatched tender (contract 4b, row 16). The carrier may decline, and the load is held until
   * it confirms: see `cancellation`. Rejects with `illegal_transition`, `tender_unknown`. */
  requestCancel(tenderId: string, options: CallOptions & { reason: string }): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderRequestCancel(tenderId, options.reason, cancel));
  }

  /** The operator's override: frees a load whose carrier can neither confirm nor deny, once somebody has made sure by other
   * means that no truck will come (contract 4b). `actor` decides, by the `runbook`, such as `RB-01`; both stand in the journal
   * with the reason. Rejects with `illegal_transition` where the carrier's word is known or no load is held,
   * `invalid_argument` for an empty name, `tender_unknown`. */
  releaseUnproven(
    tenderId: string,
    options: CallOptions & { actor: string; reason: string; runbook: string },
  ): Promise<Tender> {
    const { actor, reason, runbook } = options;
    return tender(options, (cancel) => this.#native.tenderReleaseUnproven(tenderId, actor, reason, runbook, cancel));
  }

  /** The tender now, and again whenever it changes, until its last state. A loop over it rejects with `tender_unknown`,
   * `client_closed`. */
  watch(tenderId: string, options: CallOptions = {}): Stream<Tender> {
    return new Stream(
      (cancel) => this.#native.tenderWatch(tenderId, cancel),
      (document) => Tender.fromDocument(document),
      options,
    );
  }

  /** Withdraws a tender that the carrier has not decided (contract 4b, row 11). Rejects with `already_accepted` where the carrier
   * was faster: nothing is withdrawn then, `requestCancel` asks for it; `illegal_transition`, `tender_unknown`. */
  withdraw(tenderId: string, options: CallOptions & { reason: string }): Promise<Tender> {
    return tender(options, (cancel) => this.#native.tenderWithdraw(tenderId, options.reason, cancel));
  }
}

async function tender(options: CallOptions, start: Parameters<typeof call<Tender['document']>>[1]): Promise<Tender> {
  return Tender.fromDocument(await call(options.signal, start));
}
