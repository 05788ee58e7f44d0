// A carrier on this machine, for development and tests: it makes its own certificates and keys, and ends with its handle.
import { inspect } from 'node:util';
import { documentOf, optionalDocument, type DocumentLike } from './accept.js';
import { call, type CallOptions } from './call.js';
import { connect, type Client, type ConnectOptions } from './client.js';
import { LoadTender, type CapacityOffer } from './models.js';
import { addon, type CancelToken, type Document, type NativeSandbox } from './native.js';
import { At, Value } from './view.js';

/** How to start a carrier. */
export interface SandboxOptions extends CallOptions {
  /** Its name, and its key in the configuration that it writes; `aurora` by default. */
  carrier?: string | undefined;
  /** The program; by default what `GLADHAND_SANDBOX` names, or that of the npm package `gladhand-sandbox`, or
   * `gladhand-sandbox` on the `PATH`. */
  program?: string | undefined;
  /** Further arguments for the program. */
  args?: readonly string[] | undefined;
}

/** Starts a carrier. Rejects with `sandbox_unavailable` if there is no such program, `sandbox_failed` if it ends before it is
 * ready. */
export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { carrier = 'aurora', program, args = [], signal } = options;
  const start = (cancel: CancelToken) => addon.Sandbox.start(carrier, program, packaged(), [...args], cancel);
  return new Sandbox(await call(signal, start));
}

/** The program of the npm package `gladhand-sandbox`, if that is installed. */
function packaged(): string | undefined {
  try {
    return (require('gladhand-sandbox') as { program(): string }).program();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** A running sandbox carrier. It ends by `stop()`, and with this process. */
export class Sandbox implements AsyncDisposable {
  readonly #native: NativeSandbox;

  /** @internal */
  constructor(native: NativeSandbox) {
    this.#native = native;
  }

  /** The origin of the carrier's API. */
  get url(): string {
    return this.#native.fact('url');
  }

  /** The address of its control interface. */
  get controlUrl(): string {
    return this.#native.fact('control');
  }

  /** The `gladhand.toml` of a client. */
  get configPath(): string {
    return this.#native.fact('config');
  }

  /** The configuration of a vehicle gateway. */
  get gatewayConfigPath(): string {
    return this.#native.fact('gatewayConfig');
  }

  /** Where keys, certificates and configurations are. */
  get folder(): string {
    return this.#native.fact('dir');
  }

  /** A client of this carrier. */
  connect(options: ConnectOptions = {}): Promise<Client> {
    return connect({ path: this.configPath, ...options });
  }

  /** A load that fits the carrier's stock, or this offer of it, with dates ahead of the carrier's clock. */
  async load(loadId: string, offer?: DocumentLike<CapacityOffer>): Promise<LoadTender> {
    const document = optionalDocument(offer, 'offer');
    return LoadTender.fromDocument(await call(undefined, () => this.#native.load(loadId, document)));
  }

  /** Calls the control interface: `control('/state')` reads, `control('/decide', {…})` acts. */
  async control(path: string, body?: DocumentLike): Promise<Value> {
    const document: Document | undefined = body === undefined ? undefined : documentOf(body, 'body');
    return new Value(new At({ document: await call(undefined, () => this.#native.control(path, document)) }, ''));
  }

  /** Ends the carrier and waits for it. */
  async stop(): Promise<void> {
    await this.#native.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Where it is. */
  [inspect.custom](): string {
    return `Sandbox { url: ${this.url}, folder: ${this.folder} }`;
  }
}
