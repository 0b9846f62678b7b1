/**
 * `--lock-file`: one kubelet at a time. A second one waits for the first to end; with `--exit-on-lock-contention` the first
 * ends when a second one comes.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { readFile, stat, utimes } from 'node:fs/promises';
import koffi from 'koffi';
import { cFunctions, errnoSymbol } from '../../base/c_library.ts';
import type { Clock } from '../../base/clock.ts';
import { errorCode } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';

interface LockCalls {
  readonly flock: (fd: number, operation: number) => number;
}

const calls = cFunctions((library): LockCalls => ({
  flock: library.func('int flock(int fd, int operation)'),
}));

const LOCK_EX = 2;
const LOCK_NB = 4;
const LOOK_MS = 1000;

export interface LockFileOptions {
  readonly path: string;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Pick<Log, 'info'>;
  readonly signal: AbortSignal;
}

/** A lock that is held until it is let go or the process ends. */
export class LockFile {
  readonly #options: LockFileOptions;
  readonly #fd: number;
  readonly #touchedMs: number;

  private constructor(options: LockFileOptions, fd: number) {
    this.#options = options;
    this.#fd = fd;
    this.#touchedMs = fstatSync(fd).mtimeMs;
  }

  /**
   * Resolves when the lock is held, however long that takes.
   *
   * @throws Error when the file cannot be opened or locked; the reason of the signal when that aborts first
   */
  static async acquire(options: LockFileOptions): Promise<LockFile> {
    const { clock, log, path, signal } = options;
    const fd = openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600);
    try {
      for (let isFirst = true; ; isFirst = false) {
        if (calls().flock(fd, LOCK_EX | LOCK_NB) === 0) return new LockFile(options, fd);
        const code = errnoSymbol(koffi.errno());
        if (code !== 'EAGAIN' && code !== 'EWOULDBLOCK') throw new Error(`cannot lock ${path}: ${code}`);
        if (isFirst) {
          log.info('Waiting for another kubelet to let go of the lock file', { path });
          // Tells who holds it, if that is a kubelet as this one, and is to end then.
          const now = new Date(clock.now());
          await utimes(path, now, now);
        }
        await clock.sleep(LOOK_MS, signal);
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Resolves when the lock {@link isWanted}; rejects with the reason of the signal. */
  async wanted(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!(await this.isWanted())) await clock.sleep(LOOK_MS, signal);
  }

  /** Whether somebody else wants the lock, or its file is gone. */
  async isWanted(): Promise<boolean> {
    const { path } = this.#options;
    try {
      const { ino, mtimeMs } = await stat(path);
      if (mtimeMs !== this.#touchedMs) return true;
      return isWaitedFor(await readFile('/proc/locks', 'utf8'), ino);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return true;
      throw error;
    }
  }

  release(): void {
    closeSync(this.#fd);
  }
}

/** Whether /proc/locks has somebody who waits for a lock on a file, as kubelets of others do (`proc_locks(5)`). */
export function isWaitedFor(locks: string, inode: number): boolean {
  return locks
    .split('\n')
    .some((line) => /^\d+: -> FLOCK /.test(line) && new RegExp(`:${inode} \\S+ \\S+$`).test(line.trim()));
}
