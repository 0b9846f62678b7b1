/** One request and its answer, as handlers of our servers see it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from '../authn/authenticator.ts';

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Path of the request as sent (percent-encoded), without query; begins with `/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly user: User;
}

/** May write the answer later; a rejection is logged and answered with 500. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** A request target as it stands in the request line. */
export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Splits the target of a request. Undefined for what no proper client sends and what could mean one path to the
 * authorizer and another to a handler: `.` and `..` segments (encoded too), backslashes, control characters, bad encoding.
 */
export function requestTarget(url: string | undefined): RequestTarget | undefined {
  if (url === undefined || !url.startsWith('/')) return undefined;
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  for (const segment of path.split('/')) {
    let decoded: string;
    try {
      decoded = decodeURIComponent(segment);
    } catch {
      return undefined;
    }
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    if (decoded === '.' || decoded === '..' || /[\u0000-\u001f\u007f\\]/.test(decoded)) return undefined;
  }
  return { path, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)) };
}

/** Answers with a plain text; a line feed is added as Go's http.Error does. */
export function textError(res: ServerResponse, status: number, message: string): void {
  const body = `${message}\n`;
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
  });
  res.end(body);
}

/** Answers 200 with a text. */
export function text(
  res: ServerResponse,
  body: string | Buffer,
  contentType = 'text/plain; charset=utf-8',
): void {
  res.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  res.end(res.req.method === 'HEAD' ? undefined : body);
}

/** Answers with JSON. */
export function json(res: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  res.end(res.req.method === 'HEAD' ? undefined : body);
}

/** Answers with a `Status` object of the API, as API servers do for refusals. */
export function statusError(res: ServerResponse, code: number, reason: string, message: string): void {
  const details = code === 403 ? { details: {} } : {};
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...details,
    code,
  };
  const body = JSON.stringify(status, null, 2);
  res.writeHead(code, {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(body),
  });
  res.end(body);
}
