/** Reads one container's log file, and follows it while the container runs, over rotation. */
import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { errorCode } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { parseLogLine } from './cri_line.ts';
import type { LogOptions } from './log_options.ts';
import { tailOffset } from './tail.ts';

export interface LogReaderOptions {
  readonly path: string;
  readonly options: LogOptions;
  /** Whether more may be written: the container runs or is about to. Asked at each end of the file while following. */
  readonly running: () => boolean;
  /** Resolves when the receiver wants more; rejects when it is gone. */
  readonly write: (chunk: Buffer) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const BLOCK = 64 * 1024;
/** Longest part of a line that is kept in memory while its end has not been read; runtimes write at most 16 KiB. */
const LONGEST_LINE = 1024 * 1024;
/** Changes are seen at once through inotify; this is for file systems that have none, and for the container's end. */
const POLL_MS = 1000;
const LINE_FEED = 0x0a;

/**
 * Writes the log until its end (or, following, until the container has ended and all is read), `limitBytes` is reached or
 * the signal aborts. Rejects when the file cannot be read.
 */
export async function readContainerLog(reader: LogReaderOptions): Promise<void> {
  const { path, options, signal, running } = reader;
  const output = new LogOutput(reader);
  let file = await open(path, 'r');
  const changes = options.follow ? new ChangeWaiter(path, reader.clock) : undefined;
  try {
    const { size } = await file.stat();
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, size, options.tailLines);
    for (;;) {
      // Asked before reading: what the container wrote last is then still read.
      const wasRunning = running();
      offset = await output.copy(file, offset);
      if (signal.aborted || output.full || changes === undefined) break;
      const next = await reopened(path, file);
      if (next !== undefined) {
        // The rotated file has been read to its end only if nothing was added meanwhile.
        await output.copy(file, offset);
        await file.close();
        file = next;
        offset = 0;
        continue;
      }
      if (!wasRunning) break;
      await changes.next(signal);
    }
    await output.finish();
  } finally {
    changes?.close();
    await file.close();
  }
}

/** The file that lies at the path now, when it is another one than `file`. */
async function reopened(path: string, file: FileHandle): Promise<FileHandle | undefined> {
  try {
    const [now, ours] = await Promise.all([stat(path), file.stat()]);
    if (now.ino === ours.ino && now.dev === ours.dev) return undefined;
    return await open(path, 'r');
  } catch (err) {
    // Between the renaming of the old file and the creation of the new one, or after the pod's removal.
    if (errorCode(err) === 'ENOENT') return undefined;
    throw err;
  }
}

/** From bytes of the file to bytes for the client. */
class LogOutput {
  readonly #options: LogOptions;
  readonly #write: (chunk: Buffer) => Promise<void>;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #path: string;
  #rest: Buffer = Buffer.alloc(0);
  #left: number;
  /** The entry before was a part: no timestamp goes before this one. */
  #inLine = false;
  #complained = false;

  constructor(reader: LogReaderOptions) {
    this.#options = reader.options;
    this.#write = reader.write;
    this.#log = reader.log;
    this.#signal = reader.signal;
    this.#path = reader.path;
    this.#left = reader.options.limitBytes ?? Infinity;
  }

  /** `limitBytes` is reached. */
  get full(): boolean {
    return this.#left <= 0;
  }

  /** Writes what the file holds from `offset` on; resolves to the offset of its end. */
  async copy(file: FileHandle, offset: number): Promise<number> {
    const block = Buffer.alloc(BLOCK);
    let at = offset;
    while (!this.full && !this.#signal.aborted) {
      const { bytesRead } = await file.read(block, 0, BLOCK, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      await this.#lines(block.subarray(0, bytesRead));
    }
    return at;
  }

  /** Writes a last line that has no end (the runtime was killed while writing). */
  async finish(): Promise<void> {
    if (this.#rest.length === 0 || this.full || this.#signal.aborted) return;
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    const out: Buffer[] = [];
    this.#line(rest, out);
    await this.#flush(out);
  }

  async #lines(bytes: Buffer): Promise<void> {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const out: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0 && !this.full; end = data.indexOf(LINE_FEED, start)) {
      this.#line(data.subarray(start, end), out);
      start = end + 1;
    }
    await this.#flush(out);
    const rest = data.subarray(start);
    if (rest.length > LONGEST_LINE) this.#complain('a line is longer than 1 MiB, skipped');
    // Copied: the block is used again.
    this.#rest = rest.length > LONGEST_LINE ? Buffer.alloc(0) : Buffer.from(rest);
  }

  #line(bytes: Buffer, out: Buffer[]): void {
    if (bytes.length === 0) return;
    const line = parseLogLine(bytes);
    if (line === undefined) {
      this.#complain('a line is not in the format of CRI logs, skipped');
      return;
    }
    const { sinceMs, stream, timestamps } = this.#options;
    if (stream !== undefined && line.stream !== stream) return;
    if (sinceMs !== undefined && Date.parse(line.timestamp) < sinceMs) return;
    if (timestamps && !this.#inLine) this.#push(Buffer.from(`${line.timestamp} `, 'latin1'), out);
    this.#push(line.content, out);
    if (!line.partial) this.#push(NEW_LINE, out);
    this.#inLine = line.partial;
  }

  #push(bytes: Buffer, out: Buffer[]): void {
    const kept = bytes.length > this.#left ? bytes.subarray(0, Math.max(0, this.#left)) : bytes;
    if (kept.length > 0) out.push(kept);
    this.#left -= kept.length;
  }

  async #flush(out: readonly Buffer[]): Promise<void> {
    if (out.length > 0) await this.#write(Buffer.concat(out));
  }

  #complain(what: string): void {
    if (!this.#complained) this.#log.warn(`Container log: ${what}`, { path: this.#path });
    this.#complained = true;
  }
}

const NEW_LINE = Buffer.from('\n');

/** Waits until the log file may have changed. */
class ChangeWaiter {
  readonly #clock: Clock;
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, clock: Clock) {
    this.#clock = clock;
    const name = basename(path);
    const changed = (): void => {
      this.#changed = true;
      this.#wake?.();
    };
    try {
      // The folder, not the file: rotation puts another file in its place.
      this.#watcher = watch(dirname(path), { persistent: false }, (_event, file) => {
        if (file === null || file === name) changed();
      });
      this.#watcher.on('error', () => undefined); // polling goes on
    } catch {
      this.#watcher = undefined; // no inotify instances left: polling alone
    }
  }

  /** Resolves at a change since the last call, after a while without one, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          timer.cancel();
          signal.removeEventListener('abort', done);
          this.#wake = undefined;
          resolve();
        };
        const timer = this.#clock.setTimer(POLL_MS, done);
        signal.addEventListener('abort', done, { once: true });
        this.#wake = done;
      });
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
  }
}
