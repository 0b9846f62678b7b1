/** HTTP and HTTPS servers of the daemons: who asks, may they, then the handler. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage, Server as HttpServer, ServerOptions } from 'node:http';
import { createServer as createHttpServer, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { isIPv6, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Authenticator, Credentials, User } from '../authn/authenticator.ts';
import { ANONYMOUS, AuthenticationError } from '../authn/authenticator.ts';
import type { Attributes, Authorizer } from '../authz/authorizer.ts';
import { forbiddenMessage } from '../authz/authorizer.ts';
import type { KeyPair } from '../x509/self_signed.ts';
import type { Source } from './certificates.ts';
import type { Exchange, Handler, RequestTarget } from './exchange.ts';
import { requestTarget, statusError, textError } from './exchange.ts';
import type { SniCertificate } from './sni.ts';
import { chooseCertificate } from './sni.ts';
import type { NodeTlsSettings } from './tls_options.ts';

/** The server cannot listen; the message names the address and what is wrong with it. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface RunningServer {
  readonly port: number;
  /** Takes no new connections, gives requests under way `graceMs` (default 2 s), then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

/** Takes over the connection of an upgrade request; `head` is what arrived behind the request. */
export type UpgradeHandler = (
  exchange: Omit<Exchange, 'res'>,
  socket: Duplex,
  head: Buffer,
) => void | Promise<void>;

interface ListenOptions {
  /** IP address; empty or unspecified (`0.0.0.0`, `::`) listens on all addresses of both families. */
  address: string;
  /** 0: any free port. */
  port: number;
  /** With an address that listens on all: on those of this family alone. */
  family?: 'IPv4' | 'IPv6';
  /** How long a client may take to begin TLS, and then to send the headers of a request. Default 20 s. */
  headersTimeoutMs?: number;
  /** Let several processes share the port (SO_REUSEPORT). */
  reusePort?: boolean;
  log: Log;
}

export interface PlainServerOptions extends ListenOptions {
  handler: Handler;
}

/** How a refusal is worded: API servers answer with `Status` objects, the kubelet with plain text. */
export interface RefusalWriter {
  unauthorized(res: ServerResponse): void;
  forbidden(res: ServerResponse, attributes: readonly Attributes[], reason: string): void;
  failed(res: ServerResponse, attributes: Attributes, err: unknown): void;
}

export interface SecureServerOptions extends ListenOptions {
  /** The certificate for clients that ask for no name, or for none of `sni`. */
  certificate: Source<KeyPair>;
  sni?: readonly SniCertificate[];
  tls: NodeTlsSettings;
  /** Authorities named to clients when asked for a certificate, so that they pick the right one. */
  clientAuthorities?: readonly Source<readonly X509Certificate[] | undefined>[];
  /** Left out: nobody is asked who they are, and all are {@link ANONYMOUS}. */
  authenticator?: Authenticator;
  /** Left out: everything is allowed. */
  authorizer?: Authorizer;
  /**
   * What a request asks for. Several: allowed when any of them is (finer permission first). Default: the path, with the
   * HTTP method as verb.
   */
  attributes?: (user: User, target: RequestTarget, method: string) => readonly [Attributes, ...Attributes[]];
  refusals?: RefusalWriter;
  handler: Handler;
  /** Without it upgrade requests are answered as plain ones. */
  upgrade?: UpgradeHandler;
  clock: Clock;
}

/** As Go's servers have it: the arguments of `kubectl exec` stand in the request line. */
const MAX_HEADER_BYTES = 1024 * 1024;
const HEADERS_TIMEOUT_MS = 20_000;
/** Longer than clients keep idle connections, so that it is they who close. */
const KEEP_ALIVE_MS = 180_000;
const CLOSE_GRACE_MS = 2000;

function serverOptions({ headersTimeoutMs = HEADERS_TIMEOUT_MS }: ListenOptions): ServerOptions {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: headersTimeoutMs / 2,
    requestTimeout: 0, // exec and logs last as long as they last
  };
}

/** Serves HTTP without asking who it is (health and metrics on loopback). @throws ListenError */
export async function createPlainServer(options: PlainServerOptions): Promise<RunningServer> {
  const { handler, log } = options;
  const server = createHttpServer(serverOptions(options), (req, res) => {
    const target = requestTarget(req.url);
    if (target === undefined) textError(res, 400, 'Bad Request');
    else void answer(handler, { req, res, ...target, user: ANONYMOUS }, log);
  });
  return listen(server, options);
}

