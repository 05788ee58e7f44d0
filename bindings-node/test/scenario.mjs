// Runs one scenario of the shared vectors through the public API; the vocabulary is in conformance/vectors/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as gladhand from 'gladhand';
import { vectors } from './fixture.mjs';

const { Document, GladhandError } = gladhand;

/** @typedef {import('gladhand').Document} Doc */

export class Scenario {
  /** @type {import('gladhand').Client | undefined} */
  #client;
  /** @type {Map<string, Doc>} */
  #saved = new Map();
  #copies = 0;

  /**
   * @param {Doc} document
   * @param {import('gladhand').Sandbox} carrier
   */
  constructor(document, carrier) {
    this.document = document;
    this.carrier = carrier;
  }

  async run() {
    try {
      for (let place = 0; place < this.document.count('/steps'); place += 1) {
        const text = this.document.raw(`/steps/${place}`) ?? '';
        const tries = Number(this.document.number(`/steps/${place}/eventually`) ?? 1);
        await this.#patiently(text, tries, `step ${place + 1}, ${this.document.text(`/steps/${place}/op`)}`);
      }
    } finally {
      await this.#client?.close();
    }
  }

  /** @param {string} text @param {number} tries @param {string} title */
  async #patiently(text, tries, title) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#step(Document.parse(this.#filled(text)));
      } catch (error) {
        if (attempt >= tries)
          throw new Error(`${title}: ${error instanceof Error ? error.message : error}`, { cause: error });
        await pause(100);
      }
    }
  }

  /** `"${name/pointer}"` becomes the JSON text that stands there. @param {string} text */
  #filled(text) {
    return text.replace(/"\$\{([^}"/]+)((?:\/[^}"]*)?)\}"/g, (_, name, pointer) => {
      const raw = this.#saved.get(name)?.raw(pointer);
      if (raw === undefined || raw === null) throw new Error(`nothing is saved at ${name}${pointer}`);
      return raw;
    });
  }

  /** @param {Doc} step */
  async #step(step) {
    const wanted = step.text('/expectError/code');
    let answer;
    try {
      answer = await this.#operate(step);
    } catch (error) {
      if (wanted === null || !(error instanceof GladhandError)) throw error;
      const sent = step.text('/expectError/sent');
      const says = step.text('/expectError/says');
      if (error.code !== wanted) throw new Error(`expected ${wanted}, got ${error.message}`);
      if (sent !== null && error.sent !== sent) throw new Error(`expected ${sent}, got ${error.sent}`);
      if (says !== null && !error.message.includes(says)) throw new Error(`"${error.message}" does not say ${says}`);
      return;
    }
    if (wanted !== null) throw new Error(`expected ${wanted}, got ${answer?.json()}`);
    for (let place = 0; place < step.count('/expect'); place += 1) {
      check(answer ?? Document.parse('{}'), Document.parse(step.raw(`/expect/${place}`) ?? ''));
    }
    const save = step.text('/save');
    if (save !== null && answer !== undefined) this.#saved.set(save, answer);
  }

  get #gh() {
    if (this.#client === undefined) throw new Error('the scenario has not connected');
    return this.#client;
  }

  /**
   * Performs the operation; its answer as a native document.
   * @param {Doc} step
   * @returns {Promise<Doc | undefined>}
   */
  async #operate(step) {
    const text = (/** @type {string} */ name) => step.text(`/${name}`) ?? '';
    const whole = (/** @type {string} */ name) => step.raw(`/${name}`) ?? undefined;
    const file = step.text('/file');
    const bytes = file === null ? undefined : readFileSync(join(vectors, file));
    switch (text('op')) {
      case 'connect':
        this.#client = await gladhand.connect({ path: this.#configuration(step), ...this.#journal(step) });
        return undefined;
      case 'close':
        await this.#gh.close();
        this.#client = undefined;
        return undefined;
      case 'sandbox.control':
        return Document.parse((await this.carrier.control(text('path'), bytes ?? whole('body'))).raw);
      case 'sandbox.load':
        return (await this.carrier.load(text('loadId'), whole('offer'))).document;
      case 'document.parse':
        return model(text('entity'))
          .fromJson(bytes ?? text('text'))
          .validate().document;
      case 'document.set':
        return set(step);
      case 'capacity.search':
        return (await this.#gh.capacity.search(JSON.parse(whole('request') ?? ''))).document;
      case 'capacity.explain':
        return this.#gh.capacity.explain(whole('load') ?? '', whole('offer') ?? '').document;
      case 'capacity.get':
        return (await this.#gh.capacity.get(text('carrier'), text('capacityId'))).document;
      case 'capacity.hold': {
        const options = { holdId: step.text('/holdId') ?? undefined };
        return (await this.#gh.capacity.hold(text('carrier'), text('capacityId'), options)).document;
      }
      case 'capacity.release':
        return (await this.#gh.capacity.release(text('carrier'), text('capacityId'), text('holdId'))).document;
      case 'tenders.create':
        return (await this.#gh.tenders.create(whole('load') ?? '', how(step))).document;
      case 'tenders.again':
        return (await this.#gh.tenders.tenderAgain(whole('load') ?? '', how(step))).document;
      case 'tenders.get':
        return (await this.#gh.tenders.get(text('tenderId'))).document;
      case 'tenders.list': {
        const state = /** @type {import('gladhand').TenderState | null} */ (step.text('/state')) ?? undefined;
        const found = await this.#gh.tenders.list({ state });
        return Document.parse(`{"tenders":[${found.map((tender) => tender.toJson()).join()}]}`);
      }
      case 'tenders.withdraw':
        return (await this.#gh.tenders.withdraw(text('tenderId'), { reason: text('reason') })).document;
      case 'tenders.revise':
        return (await this.#gh.tenders.revise(text('tenderId'), whole('load') ?? '', { waitMs: patience(step) }))
          .document;
      case 'tenders.amend':
        return (await this.#gh.tenders.amend(text('tenderId'), whole('load') ?? '')).document;
      case 'tenders.accept_counter':
        return (await this.#gh.tenders.acceptCounter(text('tenderId'), { waitMs: patience(step) })).document;
      case 'tenders.decline_counter': {
        const options = { reason: step.text('/reason') ?? undefined };
        return (await this.#gh.tenders.declineCounter(text('tenderId'), options)).document;
      }
      case 'tenders.request_cancel':
        return (await this.#gh.tenders.requestCancel(text('tenderId'), { reason: text('reason') })).document;
      case 'tenders.release_unproven': {
        const audited = { actor: text('actor'), reason: text('reason'), runbook: text('runbook') };
        return (await this.#gh.tenders.releaseUnproven(text('tenderId'), audited)).document;
      }
      case 'events.take':
        return this.#take(text('consumer'), Number(step.number('/count')));
      case 'inbox.receive':
        return (await this.#gh.inbox.receive(JSON.parse(whole('headers') ?? '[]'), text('body'))).document;
      case 'inbox.handshake':
        return this.#gh.inbox.handshake(JSON.parse(whole('headers') ?? '[]')).document;
      case 'documents.list':
        return Document.parse((await this.#gh.documents.list(text('tenderId'))).raw);
      case 'reconcile':
        return (await this.#gh.reconcile.run()).document;
      case 'journal.verify':
        return (await this.#gh.journal.verify()).document;
      case 'health':
        return (await this.#gh.health()).document;
      default:
        return this.#dispatch(step);
    }
  }

  /** @param {Doc} step @returns {Promise<Doc>} */
  async #dispatch(step) {
    const text = (/** @type {string} */ name) => step.text(`/${name}`) ?? '';
    const { dispatches } = this.#gh;
    const [id, ref] = [text('dispatchId'), text('commandRef')];
    const asking = {
      reason: text('reason'),
      requestedBy: text('requestedBy/principal'),
      role: step.text('/requestedBy/role') ?? undefined,
    };
    const leaseS = Number(step.number('/leaseS'));
    switch (text('op')) {
      case 'dispatches.get':
        return (await dispatches.get(id)).document;
      case 'dispatches.stop':
        return (await dispatches.stopAtNextSafeLocation(id, asking)).document;
      case 'dispatches.resume':
        return (await dispatches.resume(id, ref, asking)).document;
      case 'dispatches.hold':
        return (await dispatches.hold(id, { ...asking, leaseS })).document;
      case 'dispatches.renew_hold':
        return (await dispatches.renewHold(id, ref, { ...asking, leaseS })).document;
      case 'dispatches.release':
        return (await dispatches.release(id, ref, asking)).document;
      case 'dispatches.request_intervention': {
        const kind = /** @type {import('gladhand').InterventionKind} */ (text('kind'));
        return (await dispatches.requestIntervention(id, kind, asking)).document;
      }
      case 'dispatches.change_route':
        return (await dispatches.changeRoute(id, text('detourId'), asking)).document;
      case 'dispatches.commands': {
        const found = await dispatches.commands(id);
        return Document.parse(`{"commands":[${found.map((record) => record.toJson()).join()}]}`);
      }
      case 'dispatches.command_status':
        return (await dispatches.commandStatus(id, text('commandId'))).document;
      case 'dispatches.revoke':
        return (await dispatches.revoke(id, text('commandId'), asking)).document;
      default:
        throw new Error(`the runner does not know the operation ${text('op')}`);
    }
  }

  /** The setting for another journal. @param {Doc} step */
  #journal(step) {
    const name = step.text('/journal');
    return name === null ? {} : { journal: { path: join(dirname(this.carrier.configPath), name) } };
  }

  /** The carrier's configuration, or a copy without some keys. @param {Doc} step */
  #configuration(step) {
    const without = JSON.parse(step.raw('/without') ?? '[]');
    if (without.length === 0) return this.carrier.configPath;
    const lines = readFileSync(this.carrier.configPath, 'utf8').split('\n');
    const kept = lines.filter((line) => !without.includes(line.split('=')[0]?.trim()));
    this.#copies += 1;
    const copy = join(dirname(this.carrier.configPath), `without-${this.#copies}.toml`);
    writeFileSync(copy, kept.join('\n'));
    return copy;
  }

  /** @param {string} consumer @param {number} count */
  async #take(consumer, count) {
    const taken = [];
    for await (const delivery of this.#gh.events({ consumer, signal: AbortSignal.timeout(10_000) })) {
      await delivery.ack();
      taken.push(delivery.event.toJson());
      if (taken.length === count) break;
    }
    return Document.parse(`{"events":[${taken.join()}]}`);
  }
}

/** @param {Doc} step */
function how(step) {
  return {
    carrier: step.text('/carrier') ?? '',
    capacity: step.raw('/capacity') ?? undefined,
    waitMs: patience(step),
  };
}

/** How long to wait, in milliseconds. @param {Doc} step */
function patience(step) {
  const waitMs = step.number('/waitMs');
  return waitMs === null ? undefined : Number(waitMs);
}

/** @param {Doc} step */
function set(step) {
  let document = Document.parse(step.raw('/document') ?? '');
  for (let place = 0; place < step.count('/set'); place += 1) {
    const pointer = step.text(`/set/${place}/pointer`) ?? '';
    const value = step.raw(`/set/${place}/value`);
    document = value === null ? document.remove(pointer) : document.patch(pointer, value);
  }
  return document;
}

/** The model of an entity. @param {string} entity */
export function model(entity) {
  const found = Object.values(gladhand).find(
    (exported) => typeof exported === 'function' && 'entity' in exported && exported.entity === entity,
  );
  if (found === undefined) throw new Error(`there is no model of ${entity}`);
  return /** @type {typeof gladhand.Tender} */ (found);
}

/** @param {Doc} answer @param {Doc} wanted */
function check(answer, wanted) {
  const pointer = wanted.text('/pointer') ?? '';
  const places = spread(answer, pointer);
  const good = places.some((place) => holds(answer, place, wanted));
  // Nothing must stand there: then there is nothing to spread over either.
  if (!good && !(places.length === 0 && wanted.boolean('/present') === false)) {
    throw new Error(`${wanted.json()} does not hold: ${places.map((place) => answer.raw(place)).join() || 'nothing'}`);
  }
}

/** Every place that a pointer with `*` names. @param {Doc} answer @param {string} pointer @returns {string[]} */
function spread(answer, pointer) {
  const [before, ...after] = pointer.split('/*');
  if (after.length === 0) return [pointer];
  const rest = after.join('/*');
  return Array.from({ length: answer.count(before ?? '') }, (_, place) => `${before}/${place}${rest}`).flatMap((one) =>
    spread(answer, one),
  );
}

/** @param {Doc} answer @param {string} place @param {Doc} wanted */
function holds(answer, place, wanted) {
  const present = wanted.boolean('/present');
  if (present !== null) return (answer.kind(place) !== null) === present;
  const count = wanted.number('/count');
  if (count !== null) return answer.kind(place) !== null && answer.count(place) === Number(count);
  const file = wanted.text('/bytesOf');
  if (file !== null) return answer.raw(place) === readFileSync(join(vectors, file), 'utf8').trim();
  const choices =
    wanted.kind('/oneOf') === null
      ? ['/equals']
      : Array.from({ length: wanted.count('/oneOf') }, (_, n) => `/oneOf/${n}`);
  return choices.some((choice) => same(answer, place, wanted, choice));
}

/** @param {Doc} one @param {string} here @param {Doc} other @param {string} there */
function same(one, here, other, there) {
  const text = other.text(there);
  return text === null ? one.raw(here) === other.raw(there) : one.text(here) === text;
}
