import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dialMessage, joinHostPort, MAX_OUTPUT_BYTES, type ProbeOutcome } from './outcome.ts';
import { timeLimit } from './time_limit.ts';

/** Where and how to ask. */
export interface HttpTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** Path with query, as in the spec. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly userAgent: string;
}

const MAX_REDIRECTS = 10;

/**
 * GET without keep-alive and without looking at certificates. A status of 200 to 399 is success; redirects are followed
 * within the host, one that leaves it counts as success with a warning.
 */
export async function httpProbe(
  target: HttpTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  const start = URL.parse(urlText(target));
  if (start === null) return { result: 'error', message: `invalid URL: ${urlText(target)}` };
  const stop = new AbortController();
  let late = false;
  const endLimit = timeLimit(timeoutMs, () => {
    late = true;
    stop.abort(new Error('time over'));
  });
  const abort = (): void => stop.abort(new Error('the probe was stopped'));
  signal?.addEventListener('abort', abort, { once: true });
  let url = start;
  try {
    for (let redirects = 0; ; redirects++) {
      const answer = await get(url, target, stop.signal);
      const next = answer.location === undefined ? undefined : URL.parse(answer.location, url.href);
      if (
        isRedirect(answer.status) &&
        next !== null &&
        next !== undefined &&
        /^https?:$/.test(next.protocol)
      ) {
        if (next.hostname !== start.hostname) {
          return { result: 'warning', message: `Probe terminated redirects, Response body: ${answer.body}` };
        }
        if (redirects >= MAX_REDIRECTS) {
          return {
            result: 'failure',
            message: `Get "${next.href}": stopped after ${MAX_REDIRECTS} redirects`,
          };
        }
        url = next;
        continue;
      }
      if (answer.status >= 200 && answer.status < 400) return { result: 'success', message: answer.body };
      return { result: 'failure', message: `HTTP probe failed with statuscode: ${answer.status}` };
    }
  } catch (err) {
    signal?.throwIfAborted();
    const why = late
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : dialMessage(err, joinHostPort(target.host, target.port));
    return { result: 'failure', message: `Get "${url.href}": ${why}` };
  } finally {
    endLimit();
    signal?.removeEventListener('abort', abort);
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function urlText(target: HttpTarget): string {
  const base = `${target.scheme}://${joinHostPort(target.host, target.port)}`;
  return base + (target.path.startsWith('/') ? target.path : `/${target.path}`);
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function get(url: URL, target: HttpTarget, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions & { rejectUnauthorized: boolean; servername?: string } = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
      path: url.pathname + url.search,
      method: 'GET',
      headers: headersOf(target, url),
      agent: false,
      signal,
      rejectUnauthorized: false, // a probe asks whether the container answers, not who it is
      insecureHTTPParser: true,
    };
    const request = url.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
    request.on('error', reject);
    request.on('response', (response) => {
      readBody(response)
        .then((body) => {
          request.destroy();
          return resolve({ status: response.statusCode ?? 0, location: response.headers.location, body });
        })
        .catch(reject);
    });
    request.end();
  });
}

/** Defaults, then what the spec sets; an empty User-Agent or Accept in the spec leaves the header out. */
function headersOf(target: HttpTarget, url: URL): Record<string, string | string[]> {
  const headers = new Map<string, string[]>();
  for (const { name, value } of target.headers) {
    const key = name.toLowerCase();
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  if (!headers.has('user-agent')) headers.set('user-agent', [target.userAgent]);
  if (!headers.has('accept')) headers.set('accept', ['*/*']);
  for (const name of ['user-agent', 'accept']) if (headers.get(name)?.[0] === '') headers.delete(name);
  const host = headers.get('host')?.[0];
  headers.set('host', [host ?? url.host]);
  headers.set('connection', ['close']);
  return Object.fromEntries(
    Array.from(headers, ([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

/** The first 10 KiB; what follows is not waited for. */
function readBody(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const done = (): void => resolve(Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString('utf8'));
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= MAX_OUTPUT_BYTES) done();
    });
    response.on('end', done);
    response.on('error', reject);
  });
}
