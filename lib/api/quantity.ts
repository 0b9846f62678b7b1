/**
 * Amounts of resources (apimachinery's resource.Quantity): a number with a suffix, exact down to 10^-9. The notation
 * belongs to the value: what was written in powers of two is printed so.
 */

/** Notation of a quantity: `1.5Gi`, `1500M`, `1500e6`. */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent';

/** Text that is not a quantity. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const NANO = 1_000_000_000n;
const MILLI_NANOS = 1_000_000n;
/** What amounts in powers of two are cut to, as the API does: 2^63-1. */
const MAX_VALUE = 2n ** 63n - 1n;

const DECIMAL_EXPONENTS: ReadonlyMap<string, number> = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

// Digits on at least one side of the point; the exponent may carry a sign.
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)?|[eE]([+-]?\d+))$/;
/** Larger exponents count as this: no real amount needs them, and `1e999999999` would fill the memory. */
const EXPONENT_LIMIT = 40;

/** An exact amount. Immutable. */
export class Quantity {
  /** The amount in 10^-9. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = 'DecimalSI') {
    this.nanos = nanos;
    this.format = format;
  }

  static readonly zero = new Quantity(0n);

  /** A whole number, e.g. of bytes or pods. */
  static of(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value) * NANO, format);
  }

  /** Thousandths, e.g. of a CPU. */
  static ofMilli(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(value) * MILLI_NANOS, format);
  }

  /** The amount as a whole number, rounded away from zero. */
  value(): bigint {
    return divideAway(this.nanos, NANO);
  }

  /** The amount in thousandths, rounded away from zero. */
  milliValue(): bigint {
    return divideAway(this.nanos, MILLI_NANOS);
  }

  /** The nearest floating-point number; exact only up to 2^53. */
  asNumber(): number {
    const whole = this.nanos / NANO;
    return Number(whole) + Number(this.nanos - whole * NANO) / 1e9;
  }

  get isZero(): boolean {
    return this.nanos === 0n;
  }

  /** -1, 0 or 1. */
  get sign(): -1 | 0 | 1 {
    return this.nanos < 0n ? -1 : this.nanos > 0n ? 1 : 0;
  }

  /** The sum, in this notation; a zero takes on the notation of the other. */
  add(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.isZero ? other.format : this.format);
  }

  /** The difference, in this notation; a zero takes on the notation of the other. */
  sub(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.isZero ? other.format : this.format);
  }

  neg(): Quantity {
    return new Quantity(-this.nanos, this.format);
  }

  mul(factor: bigint | number): Quantity {
    return new Quantity(this.nanos * BigInt(factor), this.format);
  }

  /** Negative, zero or positive as this is less than, equal to or greater than `other`; notation does not count. */
  cmp(other: Quantity): -1 | 0 | 1 {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0;
  }

  equals(other: Quantity): boolean {
    return this.nanos === other.nanos;
  }

  /**
   * Canonical form: no fraction, and the largest suffix with which that holds. `1.5` reads `1500m`, `1024Mi` reads
   * `1Gi`. Amounts in powers of two are written in decimal below 1024 and where they are not whole.
   */
  toString(): string {
    if (this.nanos === 0n) return '0';
    const small = this.nanos > -1024n * NANO && this.nanos < 1024n * NANO;
    if (this.format === 'BinarySI' && !small && this.nanos % NANO === 0n)
      return formatBinary(this.nanos / NANO);
    return formatDecimal(this.nanos, this.format === 'DecimalExponent');
  }

  toJSON(): string {
    return this.toString();
  }
}

/** The larger of two. */
export function maxQuantity(a: Quantity, b: Quantity): Quantity {
  return a.cmp(b) >= 0 ? a : b;
}

// Cluster objects repeat the same few texts; parsing each once is worth a small table.
const parsed = new Map<string, Quantity>();
const PARSED_LIMIT = 4096;

/**
 * Reads a quantity. Finer than 10^-9 is rounded away from zero; an amount in powers of two
 * beyond 2^63-1 is cut to that.
 *
 * @param text as in the API: a string, or a JSON number
 * @throws QuantityError saying what was given and what is allowed
 */
export function parseQuantity(text: string | number): Quantity {
  const key = typeof text === 'number' ? String(text) : text;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const quantity = parse(key);
  if (parsed.size >= PARSED_LIMIT) parsed.clear();
  parsed.set(key, quantity);
  return quantity;
}

/** Like {@link parseQuantity}, but undefined for what is no quantity. */
export function tryParseQuantity(text: unknown): Quantity | undefined {
  if (typeof text !== 'string' && typeof text !== 'number') return undefined;
  try {
    return parseQuantity(text);
  } catch (err) {
    if (err instanceof QuantityError) return undefined;
    throw err;
  }
}

function parse(text: string): Quantity {
  const match = SYNTAX.exec(text);
  const [, sign = '', whole = '', fraction = '', suffix = '', exponentText] = match ?? [];
  if (match === null || (whole === '' && fraction === '')) {
    throw new QuantityError(
      `${JSON.stringify(text)} is not a quantity: want a number with an optional suffix ` +
        '(n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei) or exponent (e3), like "500m" or "1.5Gi"',
    );
  }
  const binary = suffix.endsWith('i');
  const exponent =
    exponentText === undefined ? (DECIMAL_EXPONENTS.get(suffix) ?? 0) : limitExponent(Number(exponentText));
  // digits * 10^scale * multiplier
  const digits = whole.replace(/^0+/, '') + fraction;
  const scale = (binary ? 0 : exponent) - fraction.length;
  const multiplier = binary ? 1024n ** BigInt(BINARY_SUFFIXES.indexOf(suffix)) : 1n;
  let nanos = scaleAway(BigInt(digits === '' ? '0' : digits) * multiplier * NANO, scale);
  if (binary && nanos > MAX_VALUE * NANO) nanos = MAX_VALUE * NANO;
  let format: QuantityFormat = 'DecimalSI';
  if (exponentText !== undefined) format = 'DecimalExponent';
  else if (binary && (nanos >= NANO || nanos === 0n)) format = 'BinarySI';
  return new Quantity(sign === '-' ? -nanos : nanos, format);
}

function limitExponent(exponent: number): number {
  return Math.max(-EXPONENT_LIMIT, Math.min(EXPONENT_LIMIT, exponent));
}

// value * 10^scale for a value that is not negative; what falls below 1 is rounded up.
function scaleAway(value: bigint, scale: number): bigint {
  return scale >= 0 ? value * 10n ** BigInt(scale) : divideAway(value, 10n ** BigInt(-scale));
}

function divideAway(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  if (quotient * by === value) return quotient;
  return value > 0n ? quotient + 1n : quotient - 1n;
}

function formatDecimal(nanos: bigint, asExponent: boolean): string {
  let amount = nanos;
  let exponent = -9;
  const largest = asExponent ? Infinity : 18;
  while (amount % 1000n === 0n && exponent < largest) {
    amount /= 1000n;
    exponent += 3;
  }
  if (asExponent) return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  return `${amount}${DECIMAL_SUFFIXES[exponent / 3 + 3] ?? ''}`;
}

function formatBinary(value: bigint): string {
  let amount = value;
  let power = 0;
  while (amount % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
    amount /= 1024n;
    power++;
  }
  return `${amount}${BINARY_SUFFIXES[power] ?? ''}`;
}
