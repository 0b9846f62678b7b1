import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect } from 'node:tls';
import { FakeClock } from '../../base/fake_clock.ts';
import { systemClock } from '../../base/clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import type { KeyPair } from '../../../test/fixtures/pki.ts';
import type { Authenticator } from '../authn/authenticator.ts';
import { firstOf } from '../authn/authenticator.ts';
import { clientCertificateAuthenticator } from '../authn/client_certificate.ts';
import { requestHeaderAuthenticator } from '../authn/request_header.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { alwaysAllowPaths, anyOf, privilegedGroups } from '../authz/authorizer.ts';
import { parseBundle } from '../x509/verify.ts';
import { SettableSource } from './certificates.ts';
import { text } from './exchange.ts';
import type { RunningServer, SecureServerOptions } from './server.ts';
import { createPlainServer, createSecureServer } from './server.ts';
import { nodeTlsSettings } from './tls_options.ts';

const ca = new CertificateAuthority('clients');
const otherCA = new CertificateAuthority('others');
const proxyCA = new CertificateAuthority('proxies');
const serving = ca.issue({ commonName: 'server', hosts: ['127.0.0.1', 'localhost'] });
const admin = ca.issue({ commonName: 'admin', organizations: ['system:masters', 'dev'] });
const alice = ca.issue({ commonName: 'alice', organizations: ['dev'] });
const stranger = otherCA.issue({ commonName: 'admin', organizations: ['system:masters'] });
const proxy = proxyCA.issue({ commonName: 'front-proxy' });

const clientCA = new SettableSource<ReturnType<typeof parseBundle> | undefined>(parseBundle(ca.cert));
const headerConfig = new SettableSource({
  authorities: parseBundle(proxyCA.cert),
  allowedNames: ['front-proxy'],
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-'],
});

function authenticator(anonymous: boolean): Authenticator {
  return firstOf(
    [
      requestHeaderAuthenticator(headerConfig, systemClock),
      clientCertificateAuthenticator(clientCA, systemClock),
    ],
    { anonymous },
  );
}

const authorizer: Authorizer = anyOf([
  alwaysAllowPaths(['/healthz', '/livez/*']),
  privilegedGroups('system:masters'),
]);

let servers: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((s) => s.close(0)));
  servers = [];
  clientCA.set(parseBundle(ca.cert));
});

async function serve(options: Partial<SecureServerOptions> = {}): Promise<number> {
  const server = await createSecureServer({
    address: '127.0.0.1',
    port: 0,
    certificate: new SettableSource(serving),
    tls: nodeTlsSettings({}).tls,
    clientAuthorities: [clientCA],
    authenticator: authenticator(true),
    authorizer,
    handler: ({ res, user, path }) => text(res, `${user.name} ${user.groups.join(',')} ${path}`),
    clock: systemClock,
    log: new RecordingLog(),
    ...options,
  });
  servers.push(server);
  return server.port;
}

interface Answer {
  status: number;
  body: string;
  type: string | undefined;
}

function ask(
  port: number,
  path: string,
  options: { client?: KeyPair; headers?: OutgoingHttpHeaders; method?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? 'GET',
        ca: ca.cert,
        agent: false,
        headers: options.headers ?? {},
        ...options.client,
      },
      (res) => {
        let body = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (body += chunk));
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, body, type: res.headers['content-type'] }),
        );
      },
    );
    req.on('error', reject);
    req.end();
  });
}

test.each([
  [
    'a member of system:masters',
    { client: admin },
    '/metrics',
    200,
    'admin system:masters,dev,system:authenticated /metrics',
  ],
  [
    'anyone, on an always allowed path',
    {},
    '/healthz',
    200,
    'system:anonymous system:unauthenticated /healthz',
  ],
  [
    'anyone, below an always allowed prefix',
    {},
    '/livez/ping',
    200,
    'system:anonymous system:unauthenticated /livez/ping',
  ],
  [
    'a user named by the proxy',
    { client: proxy, headers: { 'x-remote-user': 'bob', 'x-remote-group': ['a', 'system:masters'] } },
    '/x',
    200,
    'bob a,system:masters,system:authenticated /x',
  ],
])('K26: %s is served', async (_, options, path, status, body) => {
  expect(await ask(await serve(), path, options)).toMatchObject({ status, body });
});

