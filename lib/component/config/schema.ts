/**
 * Schemas for component configuration: each decodes a JSON value strictly, naming the path of everything that is wrong,
 * and encodes it back. Combined into the schema of a whole kind:
 *
 *     const schema = object({
 *       port: withDefault(integer({ min: 0, max: 65535 }), 10250),
 *       syncFrequency: withDefault(duration(), 60_000),
 *       evictionHard: withDefault(map(string()), {}),
 *     });
 *     type Config = Infer<typeof schema>;
 *
 * `null` counts as absent, as it does for the stock components.
 */
import { tryParseQuantity } from '../../api/quantity.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { nearNames } from '../near_names.ts';

/** One thing that is wrong with a document; `path` is `evictionHard.memory`, `profiles[0].name`, or empty for the whole. */
export interface Problem {
  readonly path: string;
  readonly message: string;
  /** The schema has no such field; what else was decoded is of use. */
  readonly unknownField?: true;
}

export interface Schema<T> {
  /** What is allowed, for messages: `a whole number from 0 to 65535`. */
  readonly wants: string;
  /**
   * Adds what is wrong to `problems`; the result then is of no use. Absent values come as undefined.
   */
  decode(value: unknown, path: string, problems: Problem[]): T;
  /** The JSON form of a value, as `decode` takes it; undefined for absent. */
  encode(value: T): unknown;
  /** Fields that an object schema knows. */
  readonly fields?: readonly string[];
}

/** The type of the values that a schema decodes to. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

// ---------------------------------------------------------------- scalars

export interface StringOptions {
  /** The only values allowed. */
  oneOf?: readonly string[];
  pattern?: RegExp;
  /** Said instead of the pattern. */
  wants?: string;
}

export function string(options: StringOptions = {}): Schema<string> {
  const { oneOf, pattern } = options;
  const wants = options.wants ?? (oneOf ? `one of ${oneOf.map(quote).join(', ')}` : 'a string');
  return scalar(wants, (value) =>
    typeof value === 'string' && (oneOf?.includes(value) ?? true) && (pattern?.test(value) ?? true)
      ? value
      : INVALID,
  );
}

/** A string out of a fixed set, typed as that set. */
export function choice<const C extends string>(choices: readonly C[]): Schema<C> {
  return scalar(
    `one of ${choices.map(quote).join(', ')}`,
    (value) => choices.find((c) => c === value) ?? INVALID,
  );
}

export function boolean(): Schema<boolean> {
  return scalar('true or false', (value) => (typeof value === 'boolean' ? value : INVALID));
}

export interface NumberOptions {
  min?: number;
  max?: number;
}

export function integer(options: NumberOptions = {}): Schema<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  return scalar(rangeText('a whole number', options), (value) =>
    Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max ? Number(value) : INVALID,
  );
}

