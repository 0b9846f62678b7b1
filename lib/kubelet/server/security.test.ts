/** What the authenticated port must never do: answer strangers, or be led astray by the path of a request. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { kubeletRoutes } from './kubelet_routes.ts';
import { ask, kubelet, routeOptions, useKubeletServer } from './testing/kubelet_server.ts';

const ca = new CertificateAuthority();
const stranger = ca.issue({ commonName: 'alice', organizations: ['system:nodes'] });
const elsewhere = new CertificateAuthority().issue({
  commonName: 'admin',
  organizations: ['system:masters'],
});
const scraper = ca.issue({ commonName: 'scraper' });

useKubeletServer(ca);
// Some of these tests make a hundred TLS connections.
jest.setTimeout(60_000);

/** Every path that is served, with something below those that want it, and some that are not. */
function everyPath(): string[] {
  const served = kubeletRoutes(routeOptions()).paths();
  const below = ['/exec/', '/attach/', '/run/', '/checkpoint/', '/containerLogs/'].map(
    (path) => `${path}default/web/app`,
  );
  return [...served, ...below, '/portForward/default/web', '/logs/syslog', '/', '/nowhere', '/ui', '/ui/x'];
}

const METHODS = ['GET', 'POST', 'PUT'];

test.each([
  ['without credentials', null, 401],
  ['with the certificate of a foreign authority', elsewhere, 401],
  ['who may nothing', stranger, 403],
])(
  'K26: a stranger %s gets nothing, whatever the path and the method',
  async (_, client, status) => {
    expect(everyPath().length).toBeGreaterThan(25);
    for (const path of everyPath()) {
      for (const method of METHODS) {
        const answer = await ask(path, { method, client });
        expect([method, path, answer.status]).toEqual([method, path, status]);
        expect(answer.body).toMatch(/^(Unauthorized|Forbidden \(user=alice, .*\n|)$/);
      }
    }
    expect(kubelet.calls).toEqual([]);
    // A hundred connections.
  },
  60_000,
);

test.each([
  ['without credentials', null, 401],
  ['who may nothing', stranger, 403],
])('K26: a stranger %s gets no stream', async (_, client, status) => {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  for (const path of ['/exec/default/web/app?output=1&command=id', '/attach/default/web/app?output=1']) {
    expect(await ask(path, { method: 'POST', client, headers })).toMatchObject({ status });
  }
  expect(await ask('/portForward/default/web', { method: 'POST', client, headers })).toMatchObject({
    status,
  });
  expect(kubelet.calls).toEqual([]);
});

/** Sends a request line that no proper client would, and gives the status of the answer. */
function askRaw(target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { key, cert } = kubelet.admin;
    const socket = connect({ port: kubelet.port, host: '127.0.0.1', ca: ca.cert, key, cert }, () =>
      socket.write(`GET ${target} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n`, 'latin1'),
    );
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer.split('\r\n', 1)[0] ?? ''));
  });
}

test.each([
  '/metrics/../pods',
  '/metrics/%2e%2e/pods',
  '/metrics/%2E%2E/exec/default/web/app',
  '/metrics/..%2fpods',
  '/metrics//../pods',
  '/./pods',
  '/pods/..',
  '/containerLogs/default/web/..',
  '/containerLogs/default/../../etc',
  '/containerLogs/default/web/app%00',
  '/containerLogs/default/web/app%0a',
  '/containerLogs/default/web/a%5cpp',
  '/containerLogs/default/web/%c0%ae%c0%ae',
  '/logs/..%2f0.log',
  '/logs/%2e%2e/0.log',
  '/exec/default/web/app%0d%0aX:1?command=ls&output=1',
  '/run/default/web/%7f?cmd=ls',
  'https://elsewhere/pods',
  '*',
])('K26: %s is refused before anyone asks who may', async (target) => {
  writeFileSync(join(kubelet.dir, '0.log'), 'secret\n');
  expect(await askRaw(target)).toMatch(/^HTTP\/1\.1 (400|404) /);
  expect(kubelet.calls).toEqual([]);
});

test.each(['/metrics/x\u0001', '/po\tds', '/pods\u0000'])(
  'K26: %j with a bare control character is no request',
  async (target) => {
    expect(await askRaw(target)).toMatch(/^HTTP\/1\.1 400 /);
  },
);

test('K26: names in paths are names: nothing that looks like a file or an option reaches the runtime', async () => {
  for (const name of ['-rf', '.hidden', 'a b', 'ä', '%E2%80%AE', 'a'.repeat(300), 'WEB', 'a_b', '*']) {
    const encoded = encodeURIComponent(name);
    for (const path of [
      `/exec/${encoded}/web/app`,
      `/exec/default/${encoded}/app`,
      `/exec/default/web/${encoded}`,
    ]) {
      const answer = await ask(`${path}?command=ls&output=1`, { method: 'POST' });
      expect([path, answer.status]).toEqual([path, 404]);
    }
  }
  expect(kubelet.calls).toEqual([]);
});

test('K26: a permission to one page is none to another that begins alike', async () => {
  for (const path of ['/metrics', '/metrics/resource', '/pods'])
    expect((await ask(path, { client: scraper })).status).toBe(200);
  for (const path of [
    '/metricsx',
    '/podsx',
    '/Pods',
    '/PODS',
    '//pods',
    '/pods%2f',
    '/metrics%2fcadvisor',
    '/%70ods/',
  ])
    expect([path, (await ask(path, { client: scraper })).status]).toEqual([path, 403]);
});