test.each([
  [
    'an unprivileged user',
    { client: alice },
    '/metrics',
    'forbidden: User "alice" cannot get path "/metrics"',
  ],
  ['nobody in particular', {}, '/metrics', 'forbidden: User "system:anonymous" cannot get path "/metrics"'],
  [
    'a member of system:masters by the word of a mere client',
    { client: alice, headers: { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' } },
    '/metrics',
    'forbidden: User "alice" cannot get path "/metrics"',
  ],
  [
    'a path that only begins like an allowed one',
    {},
    '/healthzz',
    'forbidden: User "system:anonymous" cannot get path "/healthzz"',
  ],
])('K26: %s is refused with 403', async (_, options, path, message) => {
  const answer = await ask(await serve(), path, options);
  expect(answer).toMatchObject({ status: 403, type: 'application/json' });
  expect(JSON.parse(answer.body)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Forbidden',
    details: {},
    code: 403,
  });
});

test('K26: a certificate of another authority is refused with 401, even on an allowed path', async () => {
  const log = new RecordingLog();
  const answer = await ask(await serve({ log }), '/healthz', { client: stranger });
  expect(answer.status).toBe(401);
  expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
  expect(log.messages).toContain('Unable to authenticate the request');
});

test('K26: without anonymous access a request without credentials is refused with 401', async () => {
  expect((await ask(await serve({ authenticator: authenticator(false) }), '/healthz')).status).toBe(401);
});

test('K26: an authorizer that fails gives 500, not access', async () => {
  const failing: Authorizer = { authorize: () => Promise.reject(new Error('apiserver away')) };
  const answer = await ask(await serve({ authorizer: failing }), '/metrics', { client: admin });
  expect(answer).toMatchObject({ status: 500, body: 'Internal Server Error: "/metrics": apiserver away\n' });
});

test('K26: of several questions any yes lets the request through', async () => {
  const asked: string[] = [];
  const port = await serve({
    authorizer: {
      authorize: async ({ verb }) => {
        asked.push(verb);
        return { allowed: verb === 'broad', reason: '' };
      },
    },
    attributes: (user, { path }) => [
      { user, path, verb: 'fine' },
      { user, path, verb: 'broad' },
    ],
  });
  expect((await ask(port, '/x')).status).toBe(200);
  expect(asked).toEqual(['fine', 'broad']);
});

test.each(['/a/../healthz', '/%2e%2e/x', '/healthz/%2E', '/a%00b', '/a%5cb', '/a%zz', '/a%0d%0ab'])(
  'K26: the path %s is refused with 400',
  async (path) => {
    expect((await ask(await serve(), path, { client: admin })).status).toBe(400);
  },
);

test('K26: a handler that fails is answered with 500 and logged', async () => {
  const log = new RecordingLog();
  const handler = (): Promise<void> => Promise.reject(new Error('disk on fire'));
  const answer = await ask(await serve({ handler, log }), '/healthz');
  expect(answer).toMatchObject({ status: 500, body: 'Internal Server Error: disk on fire\n' });
  expect(log.messages).toContain('Request failed');
});

test('K26: new authorities count for the next request', async () => {
  const port = await serve();
  expect((await ask(port, '/x', { client: stranger })).status).toBe(401);
  clientCA.set(parseBundle(`${ca.cert}\n${otherCA.cert}`));
  expect((await ask(port, '/x', { client: stranger })).status).toBe(200);
  clientCA.set(parseBundle(otherCA.cert));
  expect((await ask(port, '/x', { client: admin })).status).toBe(401);
});

test('K26: an expired client certificate is refused', async () => {
  const clock = new FakeClock(Date.now() + 5 * 24 * 3_600_000);
  const port = await serve({ authenticator: clientCertificateAuthenticator(clientCA, clock) });
  expect((await ask(port, '/x', { client: admin })).status).toBe(401);
});

function servedName(port: number, servername?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ...(servername === undefined ? {} : { servername }),
      },
      () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

test('K26: a changed certificate is served to new connections', async () => {
  const certificate = new SettableSource(serving);
  const port = await serve({ certificate });
  expect(await servedName(port)).toBe('server');
  certificate.set(ca.issue({ commonName: 'rotated', hosts: ['127.0.0.1'] }));
  expect(await servedName(port)).toBe('rotated');
});

test('K26: certificates are chosen by server name: exact, wildcard, names in the certificate, default', async () => {
  const named = (commonName: string, hosts: string[], names: string[]) => ({
    pair: new SettableSource(ca.issue({ commonName, hosts })),
    names,
  });
  const port = await serve({
    sni: [
      named('wild', ['x'], ['*.example.com']),
      named('exact', ['x'], ['a.example.com']),
      named('own', ['own.test'], []),
    ],
  });
  const names = [
    'a.example.com',
    'b.example.com',
    'B.EXAMPLE.COM',
    'c.b.example.com',
    'own.test',
    'none.test',
  ];
  expect(await Promise.all(names.map((n) => servedName(port, n)))).toEqual([
    'exact',
    'wild',
    'wild',
    'server',
    'own',
    'server',
  ]);
  expect(await servedName(port)).toBe('server');
});

test('K26: TLS below the least version is refused', async () => {
  const port = await serve({ tls: nodeTlsSettings({ minVersion: 'VersionTLS13' }).tls });
  const attempt = new Promise((resolve, reject) => {
    const socket = connect(
      { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
      () => resolve(''),
    );
    socket.on('error', reject);
  });
  await expect(attempt).rejects.toThrow(/protocol version/);
});

function upgrade(port: number, path: string, client?: KeyPair): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: ca.cert, ...client }, () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly`,
      );
    });
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

describe('K26: upgrade requests', () => {
  const echo: SecureServerOptions['upgrade'] = ({ user, path }, socket, head) => {
    socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${user.name} ${path} ${head.toString()}`);
  };

  test('are handed over with what came behind them', async () => {
    expect(await upgrade(await serve({ upgrade: echo }), '/exec/a', admin)).toBe(
      'HTTP/1.1 101 Switching Protocols\r\n\r\nadmin /exec/a early',
    );
  });

  test.each([
    ['403', '/exec/a', alice],
    ['401', '/exec/a', stranger],
    ['400', '/a/../b', admin],
  ])('are refused with %s as plain ones are', async (status, path, client) => {
    const answer = await upgrade(await serve({ upgrade: echo }), path, client);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/connection: close/i);
  });
});

