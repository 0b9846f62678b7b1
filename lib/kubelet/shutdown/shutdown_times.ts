/**
 * When pods were last ended for a shutdown of the machine, kept over it in the file that stock keeps it in: the figures are
 * asked for when the machine is up again.
 */
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../base/atomic_file.ts';
import { errorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { setAside } from '../../base/set_aside.ts';
import type { Metrics } from '../../component/metrics.ts';

/** Since the epoch; absent: never. */
interface Times {
  readonly start?: number;
  readonly end?: number;
}

const KEYS = { start: 'startTime', end: 'endTime' } as const;

export class ShutdownTimes {
  readonly #path: string;
  readonly #log: Log;
  #times: Times = {};

  /** @param path `<root-dir>/graceful_node_shutdown_state` */
  constructor(path: string, metrics: Metrics, log: Log) {
    this.#path = path;
    this.#log = log;
    for (const what of ['start', 'end'] as const)
      metrics.gauge({
        name: `kubelet_graceful_shutdown_${what}_time_seconds`,
        help: `Last graceful shutdown ${what} time since unix epoch in seconds`,
        collect: (gauge) => gauge.set((this.#times[what] ?? 0) / 1000),
      });
  }

  /** Takes what was kept. A file that cannot be read is reported, one that cannot be understood set aside too. */
  async load(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.#log.error(error, 'Cannot read when the last shutdown was');
      return;
    }
    try {
      this.#times = timesOf(JSON.parse(text));
    } catch (error) {
      await setAside(this.#path, error, 'The record of the last shutdown', this.#log);
    }
  }

  /** Never rejects: no shutdown fails for it. */
  async note(what: 'start' | 'end', nowMs: number): Promise<void> {
    this.#times = what === 'start' ? { start: nowMs } : { ...this.#times, end: nowMs };
    const kept = Object.entries(KEYS).flatMap(([key, field]) => {
      const at = key === 'start' ? this.#times.start : this.#times.end;
      return at === undefined ? [] : [[field, new Date(at).toISOString()]];
    });
    try {
      await writeFileAtomic(this.#path, JSON.stringify(Object.fromEntries(kept)), { mode: 0o644 });
    } catch (error) {
      this.#log.error(error, 'Cannot keep when the shutdown was', { path: this.#path });
    }
  }
}

function timesOf(value: unknown): Times {
  if (typeof value !== 'object' || value === null) throw new TypeError('want an object');
  const at = (field: string): number | undefined => {
    const text: unknown = Reflect.get(value, field);
    // Go's zero time stands for never.
    const ms = typeof text === 'string' ? Date.parse(text) : NaN;
    return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
  };
  const [start, end] = [at(KEYS.start), at(KEYS.end)];
  return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}