/** Serves HTTPS. @throws ListenError; CertificateError or TlsOptionError have been thrown before, by their makers */
export async function createSecureServer(options: SecureServerOptions): Promise<RunningServer> {
  const { certificate, sni = [], tls, clientAuthorities = [], handler, upgrade, log } = options;
  const contextOptions = (pair: KeyPair): SecureContextOptions => {
    const authorities = clientAuthorities.flatMap((source) => source.current() ?? []);
    return {
      ...tls,
      ...pair,
      ...(authorities.length > 0 ? { ca: authorities.map((c) => c.toString()) } : {}),
    };
  };
  const sniContexts = new WeakMap<KeyPair, SecureContext>();
  const sniContext = (name: string): SecureContext | undefined => {
    const pair = chooseCertificate(name, sni)?.current();
    if (pair === undefined) return undefined;
    const known = sniContexts.get(pair);
    const context = known ?? createSecureContext(contextOptions(pair));
    if (known === undefined) sniContexts.set(pair, context);
    return context;
  };
  const server = createHttpsServer(
    {
      ...serverOptions(options),
      handshakeTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      ...contextOptions(certificate.current()),
      // Upgraded connections: the end of one direction must not close the other.
      allowHalfOpen: true,
      ALPNProtocols: ['http/1.1'],
      requestCert: options.authenticator !== undefined,
      // Certificates are verified per request, by the authenticator: authorities may change, and there may be two sets.
      rejectUnauthorized: false,
      SNICallback: (name, callback) => {
        try {
          callback(null, sniContext(name));
        } catch (err) {
          callback(new Error('no certificate for the server name', { cause: err }));
        }
      },
    },
    (req, res) => {
      void serve(options, handler, req, res);
    },
  );
  if (upgrade !== undefined)
    server.on('upgrade', (req, socket, head) => {
      void tunnel(options, upgrade, req, socket, head);
    });
  const reload = (): void => {
    try {
      server.setSecureContext(contextOptions(certificate.current()));
    } catch (err) {
      log.error(err, 'Cannot use the changed certificates, serving with those before');
    }
  };
  const stops = [certificate, ...clientAuthorities].map((source) => source.onChange(reload));
  server.on('tlsClientError', (err: Error, socket: TLSSocket) => {
    log.v(2).info('TLS handshake error', { from: socket.remoteAddress, err });
    // Nothing can be said to it, and left alone it would stay open.
    socket.destroy();
  });
  const running = await listen(server, options);
  return {
    port: running.port,
    async close(graceMs) {
      for (const stop of stops) stop();
      await running.close(graceMs);
    },
  };
}

async function answer(handler: Handler, exchange: Exchange, log: Log): Promise<void> {
  const { res, path } = exchange;
  try {
    await handler(exchange);
  } catch (err) {
    log.error(err, 'Request failed', { path });
    if (res.headersSent) res.destroy();
    else textError(res, 500, `Internal Server Error: ${errorMessage(err)}`);
  }
}

async function serve(
  options: SecureServerOptions,
  handler: Handler,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  res.setHeader('cache-control', 'no-cache, private');
  const admission = await admit(options, req);
  if ('refuse' in admission) admission.refuse(res);
  else await answer(handler, { req, res, ...admission }, options.log);
}

type Admission = (RequestTarget & { user: User }) | { refuse: (res: ServerResponse) => void };

/** Who asks, and may they. Never rejects. */
async function admit(options: SecureServerOptions, req: IncomingMessage): Promise<Admission> {
  const { authenticator, authorizer, log, refusals = apiRefusals } = options;
  const target = requestTarget(req.url);
  if (target === undefined) return { refuse: (res) => textError(res, 400, 'Bad Request') };
  let user: User | undefined = ANONYMOUS;
  if (authenticator !== undefined) {
    try {
      user = await authenticator.authenticate(credentialsOf(req));
    } catch (err) {
      log.error(err, 'Unable to authenticate the request', { from: req.socket.remoteAddress });
      if (!(err instanceof AuthenticationError))
        return { refuse: (res) => textError(res, 500, 'Internal Server Error') };
      user = undefined;
    }
    if (user === undefined) return { refuse: (res) => refusals.unauthorized(res) };
  }
  const admitted = { ...target, user };
  if (authorizer === undefined) return admitted;
  const method = req.method ?? 'GET';
  const questions = options.attributes?.(user, target, method) ?? [
    { user, verb: method.toLowerCase(), path: target.path },
  ];
  let reason = '';
  for (const attributes of questions) {
    try {
      const decision = await authorizer.authorize(attributes);
      if (decision?.allowed === true) return admitted;
      reason = decision?.reason ?? '';
    } catch (err) {
      return { refuse: (res) => refusals.failed(res, attributes, err) };
    }
  }
  log.v(2).info('Forbidden', { user: user.name, verb: method, path: target.path, reason });
  return { refuse: (res) => refusals.forbidden(res, questions, reason) };
}

