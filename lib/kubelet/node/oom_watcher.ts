/** Tells of processes that the kernel killed because the machine as a whole ran out of memory, from its log. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents } from '../contracts.ts';

export interface OomWatcherOptions {
  readonly events: Pick<KubeletEvents, 'node'>;
  readonly log: Log;
  /** Default `/dev/kmsg`. */
  readonly file?: string;
}

/** A process that was killed for the want of memory of the machine, not of a cgroup. */
export interface OomVictim {
  readonly process: string;
  readonly pid: number;
}

/** A record is at most this long (`Documentation/ABI/testing/dev-kmsg` of Linux). */
const RECORD_BYTES = 8192;
/** Facility 0, the kernel: others are written by programs. */
const VICTIM = /^([0-7]),[^;]*;oom-kill:[^;]*,global_oom,.*,task=(?<process>.*),pid=(?<pid>\d+),uid=\d+$/u;

/** The victim that a line of the kernel's log names, undefined for all other lines. */
export function oomVictim(line: string): OomVictim | undefined {
  const { process, pid } = VICTIM.exec(line)?.groups ?? {};
  return process === undefined || pid === undefined ? undefined : { process, pid: Number(pid) };
}

export class OomWatcher {
  readonly #options: OomWatcherOptions;
  #log: number | undefined;
  readonly #buffer = Buffer.alloc(RECORD_BYTES);

  constructor(options: OomWatcherOptions) {
    this.#options = options;
  }

  /** From now on {@link poll} tells of new victims. A log that cannot be read is named, and nothing is told. */
  open(): void {
    const { file = '/dev/kmsg', log } = this.#options;
    try {
      this.#log = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
      for (const _ of this.#lines()); // what was before is not news
    } catch (error) {
      this.close();
      log.warn('Cannot read the log of the kernel: no events tell when the machine runs out of memory', {
        file,
        err: errorMessage(error),
      });
    }
  }

  /** Makes an event of each victim since the last call. */
  poll(): void {
    for (const line of this.#lines()) {
      const victim = oomVictim(line);
      if (victim === undefined) continue;
      const message = `System OOM encountered, victim process: ${victim.process}, pid: ${victim.pid}`;
      this.#options.events.node('Warning', 'SystemOOM', message);
    }
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
  }

  *#lines(): Generator<string> {
    for (;;) {
      const record = this.#record();
      if (record === undefined) return;
      yield* record.split('\n');
    }
  }

  /** The next record; undefined: none yet. */
  #record(): string | undefined {
    if (this.#log === undefined) return undefined;
    for (;;) {
      try {
        const length = readSync(this.#log, this.#buffer);
        return length === 0 ? undefined : this.#buffer.toString('utf8', 0, length);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'EAGAIN') return undefined;
        // The kernel overwrote the record before it was read; the next read goes on with the oldest there is.
        if (code !== 'EPIPE') throw error;
      }
    }
  }
}
