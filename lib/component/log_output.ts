/** Where log lines go: all to one stream, or split, informational lines to another, which may be buffered. */
import type { Clock, Timer } from '../base/clock.ts';

/** A failing stream must not throw. */
export interface LogStream {
  write(text: string): unknown;
}

export interface OutputSettings {
  /** Informational lines go to the `info` stream instead of the main one. */
  readonly splitStream: boolean;
  /** How many bytes of informational lines may wait when the streams are split; 0: none. */
  readonly infoBufferBytes: number;
  /** How long they may wait. */
  readonly flushMs: number;
}

export const ONE_STREAM: OutputSettings = { splitStream: false, infoBufferBytes: 0, flushMs: 5000 };

export interface LogOutputOptions {
  /** Errors, and all lines unless the streams are split: stderr. */
  main: LogStream;
  /** Informational lines of split streams: stdout. */
  info: LogStream;
  clock: Pick<Clock, 'setTimer'>;
}

export class LogOutput {
  readonly #options: LogOutputOptions;
  #settings = ONE_STREAM;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #timer: Timer | undefined;

  constructor(options: LogOutputOptions) {
    this.#options = options;
  }

  /** Takes effect for the next line; what waits is written first. */
  configure(settings: OutputSettings): void {
    this.flush();
    this.#settings = settings;
  }

  write(line: string, informational: boolean): void {
    const { splitStream, infoBufferBytes, flushMs } = this.#settings;
    if (!splitStream || !informational) {
      this.#options.main.write(line);
      return;
    }
    if (infoBufferBytes <= 0) {
      this.#options.info.write(line);
      return;
    }
    const bytes = Buffer.byteLength(line);
    if (this.#waitingBytes + bytes > infoBufferBytes) this.flush();
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    this.#timer ??= this.#options.clock.setTimer(flushMs, () => this.flush());
  }

  /** Writes what waits: in time, when the buffer is full, and before the process ends. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#options.info.write(text);
  }
}
