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