test('K26: a port in use is named in the error', async () => {
  const port = await serve();
  await expect(serve({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}: address already in use`);
});

test('K26: an address of another machine is named in the error', async () => {
  await expect(serve({ address: '192.0.2.1' })).rejects.toThrow(
    'cannot listen on 192.0.2.1:0: this machine does not have the address',
  );
});

/** Sends a text without more ado, and gives the answer once the connection is closed. */
function sendRaw(port: number, what: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: ca.cert }, () => socket.write(what));
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
  });
}

test('K26: a command of several hundred kilobytes is taken, as kubectl exec may carry one', async () => {
  const port = await serve({ handler: ({ res, query }) => text(res, String(query.get('command')?.length)) });
  const answer = await ask(port, `/exec?command=${'x'.repeat(300_000)}`, { client: admin });
  expect(answer).toMatchObject({ status: 200, body: '300000' });
});

test('K26: headers of more than a megabyte are refused as such', async () => {
  const port = await serve();
  const header = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(1_200_000)}\r\n\r\n`;
  const answer = await sendRaw(port, header);
  expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
  expect(answer).toMatch(/\r\n\r\n431 Request Header Fields Too Large$/);
});

test.each([
  ['nothing', ''],
  ['half a request', 'GET /healthz HTTP/1.1\r\nhost: '],
])('K26: a client that sends %s is cut off', async (_, what) => {
  const port = await serve({ headersTimeoutMs: 100 });
  expect(await sendRaw(port, what)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
});

test('K26: a client that never begins TLS is cut off', async () => {
  const port = await serve({ headersTimeoutMs: 100 });
  const closed = new Promise<string>((resolve) => {
    const socket = connectPlain({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve('closed'));
    socket.resume();
  });
  expect(await closed).toBe('closed');
});

test('K26: closing lets a request under way finish', async () => {
  let release = (): void => undefined;
  const entered = new Promise<void>((resolve) => {
    void serve({
      handler: async ({ res }) => {
        resolve();
        await new Promise<void>((r) => (release = r));
        text(res, 'done');
      },
    }).then((port) => void (answer = ask(port, '/healthz')));
  });
  let answer: Promise<Answer> | undefined;
  await entered;
  const closed = servers[0]?.close(60_000);
  release();
  expect(await answer).toMatchObject({ status: 200, body: 'done' });
  await closed;
});

test('K26: a plain server serves without credentials', async () => {
  const server = await createPlainServer({
    address: '127.0.0.1',
    port: 0,
    log: new RecordingLog(),
    handler: ({ res, query }) => text(res, String(query.get('a'))),
  });
  servers.push(server);
  const answer = await fetch(`http://127.0.0.1:${server.port}/x?a=b%20c`);
  expect(await answer.text()).toBe('b c');
});
