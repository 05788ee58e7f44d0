// Vehicles at work. A command is a request to the carrier's operations centre: the carrier decides, nothing is actuated
// from here.
import { optionalDocument, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import {
  CommandRecord,
  CommandStatus,
  Dispatch,
  type CommandParams,
  type CommandType,
  type InterventionKind,
} from './models.js';
import type { Document, NativeAsking, NativeClient } from './native.js';

/** Why something is asked for, and by whom. */
export interface Asking extends CallOptions {
  /** Why; on record at the carrier and in the journal. */
  reason: string;
  /** The person or program that asks. */
  requestedBy: string;
  /** The role of who asks; `dispatcher` unless given. */
  role?: string | undefined;
}

/** What belongs to a hold. */
export interface HoldOptions extends Asking {
  /** How long the hold lasts without renewal, in seconds. */
  leaseS: number;
}

/** What may be said of a command beside its type. */
export interface CommandOptions extends Asking {
  /** Members that belong to the type of command (`CommandParams`). */
  params?: DocumentLike<CommandParams> | undefined;
  /** How long the request stays open, in milliseconds; 5 minutes unless given, at most 15. */
  expiresMs?: number | undefined;
  /** How long a hold lasts without renewal, in seconds. */
  leaseS?: number | undefined;
  /** An id of your own makes the request repeatable: the same one is asked for once. */
  commandId?: string | undefined;
}

/** `gh.dispatches` */
export class Dispatches {
  readonly #native: NativeClient;

  /** @internal */
  constructor(native: NativeClient) {
    this.#native = native;
  }

  /** The dispatch as the carrier has it now (contract 4f). Rejects with `not_found`, `scope_missing`. */
  async get(dispatchId: string, options: CallOptions = {}): Promise<Dispatch> {
    return Dispatch.fromDocument(await call(options.signal, (cancel) => this.#native.dispatchGet(dispatchId, cancel)));
  }

  /** Asks for a stop at the next place that the carrier finds safe; follow it with `commandStatus`. `resume` undoes it.
   *
   * What a command rejects with is the same for all: `stale_dispatch` if the dispatch has changed since it was read,
   * `command_out_of_order`, `illegal_transition` where its control mode does not permit it, `schema_invalid` for a member that
   * does not belong to it, `scope_missing`, `not_found`. A command whose answer never came has the receipt `unproven`: the
   * journal finds out. */
  stopAtNextSafeLocation(dispatchId: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.stopAtNextSafeLocation(dispatchId, asking(options), cancel));
  }

  /** Asks to go on after the stop that was asked for under the command id `commandRef`. Rejects as
   * `stopAtNextSafeLocation` does. */
  resume(dispatchId: string, commandRef: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.dispatchResume(dispatchId, commandRef, asking(options), cancel));
  }

  /** Asks to hold the vehicle at its terminal. The hold lapses after `leaseS` seconds unless it is renewed; what the vehicle
   * does then, the carrier publishes as `holdLapse`. `release` undoes it. Rejects as `stopAtNextSafeLocation` does. */
  hold(dispatchId: string, options: HoldOptions): Promise<CommandStatus> {
    const { leaseS } = options;
    return status(options, (cancel) => this.#native.dispatchHold(dispatchId, asking(options), leaseS, cancel));
  }

  /** Asks for another lease of `leaseS` seconds, from now, for the hold that was asked for under the command id `commandRef`.
   * Rejects as `stopAtNextSafeLocation` does. */
  renewHold(dispatchId: string, commandRef: string, options: HoldOptions): Promise<CommandStatus> {
    const { leaseS } = options;
    return status(options, (cancel) =>
      this.#native.dispatchRenewHold(dispatchId, commandRef, asking(options), leaseS, cancel),
    );
  }

  /** Asks to end the hold that was asked for under the command id `commandRef`. Rejects as `stopAtNextSafeLocation` does. */
  release(dispatchId: string, commandRef: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.dispatchRelease(dispatchId, commandRef, asking(options), cancel));
  }

  /** Asks for a person: `human_takeover`, `transfer_hub` or `roadside_service`. The one command that is taken in the control
   * modes `manual_override`, `minimal_risk` and `out_of_service` (contract 4f). Rejects as `stopAtNextSafeLocation` does. */
  requestIntervention(dispatchId: string, kind: InterventionKind, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) =>
      this.#native.dispatchRequestIntervention(dispatchId, kind, asking(options), cancel),
    );
  }

  /** Asks for a detour that the capacity's route permits, by its id. Rejects with `detour_not_permitted` for another one,
   * and as `stopAtNextSafeLocation` does. */
  changeRoute(dispatchId: string, detourId: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.dispatchChangeRoute(dispatchId, detourId, asking(options), cancel));
  }

  /** Asks for a command of any type of the contract (4f). Rejects as `stopAtNextSafeLocation` does, and with
   * `revision_content_conflict` for a `commandId` under which something else was asked. */
  command(dispatchId: string, type: CommandType, options: CommandOptions): Promise<CommandStatus> {
    const { expiresMs, leaseS: leaseSeconds, commandId } = options;
    const fields = { kind: type, expiresMs, leaseSeconds, commandId };
    const params = optionalDocument(options.params, 'params');
    return status(options, (cancel) => this.#native.command(dispatchId, asking(options), fields, params, cancel));
  }

  /** Every command that was asked of a dispatch, oldest first: who asked for what and why, and what became of it. From the
   * journal alone; asks nobody. Rejects with `journal_busy` and its like. */
  async commands(dispatchId: string, options: CallOptions = {}): Promise<CommandRecord[]> {
    const found = await call(options.signal, (cancel) => this.#native.commandRecords(dispatchId, cancel));
    return found.map((document) => CommandRecord.fromDocument(document));
  }

  /** How far a command got, fresh from the carrier (contract 4f). Rejects with `not_found`, `scope_missing`. */
  commandStatus(dispatchId: string, commandId: string, options: CallOptions = {}): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.commandStatus(dispatchId, commandId, cancel));
  }

  /** Takes a command back that is not executing yet. Whoever says it first is on record (`commands`): said again, it is the
   * same revocation. Rejects with `illegal_transition` for one that is executing or over, `not_found`, `schema_invalid` for a
   * reason or name that is longer than the contract allows, `scope_missing`. */
  revoke(dispatchId: string, commandId: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.commandRevoke(dispatchId, commandId, asking(options), cancel));
  }
}

function asking({ reason, requestedBy: principal, role }: Asking): NativeAsking {
  return { reason, principal, role };
}

async function status(options: CallOptions, start: Parameters<typeof call<Document>>[1]): Promise<CommandStatus> {
  return CommandStatus.fromDocument(await call(options.signal, start));
}
