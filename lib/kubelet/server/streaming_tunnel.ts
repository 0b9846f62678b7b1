/**
 * Exec, attach and port-forward: the connection of an upgrade request is joined, byte for byte, to the URL that the
 * runtime gave. What runs over it (SPDY or WebSocket streams) is between the client and the runtime.
 */
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Log } from '../../base/log.ts';

export interface TunnelOptions {
  /** Where the runtime waits for the session. */
  readonly url: string;
  readonly req: IncomingMessage;
  readonly socket: Duplex;
  /** What arrived behind the request. */
  readonly head: Buffer;
  /** Closes a tunnel over which nothing went for so long; 0: never. */
  readonly idleTimeoutMs: number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The runtime's streaming server cannot be reached. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError';
}

/** Headers between the apiserver and us, not meant for the runtime. */
const NOT_FORWARDED = new Set([
  'host',
  'authorization',
  'cookie',
  'content-length',
  'transfer-encoding',
  'proxy-authorization',
]);
const CONNECT_TIMEOUT_MS = 10_000;
const LINGER_MS = 10_000;

/** Resolves when both sides are done. Rejects with {@link TunnelError} while nothing has been written to the client yet. */
export async function tunnel(options: TunnelOptions): Promise<void> {
  const { req, socket, head, idleTimeoutMs, log, signal } = options;
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new TunnelError(`the runtime gave no http(s) URL for the session: "${options.url}"`);
  const runtime = await connect(url);
  if (signal.aborted || socket.destroyed) {
    runtime.destroy();
    socket.destroy();
    return;
  }
  runtime.write(requestHead(req, url));
  if (head.length > 0) runtime.write(head);
  await join(socket, runtime, idleTimeoutMs, log, signal);
}

function connect(url: URL): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return new Promise((resolve, reject) => {
    const connected = (): void => {
      socket.setTimeout(0);
      socket.off('error', failed);
      socket.setNoDelay(true);
      resolve(socket);
    };
    const failed = (err: Error): void => {
      socket.destroy();
      reject(
        new TunnelError(`cannot reach the runtime's streaming server at ${url.host}: ${err.message}`, {
          cause: err,
        }),
      );
    };
    const options = { host, port, allowHalfOpen: true };
    const socket: Socket =
      url.protocol === 'https:'
        ? // The runtime's certificate is self-signed; that the URL came from the runtime is what counts.
          connectTls({ ...options, rejectUnauthorized: false }, connected)
        : connectTcp(options, connected);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
      failed(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
    );
    socket.on('error', failed);
  });
}

/** The client's request as the runtime is to see it: same method and upgrade headers, its own path. */
function requestHead(req: IncomingMessage, url: URL): string {
  const lines = [`${req.method ?? 'POST'} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`];
  const { rawHeaders } = req;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    if (!NOT_FORWARDED.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Copies both ways; the end of one direction is passed on and leaves the other open. */
function join(
  client: Duplex,
  runtime: Socket,
  idleTimeoutMs: number,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const cut = (): void => {
      client.destroy();
      runtime.destroy();
    };
    for (const side of [client, runtime]) {
      side.on('error', (err) => {
        log.v(4).info('Streaming connection ended', { err });
        cut();
      });
      side.once('close', () => {
        open--;
        // A side that is gone can neither send nor take. The other gets what is in flight, and a while to close as well.
        const other = side === client ? runtime : client;
        if (!other.destroyed) {
          other.end();
          other.resume();
          setTimeout(() => other.destroy(), LINGER_MS).unref();
        }
        if (open === 0) {
          signal.removeEventListener('abort', cut);
          resolve();
        }
      });
    }
    signal.addEventListener('abort', cut, { once: true });
    if (idleTimeoutMs > 0)
      runtime.setTimeout(idleTimeoutMs, () => {
        log.v(2).info('Streaming connection was idle, closing', { idleTimeoutMs });
        cut();
      });
    client.pipe(runtime);
    runtime.pipe(client);
  });
}
