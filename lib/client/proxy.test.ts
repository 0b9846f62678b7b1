import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { CertificateAuthority } from '../../test/fixtures/pki.ts';
import type { ClientConfig } from './client_config.ts';
import { TransportError } from './errors.ts';
import { createClient } from './http_client.ts';

const authority = new CertificateAuthority();
const forName = authority.issue({ commonName: 'api', hosts: ['api.test.invalid'] });
const open: Server[] = [];
let proxied: string[];
/** What the proxy answers to CONNECT, where it does not connect. */
let refusal: string | undefined;

async function listening(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server that listens
  return (server.address() as AddressInfo).port;
}

const answer = (request: IncomingMessage, response: { end(text: string): unknown }): void => {
  response.end(JSON.stringify({ path: request.url, host: request.headers.host }));
};

/** A proxy that takes every connection to the port given. */
async function startProxy(target: number): Promise<string> {
  const proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    answer(request, response);
  });
  proxy.on('connect', (request, socket: Duplex, head: Buffer) => {
    proxied.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    socket.on('error', () => undefined);
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    const upstream = connect(target, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  return `127.0.0.1:${await listening(proxy)}`;
}

async function get(config: Omit<ClientConfig, 'auth'>): Promise<unknown> {
  const client = createClient({ ...config, auth: {} }, { qps: 0 });
  try {
    const first = await client.request({ method: 'GET', path: '/version' });
    await client.request({ method: 'GET', path: '/version' });
    return first;
  } finally {
    await client.close();
  }
}

beforeEach(() => {
  proxied = [];
  refusal = undefined;
});
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('TLS goes through a tunnel that is used again; the server is verified by its own name', async () => {
  const port = await listening(createSecureServer({ ...forName }, answer));
  const proxy = await startProxy(port);
  const got = await get({
    server: 'https://api.test.invalid:6443/base',
    proxyUrl: `http://user:p%40ss@${proxy}`,
    tls: { ca: { data: authority.cert } },
  });
  expect(got).toEqual({ path: '/base/version', host: 'api.test.invalid:6443' });
  expect(proxied).toEqual([
    `CONNECT api.test.invalid:6443 Basic ${Buffer.from('user:p@ss').toString('base64')}`,
  ]);
});

test('another server behind the tunnel is refused', async () => {
  const port = await listening(createSecureServer({ ...forName }, answer));
  const proxy = await startProxy(port);
  const got = get({
    server: 'https://10.0.0.1:6443',
    proxyUrl: `http://${proxy}`,
    tls: { ca: { data: authority.cert } },
  });
  await expect(got).rejects.toThrow(/IP: 10\.0\.0\.1 is not in the cert's list/);
});

test('an IPv6 address is put in brackets for the proxy', async () => {
  const port = await listening(createSecureServer({ ...forName }, answer));
  const proxy = await startProxy(port);
  await get({
    server: 'https://[fd00::1]:6443',
    proxyUrl: `http://${proxy}`,
    tls: { ca: { data: authority.cert }, serverName: 'api.test.invalid' },
  });
  expect(proxied).toEqual(['CONNECT [fd00::1]:6443']);
});

test('a server without TLS is asked for through the proxy', async () => {
  const proxy = await startProxy(0);
  const got = await get({
    server: 'http://api.test.invalid:8080/base',
    proxyUrl: `http://u:p@${proxy}`,
    tls: {},
  });
  expect(got).toEqual({
    path: 'http://api.test.invalid:8080/base/version',
    host: 'api.test.invalid:8080',
  });
  expect(proxied[0]).toBe(
    `GET http://api.test.invalid:8080/base/version Basic ${Buffer.from('u:p').toString('base64')}`,
  );
});

test.each([
  [
    'refuses',
    'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
    /proxy http:\/\/127\.0\.0\.1:\d+: CONNECT api\.test\.invalid:443: HTTP 407 Proxy Authentication Required/,
  ],
  ['speaks no HTTP', 'SSH-2.0\r\n', /CONNECT api\.test\.invalid:443: Parse Error/],
  ['hangs up', '', /CONNECT api\.test\.invalid:443: socket hang up/],
])('a proxy that %s: nothing was sent', async (_, text, message) => {
  refusal = text;
  const proxy = await startProxy(0);
  const failure = await get({
    server: 'https://api.test.invalid',
    proxyUrl: `http://u:secret@${proxy}`,
    tls: {},
  }).catch((err: unknown) => err);
  expect(failure).toBeInstanceOf(TransportError);
  expect(failure).toMatchObject({ sent: false });
  expect(String(failure)).toMatch(message);
  expect(String(failure)).not.toContain('secret');
});
