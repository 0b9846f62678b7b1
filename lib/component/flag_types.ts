/**
 * The kinds of values that command-line flags take. A kind turns the text of one occurrence of the flag into a value; the
 * flag set ({@link file://./flags.ts}) does the rest. The spelling of values follows the stock components.
 */
import { isIP } from 'node:net';
import { parseQuantity } from '../api/quantity.ts';
import { formatDuration, parseDuration } from '../base/duration.ts';
import { errorMessage } from '../base/errors.ts';

/** A value that does not parse; the message says what is wrong with it, without naming the flag. */
export class FlagValueError extends Error {
  override readonly name = 'FlagValueError';
}

/** What is said about a flag when it is declared; every kind adds its default. */
export interface FlagOptions {
  /** One or more sentences for `--help`. */
  help: string;
  /** Heading under which `--help` lists it. */
  section?: string;
  /** One letter: `-v`. */
  shorthand?: string;
  /** Set on a deprecated flag: printed as a warning when the flag is given. */
  deprecated?: string;
  /** Accepted but not listed by `--help`. */
  hidden?: boolean;
}

/** The declaration of a flag whose values are `T`. */
export interface Flag<T> extends FlagOptions {
  /** Type name for `--help`; empty for booleans. */
  readonly type: string;
  readonly default: T;
  /** The text that a bare `--flag` stands for; without it the flag needs a value. */
  readonly bare?: string;
  /**
   * @param previous value of the occurrences before this one, undefined at the first: lists and maps accumulate, the
   * first occurrence replaces the default
   * @throws FlagValueError
   */
  parse(text: string, previous: T | undefined): T;
  /** Text that parses to the value, for `--help` and /flagz. */
  format(value: T): string;
}

type With<T> = FlagOptions & { default?: T };

export const flag = {
  string: (options: With<string>): Flag<string> => ({
    ...options,
    type: 'string',
    default: options.default ?? '',
    parse: (text) => text,
    format: (value) => value,
  }),

  /** A string out of a fixed set. */
  choice: <const C extends string>(
    choices: readonly C[],
    options: FlagOptions & { default: C; type?: string },
  ): Flag<C> => ({
    ...options,
    type: options.type ?? 'string',
    parse: (text) => {
      const found = choices.find((c) => c === text);
      if (found === undefined)
        throw new FlagValueError(`must be one of ${choices.map((c) => `"${c}"`).join(', ')}`);
      return found;
    },
    format: (value) => value,
  }),

  bool: (options: With<boolean>): Flag<boolean> => ({
    ...options,
    type: '',
    default: options.default ?? false,
    bare: 'true',
    parse: parseBool,
    format: String,
  }),

  /** A whole number; `bits` bounds it as Go's integer types do. */
  int: (options: With<number> & { bits?: 32 | 64; unsigned?: boolean; type?: string }): Flag<number> => ({
    ...options,
    type: options.type ?? (options.bits === 32 ? 'int32' : 'int'),
    default: options.default ?? 0,
    parse: (text) => parseInteger(text, options.bits ?? 64, options.unsigned ?? false),
    format: String,
  }),

  float: (options: With<number>): Flag<number> => ({
    ...options,
    type: 'float32',
    default: options.default ?? 0,
    parse: (text) => {
      const value = text.trim() === text && text !== '' ? Number(text) : Number.NaN;
      if (!Number.isFinite(value)) throw new FlagValueError(`"${text}" is not a number`);
      return value;
    },
    format: String,
  }),

  /** Milliseconds, written as a Go duration ("1m30s"). */
  duration: (options: With<number>): Flag<number> => ({
    ...options,
    type: 'duration',
    default: options.default ?? 0,
    parse: (text) => {
      try {
        return parseDuration(text);
      } catch (err) {
        throw new FlagValueError(errorMessage(err), { cause: err });
      }
    },
    format: formatDuration,
  }),

  /** Comma-separated; further occurrences append. An empty text is an empty list. */
  strings: (options: With<readonly string[]>): Flag<readonly string[]> => ({
    ...options,
    type: 'strings',
    default: options.default ?? [],
    parse: (text, previous = []) => [...previous, ...splitList(text)],
    format: (value) => `[${value.join(',')}]`,
  }),

  /** One list entry per occurrence, commas included. */
  stringArray: (options: With<readonly string[]> & { type?: string }): Flag<readonly string[]> => ({
    ...options,
    type: options.type ?? 'stringArray',
    default: options.default ?? [],
    parse: (text, previous = []) => [...previous, text],
    format: (value) => `[${value.join(';')}]`,
  }),

  ints: (options: With<readonly number[]>): Flag<readonly number[]> => ({
    ...options,
    type: 'int32Slice',
    default: options.default ?? [],
    parse: (text, previous = []) => [...previous, ...splitList(text).map((t) => parseInteger(t, 32, false))],
    format: (value) => `[${value.join(',')}]`,
  }),

  /** `key=value,...`, or with another separator `key<value,...`; further occurrences add to it. */
  map: ({
    separator = '=',
    ...options
  }: With<ReadonlyMap<string, string>> & { type?: string; separator?: '=' | '<' }): Flag<
    ReadonlyMap<string, string>
  > => ({
    ...options,
    type: options.type ?? 'mapStringString',
    default: options.default ?? new Map(),
    parse: (text, previous) => addPairs(text, previous, (value) => value, 'string', separator),
    format: (value) => formatMap(value, separator),
  }),

  /**
   * `key=value` pairs whose keys and values may hold commas: a text with one `=` is one pair; of several, those with
   * commas stand in double quotes: `"a,b=1,2","c,d=3"`. Further occurrences add to it.
   */
  quotedMap: (options: With<ReadonlyMap<string, string>>): Flag<ReadonlyMap<string, string>> => ({
    ...options,
    type: 'stringToString',
    default: options.default ?? new Map(),
    parse: (text, previous) => {
      const pairs = text.split('=').length > 2 ? splitList(text) : [text.replaceAll(/^"|"$/g, '')];
      const parsed = pairs.map((pair): [string, string] => {
        const at = pair.indexOf('=');
        if (at < 0) throw new FlagValueError(`${pair} must be formatted as key=value`);
        return [pair.slice(0, at), pair.slice(at + 1)];
      });
      return new Map([...(previous ?? []), ...parsed]);
    },
    format: (value) => `[${[...value].map(([k, v]) => quotedField(`${k}=${v}`)).join(',')}]`,
  }),

  /** resource.Quantity, such as `64Ki`; kept as text. */
  quantity: (options: With<string>): Flag<string> => ({
    ...options,
    type: 'quantity',
    default: options.default ?? '0',
    parse: (text) => {
      try {
        return parseQuantity(text).toString();
      } catch (err) {
        throw new FlagValueError(errorMessage(err), { cause: err });
      }
    },
    format: (value) => value,
  }),

  /** `key=true|false,...`; further occurrences add to it. */
  boolMap: (
    options: With<ReadonlyMap<string, boolean>> & { type?: string },
  ): Flag<ReadonlyMap<string, boolean>> => ({
    ...options,
    type: options.type ?? 'mapStringBool',
    default: options.default ?? new Map(),
    parse: (text, previous) =>
      addPairs(
        text,
        previous,
        (value, key) => {
          try {
            return parseBool(value);
          } catch (err) {
            throw new FlagValueError(`invalid value of ${key}: ${value}, want true or false`, { cause: err });
          }
        },
        'bool',
      ),
    format: (value) => formatMap(value),
  }),

  ip: (options: With<string>): Flag<string> => ({
    ...options,
    type: 'ip',
    default: options.default ?? '',
    parse: (text) => {
      if (isIP(text) === 0) throw new FlagValueError(`"${text}" is not an IP address`);
      return text;
    },
    format: (value) => value,
  }),

  /** `address`, or `address:port` with IPv6 addresses in brackets; empty where the listener is to be off. */
  ipPort: (options: With<string>): Flag<string> => ({
    ...options,
    type: 'ipport',
    default: options.default ?? '',
    parse: (text) => {
      if (text === '' || isIP(text) !== 0) return text;
      const parts = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>[^:]*)):(?<port>\d{1,5})$/.exec(text)?.groups;
      const host = parts?.['v6'] ?? parts?.['v4'];
      if (host === undefined || isIP(host) === 0 || Number(parts?.['port']) > 65535)
        throw new FlagValueError(`"${text}" is not an IP address with an optional port (1.2.3.4:5, [::1]:5)`);
      return text;
    },
    format: (value) => value,
  }),
} as const;

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

