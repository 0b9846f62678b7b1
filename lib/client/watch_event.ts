/** Decodes the lines of a watch (meta/v1 WatchEvent). */
import type { KubeObject } from '../api/types.ts';
import { isObjectOf, isRecord } from './decode.ts';
import { errorFromStatus, isStatus, TransportError } from './errors.ts';
import type { ResourceType } from './resource.ts';

/** The annotation on the bookmark that ends the initial events of a streamed list. */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      /** Everything that was there when the watch began has been sent. */
      readonly endsInitialEvents: boolean;
    };

/**
 * @param what the watch, for messages
 * @throws ApiError for an ERROR event; TransportError for anything that is not a watch event
 */
export function parseWatchEvent<T extends KubeObject>(
  line: string,
  r: ResourceType<T>,
  what: string,
): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (err) {
    throw new TransportError(`${what}: a line is not JSON: ${line.slice(0, 100)}`, { cause: err });
  }
  if (!isRecord(event)) throw unexpected(what, line);
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (!isObjectOf(object, r)) throw unexpected(what, line);
      return { type, object };
    case 'BOOKMARK': {
      const metadata = isRecord(object) ? object['metadata'] : undefined;
      if (!isRecord(metadata) || typeof metadata['resourceVersion'] !== 'string')
        throw unexpected(what, line);
      const { annotations } = metadata;
      return {
        type,
        resourceVersion: metadata['resourceVersion'],
        endsInitialEvents: isRecord(annotations) && annotations[INITIAL_EVENTS_END] === 'true',
      };
    }
    case 'ERROR':
      if (!isStatus(object)) throw unexpected(what, line);
      throw errorFromStatus(object, what);
    default:
      throw unexpected(what, line);
  }
}

function unexpected(what: string, line: string): TransportError {
  return new TransportError(`${what}: not an event of this watch: ${line.slice(0, 100)}`);
}

// The name as an object's member: within a string value the quotes would be escaped.
const MANAGED_FIELDS = '"managedFields":[';

/**
 * The line without the first `managedFields`, which is the object's own: nobody reads it, and it is a third of many
 * objects, so it is cut out before the decoding. Returned as it is when there is none, or anything looks odd.
 */
export function withoutManagedFields(line: string): string {
  const start = line.indexOf(MANAGED_FIELDS);
  if (start === -1) return line;
  const end = arrayEnd(line, start + MANAGED_FIELDS.length - 1);
  if (end === -1) return line;
  // Takes one of the commas around it along.
  if (line[start - 1] === ',') return line.slice(0, start - 1) + line.slice(end);
  return line.slice(0, start) + line.slice(line[end] === ',' ? end + 1 : end);
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
