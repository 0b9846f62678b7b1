/** Delegated authentication and authorization against a real apiserver with RBAC. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import { systemClock } from '../base/clock.ts';
import { startComponentServer } from './component_server.ts';
import { defineFlags, formatFlags, parseFlags } from './flags.ts';
import { HealthChecks } from './health.ts';
import { createLogger } from './logging.ts';
import { Metrics } from './metrics.ts';
import { createNotifier } from './notify.ts';
import type { RunningServer } from './serving/server.ts';
import { delegatedAuthFlags, secureServingFlags } from './serving_flags.ts';

const definitions = defineFlags({ ...secureServingFlags({ port: 10259 }), ...delegatedAuthFlags });

let apiserver: Apiserver;
let servers: RunningServer[] = [];
let stop: AbortController;
const logged: string[] = [];

beforeAll(async () => {
  apiserver = await startApiserver({
    rbac: true,
    tokens: [
      { token: 'alice-token', user: 'alice', groups: ['dev'] },
      { token: 'bob-token', user: 'bob' },
    ],
  });
}, 120_000);
afterAll(async () => apiserver.stop(), 60_000);

beforeEach(() => {
  stop = new AbortController();
  logged.length = 0;
});
afterEach(async () => {
  stop.abort();
  await Promise.all(servers.map((s) => s.close(0)));
  servers = [];
});

async function start(...argv: string[]): Promise<number> {
  const log = createLogger({
    format: 'text',
    verbosity: 4,
    stream: { write: (t) => logged.push(t) },
    clock: systemClock,
  });
  const parsed = parseFlags(definitions, ['--bind-address=127.0.0.1', ...argv]);
  // Port 0 would mean "no server" in the flags: a free one is taken from the machine.
  const port = await freePort();
  const server = await startComponentServer({
    ctx: {
      name: 'test-component',
      signal: stop.signal,
      clock: systemClock,
      log,
      notify: createNotifier({ env: {}, log, clock: systemClock }),
    },
    values: { ...parsed.values, 'secure-port': port },
    flags: formatFlags(definitions, parsed),
    healthz: new HealthChecks(log),
    metrics: new Metrics(),
    configurations: { componentconfig: () => ({ kind: 'TestConfiguration' }) },
  });
  if (server === undefined) throw new Error('no server');
  servers.push(server);
  return port;
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve, reject) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function ask(
  port: number,
  path: string,
  options: { token?: string; client?: { cert: string; key: string } } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
    const req = request(
      { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, headers, ...options.client },
      (res) => {
        let body = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (body += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
      },
    );
    req.on('error', reject);
    req.end();
  });
}

const kubeconfigs = (): string[] => [
  `--authentication-kubeconfig=${apiserver.kubeconfigPath}`,
  `--authorization-kubeconfig=${apiserver.kubeconfigPath}`,
];

test('tokens are reviewed, and what their users may do is asked for', async () => {
  const port = await start(...kubeconfigs(), '--authorization-webhook-cache-unauthorized-ttl=1ms');
  expect((await ask(port, '/healthz')).body).toBe('ok');
  expect((await ask(port, '/healthz', { token: 'wrong' })).status).toBe(401);
  expect((await ask(port, '/metrics')).body).toContain(
    'forbidden: User \\"system:anonymous\\" cannot get path \\"/metrics\\"',
  );
  expect((await ask(port, '/metrics', { token: 'alice-token' })).body).toContain(
    'User \\"alice\\" cannot get path',
  );
  await apiserver.client.request({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    body: { metadata: { name: 'metrics' }, rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
  });
  await apiserver.client.request({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: {
      metadata: { name: 'metrics' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'metrics' },
      subjects: [{ kind: 'Group', name: 'dev', apiGroup: 'rbac.authorization.k8s.io' }],
    },
  });
  let allowed = await ask(port, '/metrics', { token: 'alice-token' });
  // The apiserver's own authorizer sees the new role a moment later.
  for (let i = 0; i < 100 && allowed.status === 403; i++)
    allowed = await ask(port, '/metrics', { token: 'alice-token' });
  expect(allowed.status).toBe(200);
  expect((await ask(port, '/metrics', { token: 'bob-token' })).status).toBe(403);
  expect((await ask(port, '/configz', { token: apiserver.adminToken })).body).toBe(
    '{"componentconfig":{"kind":"TestConfiguration"}}',
  );
}, 30_000);

test('client certificates of the cluster are accepted without any file being given', async () => {
  const port = await start(...kubeconfigs());
  const admin = apiserver.ca.issue({ commonName: 'root', organizations: ['system:masters'] });
  const flagz = await ask(port, '/flagz', { client: admin });
  expect(flagz.status).toBe(200);
  expect(flagz.body).toContain(`authentication-kubeconfig: ${apiserver.kubeconfigPath}\n`);
  expect((await ask(port, '/statusz', { client: admin })).body).toMatch(
    /^\ntest-component statusz\n[^]*Paths {2}\/configz \/debug\/flags\/v \/flagz \/healthz \/livez \/metrics \/metrics\/slis \/readyz\n$/,
  );
  expect((await ask(port, '/statusz', { client: apiserver.ca.issue({ commonName: 'nobody' }) })).status).toBe(
    403,
  );
}, 30_000);

test('a client CA given as a file is used instead of that of the cluster', async () => {
  const port = await start(...kubeconfigs(), `--client-ca-file=${join(apiserver.dir, 'pki', 'ca.crt')}`);
  expect(readFileSync(join(apiserver.dir, 'pki', 'ca.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
  const admin = apiserver.ca.issue({ commonName: 'root', organizations: ['system:masters'] });
  expect((await ask(port, '/metrics', { client: admin })).status).toBe(200);
}, 30_000);

test('without kubeconfigs only the always allowed paths are served', async () => {
  const port = await start();
  expect((await ask(port, '/readyz?verbose')).body).toBe('[+]ping ok\nreadyz check passed\n');
  expect((await ask(port, '/metrics')).status).toBe(403);
  expect(logged.join('')).toContain('No --authentication-kubeconfig and not in a cluster');
}, 30_000);

test('verdicts are remembered while the apiserver is away, new ones are refused', async () => {
  const port = await start(...kubeconfigs(), '--authorization-webhook-cache-authorized-ttl=1m');
  expect((await ask(port, '/metrics', { token: apiserver.adminToken })).status).toBe(200);
  await apiserver.kill();
  try {
    expect((await ask(port, '/metrics', { token: apiserver.adminToken })).status).toBe(200);
    expect((await ask(port, '/metrics', { token: 'bob-token' })).status).toBe(401);
    expect((await ask(port, '/healthz')).status).toBe(200);
  } finally {
    await apiserver.restart();
  }
}, 60_000);

test('a look-up that fails ends the start where that is not tolerated', async () => {
  const nowhere = apiserver.writeKubeconfig('nowhere', { token: 'x' }, 'https://127.0.0.1:1');
  await expect(
    start(
      `--authentication-kubeconfig=${nowhere}`,
      `--authorization-kubeconfig=${nowhere}`,
      '--authentication-tolerate-lookup-failure=false',
    ),
  ).rejects.toThrow(
    /unable to load configmap kube-system\/extension-apiserver-authentication: .*ECONNREFUSED/,
  );
}, 30_000);
