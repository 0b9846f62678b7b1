/** Values that accompany a message; keys in lowerCamelCase, as structured logs of Kubernetes components write them. */
export type LogValues = Readonly<Record<string, unknown>>;

/**
 * Where a component reports what it does. `lib/component/logging.ts` implements it; it stands here so that layers
 * below can log without importing that one.
 */
export interface Log {
  info(msg: string, kv?: LogValues): void;
  warn(msg: string, kv?: LogValues): void;
  /** @param err what was caught, of any type; `undefined` when there is none */
  error(err: unknown, msg: string, kv?: LogValues): void;
  /** Messages that appear only at verbosity `level` or above; check `enabled` before computing costly values. */
  v(level: number): VerboseLog;
  /** A log that adds `kv` to every message. The key `logger` names the part of the program that speaks. */
  with(kv: LogValues): Log;
}

export interface VerboseLog {
  readonly enabled: boolean;
  info(msg: string, kv?: LogValues): void;
}

const silent: VerboseLog = { enabled: false, info: () => undefined };

/** Drops everything. */
export const nullLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  v: () => silent,
  with: () => nullLog,
};

/** One message as {@link RecordingLog} keeps it. */
export interface LogEntry {
  readonly severity: 'info' | 'warn' | 'error';
  /** Verbosity level; 0 for messages that are always shown. */
  readonly level: number;
  readonly msg: string;
  readonly err?: unknown;
  readonly kv: LogValues;
}

/** A {@link Log} for tests: keeps what was logged, also by the logs derived from it. */
export class RecordingLog implements Log {
  readonly entries: LogEntry[];
  readonly #verbosity: number;
  readonly #kv: LogValues;

  /** @param verbosity highest level that is kept */
  constructor(verbosity = 10, kv: LogValues = {}, entries: LogEntry[] = []) {
    this.#verbosity = verbosity;
    this.#kv = kv;
    this.entries = entries;
  }

  /** The messages alone, in order. */
  get messages(): string[] {
    return this.entries.map((entry) => entry.msg);
  }

  info(msg: string, kv?: LogValues): void {
    this.entries.push({ severity: 'info', level: 0, msg, kv: { ...this.#kv, ...kv } });
  }

  warn(msg: string, kv?: LogValues): void {
    this.entries.push({ severity: 'warn', level: 0, msg, kv: { ...this.#kv, ...kv } });
  }

  error(err: unknown, msg: string, kv?: LogValues): void {
    this.entries.push({ severity: 'error', level: 0, msg, err, kv: { ...this.#kv, ...kv } });
  }

  v(level: number): VerboseLog {
    if (level > this.#verbosity) return silent;
    return {
      enabled: true,
      info: (msg, kv) => {
        this.entries.push({ severity: 'info', level, msg, kv: { ...this.#kv, ...kv } });
      },
    };
  }

  with(kv: LogValues): RecordingLog {
    return new RecordingLog(this.#verbosity, { ...this.#kv, ...kv }, this.entries);
  }
}
