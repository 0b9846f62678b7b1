/**
 * HTTP to the apiserver: keep-alive pools of HTTP/1.1 connections on node:http(s), one for calls and one for
 * streams, replaced when the TLS material changes.
 *
 * Measured on two shared cores against a real apiserver (40 at once, objects of 2 KB): node:https 0.11-0.14 ms of
 * client CPU per call, undici 0.11-0.13 ms, node:http2 0.08-0.11 ms; a list of 5,000 pods 145-190 ms, 155-225 ms and
 * 185-230 ms; the server's own CPU is the same for all. undici costs 50 ms of start-up and 20 MB of memory, and one
 * HTTP/2 connection puts every watch behind the same lost packet; so it is node:https.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { abortReason } from '../base/errors.ts';
import { Gate } from '../base/gate.ts';
import type { TlsConfig } from './client_config.ts';
import type { TlsMaterial } from './credentials.ts';
import { TransportError } from './errors.ts';
import { proxyAddress, proxyAuthorization, TunnelAgent } from './proxy.ts';

export interface TransportRequest {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: Buffer;
  readonly tls: TlsMaterial;
  /** Read over time; gets a connection of its own beside the pool for calls. */
  readonly stream: boolean;
  readonly signal: AbortSignal;
  /** Called when nothing keeps the request from being sent any more. What it throws is thrown instead. */
  readonly beforeSend?: () => void;
}

// Calls beyond that many at once wait for a connection: a burst must not turn into as many TLS handshakes.
const MAX_CALL_CONNECTIONS = 64;
// Below the server's idle timeout (90 s), so that a connection is not used just as the server closes it.
const IDLE_MS = 30_000;
const TCP_KEEPALIVE_MS = 15_000;

interface Pools {
  readonly tls: TlsMaterial;
  readonly calls: HttpAgent | HttpsAgent;
  readonly streams: HttpAgent | HttpsAgent;
  /** How to cut each stream that is open. */
  readonly openStreams: Set<(err: TransportError) => void>;
}

/** The pool of one server: which connection serves a request need not be found out from all of its TLS material. */
class OneServerAgent extends HttpsAgent {
  override getName(): string {
    return 'server';
  }
}

/** Sends requests to one server. */
export class Transport {
  readonly #server: URL;
  readonly #config: TlsConfig;
  readonly #proxy: URL | undefined;
  #pools: Pools | undefined;
  /** Calls wait here rather than in line for a connection: what waits there is a whole request. */
  readonly #calls = new Gate(MAX_CALL_CONNECTIONS);
  /** Connections that have come about. */
  readonly #connected = new WeakSet<object>();
  #closed = false;

  constructor(server: string, config: TlsConfig, proxyUrl?: string) {
    this.#server = new URL(server);
    this.#config = config;
    this.#proxy = proxyUrl === undefined ? undefined : new URL(proxyUrl);
  }

