/** Connections to an apiserver through an HTTP proxy (`proxy-url` of a kubeconfig). */
import { request as httpRequest } from 'node:http';
import type { AgentOptions, RequestOptions } from 'node:https';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { PassThrough } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { connect as tlsConnect } from 'node:tls';
import { toError } from '../base/errors.ts';
import { TransportError } from './errors.ts';

/** How long a proxy may take to connect. */
const CONNECT_TIMEOUT_MS = 30_000;
/** The callback for new connections wants a stream beside an error. */
const NOWHERE = new PassThrough();

/** An agent whose TLS connections go through the proxy, by CONNECT: the proxy sees nothing of what is said. */
export class TunnelAgent extends HttpsAgent {
  readonly #proxy: URL;
  readonly #tls: ConnectionOptions;

  constructor(proxy: URL, options: AgentOptions, tls: ConnectionOptions) {
    super(options);
    this.#proxy = proxy;
    this.#tls = tls;
  }

  override createConnection(
    target: RequestOptions,
    connected: (err: Error | null, socket: Duplex) => void,
  ): undefined {
    const host = target.host ?? '';
    const authority = `${host.includes(':') ? `[${host}]` : host}:${target.port ?? 443}`;
    void this.#connect(host, authority).then(
      (socket) => connected(null, socket),
      (err: unknown) => connected(toError(err), NOWHERE),
    );
  }

  async #connect(host: string, authority: string): Promise<Duplex> {
    const socket = await tunnel(this.#proxy, authority);
    const servername = this.#tls.servername ?? (isIP(host) === 0 ? host : '');
    return tlsConnect({ ...this.#tls, host, servername, ALPNProtocols: ['http/1.1'], socket });
  }
}

/** @throws TransportError, which says that nothing was sent, when there is no connection to `authority` */
function tunnel(proxy: URL, authority: string): Promise<Duplex> {
  const what = `proxy ${proxy.origin}: CONNECT ${authority}`;
  return new Promise((resolve, reject) => {
    const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
      ...proxyAddress(proxy),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      agent: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    const fail = (text: string, cause?: unknown): void => {
      reject(new TransportError(`${what}: ${text}`, { cause, sent: false }));
      request.destroy();
    };
    request.on('connect', (response, socket, head: Buffer) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        fail(`HTTP ${response.statusCode} ${response.statusMessage ?? ''}`.trimEnd());
        return;
      }
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on('timeout', () => fail(`no answer within ${CONNECT_TIMEOUT_MS} ms`));
    request.on('error', (err) => fail(err.message === '' ? String(err) : err.message, err));
    request.end();
  });
}

/** Where requests to the proxy go. */
export function proxyAddress(proxy: URL): { host: string; port: string } {
  return {
    host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? '443' : '80') : proxy.port,
  };
}

/** The header that carries user and password of the proxy's URL. */
export function proxyAuthorization(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === '' && proxy.password === '') return {};
  const userInfo = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(userInfo).toString('base64')}` };
}