export function number(options: NumberOptions = {}): Schema<number> {
  const { min = -Infinity, max = Infinity } = options;
  return scalar(rangeText('a number', options), (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max ? value : INVALID,
  );
}

/** metav1.Duration: a string such as `1m30s`; milliseconds when decoded. */
export function duration(options: { min?: number } = {}): Schema<number> {
  const wants = `a duration such as "1m30s"${options.min === undefined ? '' : `, at least ${formatDuration(options.min)}`}`;
  const schema = scalar<number>(wants, (value) => {
    if (typeof value !== 'string') return INVALID;
    try {
      const ms = parseDuration(value);
      return options.min !== undefined && ms < options.min ? INVALID : ms;
    } catch {
      return INVALID;
    }
  });
  return { ...schema, encode: formatDuration };
}

/** resource.Quantity: `500Mi`, `0.5`, `2`. Kept as text, a number becomes its text. */
export function quantity(): Schema<string> {
  return scalar('a quantity such as "500Mi"', (value) => {
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && tryParseQuantity(text) !== undefined ? text : INVALID;
  });
}

/** Any JSON value, taken as it is. */
export function json(): Schema<unknown> {
  return { wants: 'any value', decode: (value) => value, encode: (value) => value };
}

/** A scalar or any other schema with a further condition on the decoded value. */
export function refine<T>(schema: Schema<T>, wants: string, holds: (value: T) => boolean): Schema<T> {
  return {
    ...schema,
    wants,
    decode(value, path, problems) {
      const before = problems.length;
      const decoded = schema.decode(value, path, problems);
      if (problems.length === before && !holds(decoded)) problems.push(mismatch(path, value, wants));
      return decoded;
    },
  };
}

// ---------------------------------------------------------------- absence

/** The field may be absent: undefined then. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    ...schema,
    decode: (value, path, problems) =>
      value === undefined || value === null ? undefined : schema.decode(value, path, problems),
    encode: (value) => (value === undefined ? undefined : schema.encode(value)),
  };
}

/** The field may be absent and then has this value (already decoded: milliseconds for durations). */
export function withDefault<T>(schema: Schema<T>, value: NoInfer<T>): Schema<T> {
  return {
    ...schema,
    decode: (given, path, problems) =>
      given === undefined || given === null ? value : schema.decode(given, path, problems),
  };
}

/**
 * The value stands for absent, null, empty and zero alike: so defaults of fields that are no pointers in the API type work,
 * and tools that write whole configurations (kubeadm) count on it.
 */
export function defaulted<T extends string | number>(schema: Schema<T>, value: NoInfer<T>): Schema<T> {
  return {
    ...schema,
    decode(given, path, problems) {
      if (given === undefined || given === null || given === '' || given === 0) return value;
      const decoded = schema.decode(given, path, problems);
      return decoded === 0 ? value : decoded;
    },
  };
}

// ---------------------------------------------------------------- composites

export function list<T>(item: Schema<T>): Schema<readonly T[]> {
  return {
    wants: 'a list',
    decode(value, path, problems) {
      if (Array.isArray(value))
        return value.map((v: unknown, i) => item.decode(v, `${path}[${i}]`, problems));
      problems.push(mismatch(path, value, 'a list'));
      return [];
    },
    encode: (value) => value.map((v) => item.encode(v)),
  };
}

/** An object with any keys and values of one kind. */
export function map<T>(item: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return {
    wants: 'an object',
    decode(value, path, problems) {
      const entries = isObject(value) ? Object.entries(value) : undefined;
      if (entries === undefined) problems.push(mismatch(path, value, 'an object'));
      return Object.fromEntries(
        (entries ?? []).map(([k, v]) => [k, item.decode(v, join(path, k), problems)]),
      );
    },
    encode: (value) => Object.fromEntries(Object.entries(value).map(([k, v]) => [k, item.encode(v)])),
  };
}

type Fields = Readonly<Record<string, Schema<unknown>>>;
type ObjectOf<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

export interface ObjectSchema<F extends Fields> extends Schema<ObjectOf<F>> {
  readonly shape: F;
  readonly fields: readonly string[];
}

/** An object with exactly these fields; any other is an error that names the near ones. An absent object is an empty one. */
export function object<const F extends Fields>(shape: F): ObjectSchema<F> {
  const fields = Object.keys(shape);
  return {
    wants: 'an object',
    shape,
    fields,
    decode(value, path, problems) {
      const given = value === undefined || value === null ? {} : value;
      if (!isObject(given)) problems.push(mismatch(path, value, 'an object'));
      const source = isObject(given) ? given : {};
      for (const key of Object.keys(source))
        if (!Object.hasOwn(shape, key))
          problems.push({ path: join(path, key), message: unknownField(key, fields), unknownField: true });
      const decoded = Object.entries(shape).map(([key, schema]) => [
        key,
        schema.decode(Object.hasOwn(source, key) ? source[key] : undefined, join(path, key), problems),
      ]);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field was decoded by its own schema
      return Object.fromEntries(decoded) as ObjectOf<F>;
    },
    encode(value) {
      const entries = Object.entries(shape).map(([key, schema]) => [key, schema.encode(value[key])] as const);
      return Object.fromEntries(entries.filter(([, v]) => v !== undefined));
    },
  };
}

/** A schema that refers to itself or to one declared later. */
export function lazy<T>(wants: string, get: () => Schema<T>): Schema<T> {
  return {
    wants,
    decode: (value, path, problems) => get().decode(value, path, problems),
    encode: (value) => get().encode(value),
  };
}

// ---------------------------------------------------------------- parts

const INVALID = Symbol('invalid');

function scalar<T extends string | number | boolean>(
  wants: string,
  read: (value: unknown) => T | typeof INVALID,
): Schema<T> {
  return {
    wants,
    decode(value, path, problems) {
      const decoded = read(value);
      if (decoded !== INVALID) return decoded;
      problems.push(mismatch(path, value, wants));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- never used: the problem is reported
      return undefined as unknown as T;
    },
    encode: (value) => value,
  };
}

/** Whether the value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `path` with one more step; keys that are no plain words are quoted. */
export function join(path: string, key: string): string {
  const step = /^[\w./-]+$/.test(key) ? key : quote(key);
  return path === '' ? step : `${path}.${step}`;
}

function mismatch(path: string, value: unknown, wants: string): Problem {
  const message = value === undefined ? `is required: want ${wants}` : `got ${shown(value)}, want ${wants}`;
  return { path, message };
}

function unknownField(key: string, fields: readonly string[]): string {
  const near = nearNames(key, fields);
  if (near.length > 0) return `unknown field, did you mean ${near.map(quote).join(' or ')}?`;
  if (fields.length === 0) return 'unknown field, none are allowed here';
  const known =
    fields.length <= 12 ? fields.join(', ') : `${fields.slice(0, 12).join(', ')}, ... (${fields.length})`;
  return `unknown field, known are ${known}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function rangeText(what: string, { min, max }: NumberOptions): string {
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what} from ${min}`;
  return max === undefined ? what : `${what} up to ${max}`;
}
