// Vehicles at work. A command is a request to the carrier's operations centre: the carrier decides, nothing is actuated
// from here.
import { optionalDocument, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { CommandStatus, Dispatch, type CommandType } from './models.js';
import type { Document, NativeClient } from './native.js';

/** Why something is asked for, and by whom. */
export interface Asking extends CallOptions {
  reason: string;
  /** The person or program that asks. */
  requestedBy: string;
}

/** What may be said of a command beside its type. */
export interface CommandOptions extends Asking {
  /** The role of who asks. */
  role?: string | undefined;
  /** Members that belong to the type of command. */
  params?: DocumentLike | undefined;
  /** How long the request stays open, in milliseconds. */
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

  /** The dispatch as the carrier has it now. */
  async get(dispatchId: string, options: CallOptions = {}): Promise<Dispatch> {
    return Dispatch.fromDocument(await call(options.signal, (cancel) => this.#native.dispatchGet(dispatchId, cancel)));
  }

  /** Asks for a stop at the next place that the carrier finds safe; follow it with `commandStatus`. */
  stopAtNextSafeLocation(dispatchId: string, options: Asking): Promise<CommandStatus> {
    return status(options, (cancel) =>
      this.#native.stopAtNextSafeLocation(dispatchId, options.reason, options.requestedBy, cancel),
    );
  }

  /** Asks to go on after a stop. */
  resume(dispatchId: string, options: CommandOptions): Promise<CommandStatus> {
    return this.command(dispatchId, 'resume', options);
  }

  /** Asks to hold the vehicle at its terminal, for `leaseS` unless renewed. */
  hold(dispatchId: string, options: CommandOptions): Promise<CommandStatus> {
    return this.command(dispatchId, 'hold_at_terminal', options);
  }

  /** Asks to release a held vehicle. */
  release(dispatchId: string, options: CommandOptions): Promise<CommandStatus> {
    return this.command(dispatchId, 'release', options);
  }

  /** Asks for a command of any type of the contract. */
  command(dispatchId: string, type: CommandType, options: CommandOptions): Promise<CommandStatus> {
    const { reason, requestedBy: principal, role, expiresMs, leaseS: leaseSeconds, commandId } = options;
    const fields = { kind: type, reason, principal, role, expiresMs, leaseSeconds, commandId };
    const params = optionalDocument(options.params, 'params');
    return status(options, (cancel) => this.#native.command(dispatchId, fields, params, cancel));
  }

  /** How far a command got. */
  commandStatus(dispatchId: string, commandId: string, options: CallOptions = {}): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.commandStatus(dispatchId, commandId, cancel));
  }

  /** Takes a command back that is not executing yet. */
  revoke(dispatchId: string, commandId: string, options: CallOptions = {}): Promise<CommandStatus> {
    return status(options, (cancel) => this.#native.commandRevoke(dispatchId, commandId, cancel));
  }
}

async function status(options: CallOptions, start: Parameters<typeof call<Document>>[1]): Promise<CommandStatus> {
  return CommandStatus.fromDocument(await call(options.signal, start));
}
