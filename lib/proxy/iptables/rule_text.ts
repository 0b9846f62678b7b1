/**
 * The text of rules. Rules are written in the form in which iptables-save prints them, so that what was sent can be
 * compared with what the kernel has; {@link canonicalRule} evens out what differs between versions and back ends.
 */

const SAFE_VALUE = /^[A-Za-z0-9_.:,/[\]@+=-]+$/;
const SAFE_COMMENT = /^[A-Za-z0-9 _.:;,/()[\]>=-]{1,255}$/;

/** A value would end a token or a line: a bug here, since input is validated where it comes in. */
export class UnsafeTokenError extends Error {
  override readonly name = 'UnsafeTokenError';
}

/** One argument of a rule. */
export function token(value: string | number): string {
  const text = String(value);
  if (!SAFE_VALUE.test(text) || text.startsWith('-')) {
    throw new UnsafeTokenError(`${JSON.stringify(text)} must not become part of a rule`);
  }
  return text;
}

/** `-m comment --comment "text"`. */
export function comment(text: string): string {
  if (!SAFE_COMMENT.test(text)) {
    throw new UnsafeTokenError(`${JSON.stringify(text)} must not become the comment of a rule`);
  }
  return `-m comment --comment "${text}"`;
}

/** `--probability` of 1/n as the kernel keeps it: in units of 2^-31. */
export function probability(n: number): string {
  return (Math.round(2 ** 31 / n) / 2 ** 31).toFixed(11);
}

/** Splits a rule into its arguments; quotes are taken off. */
export function tokens(rule: string): string[] {
  const out: string[] = [];
  for (const match of rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    out.push(match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2] ?? '');
  }
  return out;
}

/**
 * A form in which two texts of the same rule are equal: quoting, spaces, host prefix lengths, the last digits of
 * probabilities, spellings of marks.
 */
export function canonicalRule(rule: string): string {
  const parts = tokens(rule);
  const out: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    const next = parts[i + 1] ?? '';
    if (part === '-s' || part === '-d') {
      out.push(
        part,
        next.replace(/\/(32|128)$/, (all: string, bits) =>
          next.includes(':') === (bits === '128') ? '' : all,
        ),
      );
      i++;
    } else if (part === '--probability') {
      out.push(part, Number(next).toFixed(7));
      i++;
    } else if (part === '--xor-mark' || part === '--or-mark') {
      const bits = Number(next);
      const mask = part === '--or-mark' ? `0x${bits.toString(16)}` : '0x0';
      out.push('--set-xmark', `0x${bits.toString(16)}/${mask}`);
      i++;
    } else if (part === '--set-xmark' || part === '--mark') {
      out.push(part, next.replaceAll(/0x0*([0-9a-f])/g, '0x$1'));
      i++;
    } else if (part === '--mask') {
      i++; // of -m recent: always the whole address
    } else {
      out.push(part.includes(' ') ? `"${part}"` : part);
    }
  }
  return out.join(' ');
}
