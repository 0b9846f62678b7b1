/**
 * The log of a daemon: klog-like text or JSON lines, to stderr, with verbosity levels (`-v`) that may differ by source
 * (`--vmodule`). The formats are those of the stock components, so that journal parsers and log collectors keep working.
 */
import { types } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { klogHeader, klogPairs, plainText } from './klog_text.ts';
import type { Severity } from './klog_text.ts';
import { LogOutput, ONE_STREAM } from './log_output.ts';
import type { LogStream, OutputSettings } from './log_output.ts';

export type Logger = Log;

/** One `pattern=N` of `--vmodule`; the pattern may hold `*` and `?`. */
export interface VModule {
  readonly pattern: string;
  readonly level: number;
}

export interface LogSettings {
  format: 'text' | 'json';
  /** Messages of `v(level)` appear when the level is at most this. */
  verbosity: number;
  /** Overrides `verbosity` for sources (the `logger` value) that match; the first match counts. */
  vmodule?: readonly VModule[];
  /** Default: everything to one stream, at once. */
  output?: OutputSettings;
}

export interface LoggerOptions extends LogSettings {
  /** Where lines go; a failing stream must not throw. */
  stream: LogStream;
  /** Where informational lines go when the streams are split. Default: `stream`. */
  infoStream?: LogStream;
  clock: Pick<Clock, 'now' | 'setTimer'>;
  /** Named in place of the source file where `with({ logger })` gives no better name. */
  source?: string;
  pid?: number;
}

/** A logger whose settings can change while it is in use: the config file is read after the flags, /debug/flags/v later. */
export interface RootLogger extends Logger {
  readonly settings: Readonly<LogSettings>;
  configure(settings: Partial<LogSettings>): void;
  /** Writes what waits in a buffer; the process is about to end. */
  flush(): void;
}

/** Key under which `with()` names the part of the program that logs; `--vmodule` patterns match it. */
export const LOGGER_NAME = 'logger';

type Values = Readonly<Record<string, unknown>>;

interface Sink {
  settings: Required<LogSettings>;
  readonly output: LogOutput;
  /** Counts changes of settings, so that loggers may remember their own verbosity. */
  generation: number;
  write(
    severity: Severity,
    level: number,
    source: string | undefined,
    err: unknown,
    msg: string,
    values: Values,
  ): void;
}

/** Makes the root logger of a process. */
export function createLogger(options: LoggerOptions): RootLogger {
  const { stream, clock, source: program = 'main', pid = process.pid } = options;
  const output = new LogOutput({ main: stream, info: options.infoStream ?? stream, clock });
  const { format, verbosity, vmodule = [], output: outputSettings = ONE_STREAM } = options;
  output.configure(outputSettings);
  const sink: Sink = {
    settings: { format, verbosity, vmodule, output: outputSettings },
    output,
    generation: 0,
    write(severity, level, source, err, msg, values) {
      const at = clock.now();
      if (sink.settings.format === 'json')
        // Warnings are informational there, as in the stock components.
        output.write(jsonLine(severity, level, at, source, err, msg, values), severity !== 'E');
      else output.write(textLine(severity, at, pid, source ?? program, err, msg, values), severity === 'I');
    },
  };
  return new SinkLogger(sink, undefined, {});
}

class SinkLogger implements RootLogger {
  readonly #sink: Sink;
  readonly #source: string | undefined;
  readonly #values: Values;
  #generation = -1;
  #verbosity = 0;

  constructor(sink: Sink, source: string | undefined, values: Values) {
    this.#sink = sink;
    this.#source = source;
    this.#values = values;
  }

  get settings(): Readonly<LogSettings> {
    return this.#sink.settings;
  }

  configure(settings: Partial<LogSettings>): void {
    this.#sink.settings = { ...this.#sink.settings, ...settings };
    if (settings.output !== undefined) this.#sink.output.configure(settings.output);
    this.#sink.generation++;
  }

  flush(): void {
    this.#sink.output.flush();
  }

  info(msg: string, kv?: Values): void {
    this.#write('I', 0, undefined, msg, kv);
  }

  warn(msg: string, kv?: Values): void {
    this.#write('W', 0, undefined, msg, kv);
  }

  error(err: unknown, msg: string, kv?: Values): void {
    this.#write('E', 0, err, msg, kv);
  }

  v(level: number): { readonly enabled: boolean; info(msg: string, kv?: Values): void } {
    if (level > this.#effectiveVerbosity()) return DISABLED;
    return { enabled: true, info: (msg, kv) => this.#write('I', level, undefined, msg, kv) };
  }

  with(kv: Values): Logger {
    const { [LOGGER_NAME]: name, ...rest } = kv;
    const source = typeof name === 'string' ? name : this.#source;
    return new SinkLogger(this.#sink, source, { ...this.#values, ...rest });
  }

  #write(severity: Severity, level: number, err: unknown, msg: string, kv: Values | undefined): void {
    this.#sink.write(
      severity,
      level,
      this.#source,
      err,
      msg,
      kv === undefined ? this.#values : { ...this.#values, ...kv },
    );
  }

  #effectiveVerbosity(): number {
    if (this.#generation !== this.#sink.generation) {
      this.#generation = this.#sink.generation;
      const { vmodule, verbosity } = this.#sink.settings;
      const source = this.#source;
      const own = source === undefined ? undefined : vmodule.find((m) => globMatches(m.pattern, source));
      this.#verbosity = own?.level ?? verbosity;
    }
    return this.#verbosity;
  }
}

const DISABLED = { enabled: false, info: (): void => undefined } as const;

function textLine(
  severity: Severity,
  at: number,
  pid: number,
  source: string,
  err: unknown,
  msg: string,
  values: Values,
): string {
  const pairs = severity === 'E' && err !== undefined ? { err, ...values } : values;
  return `${klogHeader(severity, at, pid, source)}${JSON.stringify(msg)}${klogPairs(pairs)}\n`;
}

function jsonLine(
  severity: Severity,
  level: number,
  at: number,
  source: string | undefined,
  err: unknown,
  msg: string,
  values: Values,
): string {
  const line: Record<string, unknown> = { ts: at };
  if (source !== undefined) line[LOGGER_NAME] = source;
  line['msg'] = msg;
  // As the stock components write it: informational lines carry their level, errors carry `err` instead.
  if (severity !== 'E') line['v'] = level;
  else if (err !== undefined) line['err'] = plainText(err);
  if (severity === 'W') line['severity'] = 'warning';
  for (const [key, value] of Object.entries(values)) {
    if (!Object.hasOwn(line, key)) line[key] = types.isNativeError(value) ? plainText(value) : value;
  }
  return `${plainText(line)}\n`;
}

function globMatches(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text);
}

/**
 * Reads `--vmodule`: `pattern=N,...`.
 * @throws Error saying which part is wrong
 */
export function parseVModule(text: string): VModule[] {
  return text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const level = part.slice(at + 1);
      if (at <= 0) throw new Error(`"${part}" does not have the pattern=N format`);
      if (!/^\d{1,9}$/.test(level)) throw new Error(`"${part}": the level must be a whole number from 0`);
      return { pattern: part.slice(0, at), level: Number(level) };
    });
}
