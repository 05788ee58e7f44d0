// What the core logs, for the host's own log.
import { addon } from './native.js';

/** How grave a record is. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** One record of the core's log. No secret is in it. */
export interface LogRecord {
  /** When it happened. */
  readonly time: Date;
  readonly level: LogLevel;
  /** Which part of the core: `gladhand.tender`, `gladhand.security`, … */
  readonly logger: string;
  /** What happened. */
  readonly message: string;
  /** The facts, by name. */
  readonly fields: Readonly<Record<string, string>>;
  /** The trace of the call that it happened in, if that has one. */
  readonly traceId?: string | undefined;
}

/** Calls back for each record of the core at `level` (`info` unless given) and graver, of every client of this process, until
 * what this returns is called. Records come in batches, some milliseconds after they happened; it does not keep the process
 * alive. If they come faster than the listener takes them, up to 2048 wait, and a record of the logger `gladhand.logs` says how
 * many were lost. What the listener throws becomes a process warning. Throws `invalid_argument` for another level. */
export function onLog(listener: (record: LogRecord) => void, options: { level?: LogLevel } = {}): () => void {
  const listening = addon.LogListener.start(options.level, (batch) => {
    for (const { atMs, ...record } of batch) {
      try {
        listener({ time: new Date(atMs), ...record });
      } catch (error) {
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  });
  return () => listening.close();
}
