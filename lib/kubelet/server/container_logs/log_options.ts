/** The query of /containerLogs (core/v1 PodLogOptions). */
import { RequestError } from '../request_error.ts';

export type LogStream = 'stdout' | 'stderr';

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** Undefined: both. */
  readonly stream?: LogStream;
}

const UNDECODABLE = '{"message": "Unable to decode query."}';
const INVALID = '{"message": "Invalid request."}';
const STREAMS: Readonly<Record<string, LogStream | undefined>> = {
  Stdout: 'stdout',
  Stderr: 'stderr',
  All: undefined,
};
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * @param nowMs for `sinceSeconds`
 * @throws RequestError 400 for values that do not parse, 422 for values and combinations that are not allowed
 */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const tailLines = whole(query, 'tailLines');
  const limitBytes = whole(query, 'limitBytes');
  const sinceSeconds = whole(query, 'sinceSeconds');
  const sinceTime = time(query.get('sinceTime'));
  const stream = query.get('stream');
  const invalid =
    (tailLines !== undefined && tailLines < 0) ||
    (limitBytes !== undefined && limitBytes < 1) ||
    (sinceSeconds !== undefined && (sinceSeconds < 1 || sinceTime !== undefined)) ||
    (stream !== null && stream !== '' && !Object.hasOwn(STREAMS, stream)) ||
    // The lines of one stream cannot be counted from the end of a file that holds both.
    (stream !== null && stream !== '' && stream !== 'All' && tailLines !== undefined);
  if (invalid) throw new RequestError(422, INVALID);
  const sinceMs = sinceSeconds === undefined ? sinceTime : nowMs - sinceSeconds * 1000;
  const one = stream === null ? undefined : STREAMS[stream];
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(one === undefined ? {} : { stream: one }),
  };
}

function whole(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw new RequestError(400, UNDECODABLE);
  return Number(value);
}

function time(value: string | null): number | undefined {
  if (value === null || value === '') return undefined;
  const ms = RFC3339.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new RequestError(400, UNDECODABLE);
  return ms;
}

/** As the API server decodes booleans of a query: present counts, unless it says no. */
function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}