  /** Whether any stream is open. */
  get streaming(): boolean {
    return (this.#pools?.openStreams.size ?? 0) > 0;
  }

  /**
   * Resolves with the answer's header; the body follows.
   *
   * @throws TransportError when no header came, the signal's reason when aborted
   */
  async send(request: TransportRequest): Promise<IncomingMessage> {
    try {
      return await this.#sendOnce(request);
    } catch (err) {
      // The server may close an idle connection just as we reuse it. Reading again is harmless.
      const harmless = request.method === 'GET' || (err instanceof TransportError && !err.sent);
      if (!(err instanceof StaleConnectionError) || !harmless || request.signal.aborted) throw err;
      return this.#sendOnce(request);
    }
  }

  /** Replaces the connections if the TLS material is another than theirs: calls under way end, streams are cut. */
  useMaterial(tls: TlsMaterial): void {
    const old = this.#pools;
    if (old === undefined || old.tls === tls) return;
    this.#pools = undefined;
    for (const agent of [old.calls, old.streams]) {
      agent.maxFreeSockets = 0; // connections in use are closed as they fall free
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
    for (const cut of old.openStreams) {
      cut(new TransportError('closed to connect again with the new credentials'));
    }
  }

  close(): void {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = undefined;
    for (const cut of pools?.openStreams ?? []) cut(new TransportError('the client was closed'));
    pools?.calls.destroy();
    pools?.streams.destroy();
  }

  async #sendOnce(request: TransportRequest): Promise<IncomingMessage> {
    if (request.stream) return this.#exchange(request, () => undefined);
    const leave = await this.#calls.enter(request.signal);
    try {
      return await this.#exchange(request, leave);
    } catch (err) {
      leave();
      throw err;
    }
  }

  /** @param ended called when the connection serves the request no longer */
  #exchange(request: TransportRequest, ended: () => void): Promise<IncomingMessage> {
    const { method, headers, body, tls, stream, signal } = request;
    const what = `${method} ${this.#server.origin}${request.path.split('?')[0]}`;
    if (this.#closed)
      return Promise.reject(new TransportError(`${what}: the client was closed`, { sent: false }));
    this.useMaterial(tls);
    const pools = (this.#pools ??= this.#connect(tls));
    const { hop, ...address } = this.#address(request.path);
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const options: RequestOptions = {
      ...address,
      method,
      headers: { ...hop, ...headers, ...length },
      agent: stream ? pools.streams : pools.calls,
      setDefaultHeaders: true,
    };
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(abortReason(signal));
        return;
      }
      request.beforeSend?.();
      const req = (options.protocol === 'https:' ? httpsRequest : httpRequest)(options);
      let connected = false;
      let response: IncomingMessage | undefined;
      const onAbort = (): void => {
        req.destroy(abortReason(signal));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      // Whoever reads the body is told why it ends.
      const cut = (err: TransportError): void => {
        if (response === undefined) req.destroy(err);
        else response.destroy(err);
      };
      if (stream) pools.openStreams.add(cut);
      req.on('socket', (socket) => {
        // A request that waited in line for a connection is not said to reuse it, but does.
        if (this.#connected.has(socket) || (!socket.connecting && req.reusedSocket)) connected = true;
        else
          socket.once(options.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
            this.#connected.add(socket);
            connected = true;
          });
      });
      req.on('response', (message) => {
        response = message;
        resolve(message);
      });
      req.on('error', (err) => {
        if (signal.aborted) reject(abortReason(signal));
        else reject(transportError(what, err, { connected, reused: req.reusedSocket }));
      });
      req.on('close', () => {
        ended();
        signal.removeEventListener('abort', onAbort);
        pools.openStreams.delete(cut);
        if (response === undefined) reject(new TransportError(`${what}: connection closed before an answer`));
      });
      req.end(body);
    });
  }

  /** Where a request goes: to the server itself (through a tunnel, perhaps), or to a proxy that passes it on. */
  #address(path: string) {
    const { protocol, hostname, host, port, origin, pathname } = this.#server;
    const full = `${pathname.replace(/\/$/, '')}${path}`;
    if (this.#proxy !== undefined && protocol === 'http:') {
      return {
        protocol: this.#proxy.protocol,
        ...proxyAddress(this.#proxy),
        path: `${origin}${full}`,
        hop: { host, ...proxyAuthorization(this.#proxy) },
      };
    }
    return {
      protocol,
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : port,
      path: full,
      hop: {},
    };
  }

  #connect(tls: TlsMaterial): Pools {
    const common = {
      keepAlive: true,
      keepAliveMsecs: TCP_KEEPALIVE_MS,
      timeout: 0,
      scheduling: 'lifo' as const,
    };
    const { serverName, insecureSkipVerify } = this.#config;
    const secure = {
      ...tls,
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: insecureSkipVerify !== true,
      minVersion: 'TLSv1.2' as const,
    };
    const proxy = this.#proxy;
    const agent = (maxSockets: number): HttpAgent | HttpsAgent => {
      if (this.#server.protocol === 'https:') {
        return proxy === undefined
          ? new OneServerAgent({ ...common, ...secure, maxSockets })
          : new TunnelAgent(proxy, { ...common, maxSockets }, secure);
      }
      const Plain = proxy?.protocol === 'https:' ? HttpsAgent : HttpAgent;
      return new Plain({ ...common, maxSockets });
    };
    const calls = agent(MAX_CALL_CONNECTIONS);
    calls.on('free', (socket: { setTimeout(ms: number): void }) => socket.setTimeout(IDLE_MS));
    return { tls, calls, streams: agent(Number.POSITIVE_INFINITY), openStreams: new Set() };
  }
}

/** The connection was an old one, and it turned out to be dead before any of the answer came. */
class StaleConnectionError extends TransportError {}

function transportError(
  what: string,
  err: Error,
  at: { readonly connected: boolean; readonly reused: boolean },
): TransportError {
  if (err instanceof TransportError) return err;
  const text = err.message === '' && 'code' in err ? String(err.code) : err.message;
  const options = { cause: err, sent: at.connected };
  return at.reused
    ? new StaleConnectionError(`${what}: ${text}`, options)
    : new TransportError(`${what}: ${text}`, options);
}