/** @throws FlagValueError unless one of the spellings the stock components take */
export function parseBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new FlagValueError(`"${text}" is not a boolean: want true or false`);
}

function parseInteger(text: string, bits: 32 | 64, unsigned: boolean): number {
  const value = /^[+-]?(\d+|0[xX][\da-fA-F]+)$/.test(text) ? Number(text.replace(/^\+/, '')) : Number.NaN;
  if (Number.isNaN(value)) throw new FlagValueError(`"${text}" is not a whole number`);
  const max = bits === 32 ? 2 ** (unsigned ? 32 : 31) - 1 : Number.MAX_SAFE_INTEGER;
  const min = unsigned ? 0 : -max - (bits === 32 ? 1 : 0);
  if (value < min || value > max)
    throw new FlagValueError(`"${text}" is out of range: want ${min} to ${max}`);
  return value;
}

/** Splits at commas; a field in double quotes may hold commas, two double quotes in it stand for one. */
function splitList(text: string): string[] {
  if (text === '') return [];
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?:,|$)/.exec(rest);
    const plain = /^([^,]*)(?:,|$)/.exec(rest);
    const match = rest.startsWith('"') ? quoted : plain;
    if (match === null) throw new FlagValueError(`unbalanced double quotes in ${text}`);
    fields.push((match[1] ?? '').replaceAll('""', '"'));
    const more = match[0].endsWith(',');
    rest = rest.slice(match[0].length);
    if (!more) return fields;
  }
}

function addPairs<V>(
  text: string,
  previous: ReadonlyMap<string, V> | undefined,
  value: (text: string, key: string) => V,
  want: string,
  separator = '=',
): ReadonlyMap<string, V> {
  const result = new Map(previous);
  for (const pair of text.split(',')) {
    if (pair === '') continue;
    const at = pair.indexOf(separator);
    if (at < 0) throw new FlagValueError(`malformed pair "${pair}", expect string${separator}${want}`);
    const key = pair.slice(0, at).trim();
    result.set(key, value(pair.slice(at + 1).trim(), key));
  }
  return result;
}

function quotedField(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function formatMap(map: ReadonlyMap<string, unknown>, separator = '='): string {
  return [...map]
    .map(([key, value]) => `${key}${separator}${String(value)}`)
    .sort()
    .join(',');
}