async function tunnel(
  options: SecureServerOptions,
  upgrade: UpgradeHandler,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', (err) => options.log.v(4).info('Upgraded connection failed', { path: req.url, err }));
  const admission = await admit(options, req);
  if ('refuse' in admission) {
    refuseUpgrade(req, socket, admission.refuse);
    return;
  }
  try {
    await upgrade({ req, ...admission }, socket, head);
  } catch (err) {
    options.log.error(err, 'Upgrade request failed', { path: req.url });
    socket.destroy();
  }
}

/** Writes an ordinary answer to a connection whose request asked for an upgrade, and closes it. */
export function refuseUpgrade(
  req: IncomingMessage,
  socket: Duplex,
  write: (res: ServerResponse) => void,
): void {
  if (!(socket instanceof Socket) || socket.destroyed) {
    socket.destroy();
    return;
  }
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.once('finish', () => {
    res.detachSocket(socket);
    socket.end();
  });
  write(res);
}

function credentialsOf(req: IncomingMessage): Credentials {
  const headers = req.headersDistinct;
  const { socket } = req;
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined) return { headers };
  const intermediates: X509Certificate[] = [];
  for (
    let c = certificate.issuerCertificate;
    c !== undefined && intermediates.length < 8;
    c = c.issuerCertificate
  ) {
    if (intermediates.includes(c)) break;
    intermediates.push(c);
  }
  return { headers, certificate, intermediates };
}

/** Refusals in the words of API servers. */
export const apiRefusals: RefusalWriter = {
  unauthorized: (res) => statusError(res, 401, 'Unauthorized', 'Unauthorized'),
  forbidden: (res, [attributes], reason) => {
    const message = attributes === undefined ? reason : forbiddenMessage(attributes, reason);
    statusError(res, 403, 'Forbidden', `forbidden: ${message}`);
  },
  failed: (res, attributes, err) =>
    textError(res, 500, `Internal Server Error: "${attributes.path}": ${errorMessage(err)}`),
};

function hostOf({ address, family }: ListenOptions): { host?: string; ipv6Only?: boolean } {
  const all = address === '' || address === '0.0.0.0' || address === '::';
  if (!all) return { host: address };
  // Without a host Node listens on both families, or on IPv4 alone where the machine has no IPv6.
  if (family === undefined) return {};
  return family === 'IPv4' ? { host: '0.0.0.0' } : { host: '::', ipv6Only: true };
}

/** What is answered to requests that Node gives up on, by its code. */
const CLIENT_ERRORS: Readonly<Partial<Record<string, string>>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};
const REFUSED_LINGER_MS = 500;

async function listen(server: HttpServer, options: ListenOptions): Promise<RunningServer> {
  const { address, port, log } = options;
  const sockets = new Set<Socket>();
  const refused = new WeakSet<Duplex>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('clientError', (err: Error, socket: Duplex) => {
    const code = 'code' in err && typeof err.code === 'string' ? err.code : '';
    // More of what was refused.
    if (refused.has(socket) && code.startsWith('HPE_')) return;
    log.v(4).info('Bad request', { err });
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    const status = CLIENT_ERRORS[code] ?? '400 Bad Request';
    socket.end(
      `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: ${status.length}\r\n\r\n${status}`,
    );
    // Cut at once, a client that still sends would not see the answer.
    const cut = setTimeout(() => socket.destroy(), REFUSED_LINGER_MS);
    socket.once('close', () => clearTimeout(cut));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (err) => reject(listenError(address, port, err)));
    server.listen({ port, ...hostOf(options), ...(options.reusePort ? { reusePort: true } : {}) }, resolve);
  });
  server.on('error', (err) => log.error(err, 'Server error', { address, port }));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: (graceMs = CLOSE_GRACE_MS) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listenError(address: string, port: number, err: Error): ListenError {
  const where = `${isIPv6(address) ? `[${address}]` : address || '*'}:${port}`;
  const code = 'code' in err ? err.code : undefined;
  const known: Partial<Record<string, string>> = {
    EADDRINUSE: 'address already in use',
    EADDRNOTAVAIL: 'this machine does not have the address',
    EACCES: 'permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)',
  };
  const why = (typeof code === 'string' ? known[code] : undefined) ?? errorMessage(err);
  return new ListenError(`cannot listen on ${where}: ${why}`, { cause: err });
}
