/**
 * The text with control characters written out as `\\x1b`: what comes from objects must not steer the terminal that it is
 * shown on, nor look like a line of its own.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}
