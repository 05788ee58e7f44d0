// Papers, positions, reconciliation and the journal: the small services of a client.
import { call, type CallOptions } from './call.js';
import { JournalEntry, JournalReport, Position, ReconciliationReport } from './models.js';
import type { Document, NativeClient } from './native.js';
import { Stream } from './stream.js';
import { At, Value } from './view.js';

/** `gh.documents` */
export class Documents {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** The papers that the carrier has for the tender: proof of delivery, invoice. Rejects with `tender_unknown`, `not_found`. */
  async list(tenderId: string, options: CallOptions = {}): Promise<Value> {
    return value(await call(options.signal, (cancel) => this.#native.documentsList(tenderId, cancel)));
  }

  /** One paper, by its id from `list`. Rejects with `tender_unknown`, `not_found`. */
  async get(tenderId: string, documentId: string, options: CallOptions = {}): Promise<Value> {
    return value(await call(options.signal, (cancel) => this.#native.documentsGet(tenderId, documentId, cancel)));
  }
}

/** `gh.telemetry` */
export class Telemetry {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** The positions of these loads as they arrive, the newest first come: degrees (WGS 84), metres a second, each with its
   * freshness in milliseconds; never ends by itself. An outage is no error: it is outwaited. A loop over it rejects with
   * `tender_unknown` for a load without a tender, `tenant_forbidden` for one that is not under way, `scope_missing`,
   * `data_sharing_denied`, `invalid_argument` without a load. */
  follow(loads: string | Iterable<string>, options: CallOptions = {}): Stream<Position> {
    const ids = typeof loads === 'string' ? [loads] : [...loads];
    return new Stream(
      (cancel) => this.#native.telemetryFollow(ids, cancel),
      (document: Document) => Position.fromDocument(document),
      options,
    );
  }
}

/** `gh.reconcile` */
export class Reconcile {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Compares one digest per tender with the carriers' (contract 4e), repairs what can be repaired, reports the rest. A carrier
   * that fails is named in the report. Rejects with the codes of the journal, such as `journal_corrupt`. */
  async run(options: CallOptions = {}): Promise<ReconciliationReport> {
    return ReconciliationReport.fromDocument(await call(options.signal, (cancel) => this.#native.reconcile(cancel)));
  }
}

/** `gh.journal` */
export class Journal {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** Checks every entry against its digest, and the chain of them. What is wrong stands in the report. Rejects with
   * `journal_busy`, `client_closed`. */
  async verify(options: CallOptions = {}): Promise<JournalReport> {
    return JournalReport.fromDocument(await call(options.signal, (cancel) => this.#native.journalVerify(cancel)));
  }

  /** Every entry, oldest first, byte for byte. Rejects with `journal_busy`, `journal_corrupt`, `client_closed`. */
  async export(options: CallOptions = {}): Promise<JournalEntry[]> {
    const found = await call(options.signal, (cancel) => this.#native.journalExport(cancel));
    return found.map((document) => JournalEntry.fromDocument(document));
  }
}

function value(document: Document): Value {
  return new Value(new At({ document }, ''));
}
