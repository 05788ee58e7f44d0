// What the core yields one by one, as an async iterable that is pulled: nothing runs ahead of the loop that reads it.
import { call, type CallOptions } from './call.js';
import type { CancelToken } from './native.js';

/** A source of the native side. */
export interface Source<N> {
  /** The next one; null at the end. */
  next(cancel: CancelToken): Promise<N | null>;
  /** Ends it; a pending `next` settles. */
  close(): void;
}

/** An async iterable over what the core yields. `for await` closes it when the loop ends or is left, and so do
 * `return()` and `await using`. Aborting the signal rejects the pending `next` with the signal's reason. */
export class Stream<T> implements AsyncIterableIterator<T> {
  readonly #signal: AbortSignal | undefined;
  readonly #open: () => Promise<Source<T>>;
  #source: Promise<Source<T>> | undefined;
  // The core yields in order, so one pull at a time.
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** @internal */
  constructor(open: (cancel: CancelToken) => Promise<Source<T>>, options: CallOptions = {}) {
    this.#signal = options.signal;
    this.#open = () => call(this.#signal, open);
  }

  /** The next one, when there is one. */
  next(): Promise<IteratorResult<T, undefined>> {
    const answer = this.#turn.then(() => this.#pull());
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the stream. */
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

  async #pull(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    try {
      this.#source ??= this.#open();
      const source = await this.#source;
      const value = await call(this.#signal, (cancel) => source.next(cancel));
      return value === null ? await this.return() : { done: false, value };
    } catch (thrown) {
      if (this.#ended) return { done: true, value: undefined };
      await this.return();
      throw thrown;
    }
  }
}

/** A source whose things are converted. */
export function converted<N, T>(source: Source<N>, convert: (native: N) => T): Source<T> {
  return {
    next: async (cancel) => {
      const native = await source.next(cancel);
      return native === null ? null : convert(native);
    },
    close: () => source.close(),
  };
}
