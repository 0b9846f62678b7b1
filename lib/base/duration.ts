/**
 * Durations in the text form of Go (`1m30s`), which flags, config files and metav1.Duration fields use. Inside the
 * program a duration is a number of milliseconds.
 */

/** Text that is not a duration; the message says what was given and what is allowed. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
}

// Nanoseconds. Both micro signs are accepted, as Go does: U+00B5 and the Greek letter U+03BC.
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const MAX_NANOS = 2n ** 63n - 1n;
const MIN_NANOS = -(2n ** 63n);

const WHOLE = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * Milliseconds (with a fraction below one where given) of a duration such as `300ms`, `-1.5h` or `2h45m`; `0` needs
 * no unit.
 *
 * @throws DurationError when the text is something else, or beyond what Go's 64-bit nanoseconds hold (292 years)
 */
export function parseDuration(text: string): number {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!WHOLE.test(text)) {
    throw new DurationError(
      `${JSON.stringify(text)} is not a duration: want numbers with units h, m, s, ms, us or ns, like "1m30s"`,
    );
  }
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(PART)) {
    const scale = UNITS[unit] ?? 0n;
    nanos += BigInt(whole === '' ? '0' : whole) * scale;
    // Digits below a nanosecond are cut off.
    if (fraction !== '') nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  if (text.startsWith('-')) nanos = -nanos;
  if (nanos > MAX_NANOS || nanos < MIN_NANOS) {
    throw new DurationError(`${JSON.stringify(text)} is too long a duration: the limit is about 292 years`);
  }
  return Number(nanos) / 1e6;
}

/**
 * A duration as Go prints it: `1h0m0s`, `1m30s`, `1.5s`, `300ms`, `2µs`, `0s`.
 *
 * @param ms milliseconds, finite; rounded to whole nanoseconds
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) throw new RangeError(`duration of ${ms} ms cannot be written`);
  let nanos = toNanos(ms);
  const sign = nanos < 0n ? '-' : '';
  if (nanos < 0n) nanos = -nanos;
  if (nanos === 0n) return '0s';
  if (nanos < 1_000n) return `${sign}${nanos}ns`;
  if (nanos < 1_000_000n) return `${sign}${decimal(nanos, 3)}µs`;
  if (nanos < 1_000_000_000n) return `${sign}${decimal(nanos, 6)}ms`;
  const minutes = nanos / 60_000_000_000n;
  const seconds = `${decimal(nanos % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

// Whole milliseconds are exact; only the fraction goes through floating point.
function toNanos(ms: number): bigint {
  const whole = Math.trunc(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6));
}

function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits);
  const fraction = (value % scale).toString().padStart(digits, '0').replace(/0+$/, '');
  return fraction === '' ? `${value / scale}` : `${value / scale}.${fraction}`;
}
