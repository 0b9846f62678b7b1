/** Cuts `metadata.managedFields` out of JSON text: nobody here reads it, and decoding it costs more than cutting. */

// The name as an object's member: within a string value the quotes would be escaped.
const MANAGED_FIELDS = '"managedFields":[';

/**
 * The text of an object (or of a watch event with one) without the first `managedFields`, which is the object's own: nobody reads it, and it is a third of many
 * objects, so it is cut out before the decoding. Returned as it is when there is none, or anything looks odd.
 */
export function withoutManagedFields(text: string): string {
  const cut = managedFieldsIn(text, 0);
  return cut === undefined ? text : text.slice(0, cut.start) + text.slice(cut.end);
}

/** The text of a list without the `managedFields` of all its items. */
export function withoutAnyManagedFields(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (;;) {
    const cut = managedFieldsIn(text, from);
    if (cut === undefined) break;
    parts.push(text.slice(from, cut.start));
    from = cut.end;
  }
  return from === 0 ? text : parts.join('') + text.slice(from);
}

/** Where the member stands, with one of the commas around it. */
function managedFieldsIn(text: string, from: number): { start: number; end: number } | undefined {
  const start = text.indexOf(MANAGED_FIELDS, from);
  if (start === -1) return undefined;
  const end = arrayEnd(text, start + MANAGED_FIELDS.length - 1);
  if (end === -1) return undefined;
  if (text[start - 1] === ',') return { start: start - 1, end };
  return { start, end: text[end] === ',' ? end + 1 : end };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Index after the `]` that closes the array opened at `open`; -1 when there is none. */
function arrayEnd(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      for (i++; i < text.length; i++) {
        const s = text.charCodeAt(i);
        if (s === BACKSLASH) i++;
        else if (s === QUOTE) break;
      }
    } else if (c === OPEN) depth++;
    else if (c === CLOSE && --depth === 0) return i + 1;
  }
  return -1;
}
