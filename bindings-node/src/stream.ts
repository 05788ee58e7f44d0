// What the core yields one by one, as an async iterable that is pulled: nothing runs ahead of the loop that reads it.
import { inspect } from 'node:util';
import { call, type CallOptions } from './call.js';
import type { CancelToken, NativeStream } from './native.js';

/** An async iterable over what the core yields. `for await` closes it when the loop ends or is left, and so do `return()`
 * and `await using`. Aborting the signal rejects the pending `next` with the signal's reason and closes it. */
export class Stream<T> implements AsyncIterableIterator<T> {
  readonly #signal: AbortSignal | undefined;
  readonly #open: () => Promise<NativeStream<unknown>>;
  readonly #convert: (native: never) => T;
  #source: Promise<NativeStream<unknown>> | undefined;
  // The core yields in order, so one pull at a time.
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** @internal */
  constructor(
    open: (cancel: CancelToken) => Promise<NativeStream<unknown>>,
    convert: (native: never) => T,
    options: CallOptions,
  ) {
    this.#signal = options.signal;
    this.#open = () => call(this.#signal, open);
    this.#convert = convert;
  }

  /** The next one, when there is one. */
  next(): Promise<IteratorResult<T, undefined>> {
    const answer = this.#turn.then(() => this.#pull());
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the stream; a pending `next` ends with it. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true;
    const source = this.#source;
    this.#source = undefined;
    if (source !== undefined) (await source.catch(() => undefined))?.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Whether it goes on. */
  [inspect.custom](): string {
    return `Stream { ${this.#ended ? 'ended' : this.#source === undefined ? 'not read yet' : 'open'} }`;
  }

  async #pull(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#source ??= this.#open();
      const source = await this.#source;
      const native = await call(this.#signal, (cancel) => source.next(cancel));
      return native === null ? await this.return() : { done: false, value: this.#convert(native as never) };
    } catch (thrown) {
      if (this.#ended) return { done: true, value: undefined };
      await this.return();
      throw thrown;
    }
  }
}
