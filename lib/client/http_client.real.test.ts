import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import { CertificateAuthority } from '../../test/fixtures/pki.ts';
import { FakeClock } from '../base/fake_clock.ts';
import type { ApiClient } from './client.ts';
import type { TlsConfig } from './client_config.ts';
import { CredentialError, isConflict, isNotFound, isUnauthorized, TransportError } from './errors.ts';
import { createInformer } from './informer.ts';
import { createClient, loadKubeconfig } from './kubeconfig.ts';
import { listAll } from './list_all.ts';
import { CONFIG_MAPS, NODES, PODS, SERVICE_ACCOUNTS } from './resource.ts';

const namespace = 'default';
let server: Apiserver;
const closing: ApiClient[] = [];
beforeAll(async () => {
  server = await startApiserver();
}, 120_000);
afterAll(async () => {
  for (const client of closing) await client.close();
  await server.stop();
}, 30_000);

test('every verb, patch type and subresource', async () => {
  const { client } = server;
  const made = await client.create(CONFIG_MAPS, {
    metadata: { namespace, generateName: 'cm-' },
    data: { a: '1' },
  });
  const key = { namespace, name: made.metadata.name };
  expect(await client.get(CONFIG_MAPS, key)).toEqual(made);
  const updated = await client.update(CONFIG_MAPS, { ...made, data: { a: '2' } });
  expect(isConflict(await client.update(CONFIG_MAPS, { ...made, data: { a: '3' } }).catch(asIs))).toBe(true);
  await client.patch(CONFIG_MAPS, key, { data: { b: '1' } }, { type: 'merge' });
  await client.patch(CONFIG_MAPS, key, { data: { c: '1' } }, { type: 'strategic-merge' });
  await client.patch(CONFIG_MAPS, key, [{ op: 'remove', path: '/data/b' }], { type: 'json' });
  const apply = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: key.name }, data: { a: 'mine' } };
  const refused: unknown = await client
    .patch(CONFIG_MAPS, key, apply, { type: 'apply', fieldManager: 'me' })
    .catch(asIs);
  expect(isConflict(refused)).toBe(true); // another manager owns data.a
  const applied = await client.patch(CONFIG_MAPS, key, apply, {
    type: 'apply',
    fieldManager: 'me',
    force: true,
  });
  expect(applied.data).toEqual({ a: 'mine', c: '1' });
  expect(applied.metadata.uid).toBe(updated.metadata.uid);
  const wrongUid: unknown = await client
    .delete(CONFIG_MAPS, key, { preconditions: { uid: 'x' } })
    .catch(asIs);
  expect(isConflict(wrongUid)).toBe(true);
  await client.delete(CONFIG_MAPS, key);
  expect(isNotFound(await client.get(CONFIG_MAPS, key).catch(asIs))).toBe(true);

  await client.create(NODES, { metadata: { name: 'n1' } });
  const pod = await client.create(PODS, {
    metadata: { namespace, name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  await client.createSubresource(PODS, { namespace, name: 'p' }, 'binding', {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'p', uid: pod.metadata.uid },
    target: { kind: 'Node', name: 'n1' },
  });
  const status = { status: { phase: 'Running' } };
  const running = await client.patch(PODS, { namespace, name: 'p' }, status, {
    type: 'strategic-merge',
    subresource: 'status',
  });
  expect([running.spec.nodeName, running.status?.phase]).toEqual(['n1', 'Running']);
  await client.createSubresource(PODS, { namespace, name: 'p' }, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name: 'p' },
    deleteOptions: { gracePeriodSeconds: 0 },
  });
  expect((await client.list(PODS, { namespace })).items).toEqual([]);
}, 30_000);

test('a list follows its pages', async () => {
  for (let i = 0; i < 5; i++) {
    await server.client.create(CONFIG_MAPS, {
      metadata: { namespace, name: `page-${i}`, labels: { t: 'page' } },
    });
  }
  const list = await listAll(server.client, CONFIG_MAPS, { namespace, labelSelector: 't=page', limit: 2 });
  expect(list.items.map((cm) => [cm.kind, cm.metadata.name])).toEqual(
    [0, 1, 2, 3, 4].map((i) => ['ConfigMap', `page-${i}`]),
  );
}, 30_000);

test('a token file written anew is used within seconds, and at once after a 401', async () => {
  const tokenFile = join(server.dir, 'token');
  const clock = new FakeClock();
  const client = open('token', { tokenFile }, clock);
  writeFileSync(tokenFile, 'garbage');
  expect(isUnauthorized(await whoAmI(client).catch(asIs))).toBe(true);
  writeFileSync(tokenFile, await serviceAccountToken('first'));
  expect(await whoAmI(client)).toBe('system:serviceaccount:default:first');
  writeFileSync(tokenFile, await serviceAccountToken('second'));
  expect(await whoAmI(client)).toBe('system:serviceaccount:default:first');
  await clock.advance(5_000);
  expect(await whoAmI(client)).toBe('system:serviceaccount:default:second');
  writeFileSync(tokenFile, ''); // in the middle of being written: the last good one serves
  await clock.advance(5_000);
  expect(await whoAmI(client)).toBe('system:serviceaccount:default:second');
}, 30_000);

test('client certificate files written anew: new connections use them, watches go on, a misfit is not used', async () => {
  const files = { cert: join(server.dir, 'client.crt'), key: join(server.dir, 'client.key') };
  const [alice, bob] = ['alice', 'bob'].map((commonName) => server.ca.issue({ commonName }));
  if (alice === undefined || bob === undefined) throw new Error('two certificates expected');
  writeFileSync(files.cert, alice.cert);
  writeFileSync(files.key, alice.key);
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const client = open(
    'certificate',
    { 'client-certificate': 'client.crt', 'client-key': 'client.key' },
    clock,
    errors,
  );
  const stop = new AbortController();
  const reconnects: unknown[] = [];
  const informer = createInformer(client, NODES, { onError: (err) => reconnects.push(err) });
  const running = informer.run(stop.signal);
  await informer.synced(AbortSignal.timeout(20_000));
  expect(await whoAmI(client)).toBe('alice');

  writeFileSync(files.cert, bob.cert); // the key is still alice's
  await clock.advance(5_000);
  expect(await whoAmI(client)).toBe('alice');
  expect(errors[0]).toBeInstanceOf(CredentialError);
  writeFileSync(files.key, bob.key);
  await clock.advance(5_000);
  expect(await whoAmI(client)).toBe('bob');

  await server.client.create(NODES, { metadata: { name: 'after-rotation' } });
  await until(() => informer.store.get('after-rotation') !== undefined);
  expect(reconnects).toHaveLength(1);
  stop.abort();
  await running;
}, 30_000);

test('a watch alone notices a new certificate', async () => {
  const files = { cert: join(server.dir, 'watcher.crt'), key: join(server.dir, 'watcher.key') };
  const write = (commonName: string): void => {
    const pair = server.ca.issue({ commonName });
    writeFileSync(files.cert, pair.cert);
    writeFileSync(files.key, pair.key);
  };
  write('carol');
  const clock = new FakeClock();
  const client = open('watcher', { 'client-certificate': files.cert, 'client-key': files.key }, clock);
  const query = { watch: true, resourceVersion: '0' };
  const { body } = await client.stream({ method: 'GET', path: '/api/v1/nodes', query });
  const read = (async () => {
    for await (const _ of body);
  })();
  write('dave');
  const ended = read.catch(asIs);
  await clock.advance(10_000);
  expect(String(await ended)).toMatch('connect again with the new credentials');
}, 30_000);

test('an exec plugin is run once, again before its credential expires, and its failure is told', async () => {
  const clock = new FakeClock();
  const runs = join(server.dir, 'plugin-runs');
  const token = await serviceAccountToken('from-plugin');
  const expirationTimestamp = new Date(clock.now() + 60_000).toISOString();
  const later = new Date(clock.now() + 600_000).toISOString();
  // First a short credential, then a long one.
  const plugin = writePlugin(
    'plugin',
    `const { appendFileSync, readFileSync } = require('node:fs');
     const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
     if (info.spec.interactive || process.argv[2] !== 'arg' || process.env.SET !== 'yes') process.exit(3);
     appendFileSync(${JSON.stringify(runs)}, info.spec.cluster.server + '\\n');
     const first = readFileSync(${JSON.stringify(runs)}, 'utf8').trim().split('\\n').length === 1;
     const expirationTimestamp = first ? ${JSON.stringify(expirationTimestamp)} : ${JSON.stringify(later)};
     const status = { token: ${JSON.stringify(token)}, expirationTimestamp };
     console.log(JSON.stringify({ apiVersion: info.apiVersion, kind: 'ExecCredential', status }));`,
  );
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    interactiveMode: 'Never',
    command: plugin,
    args: ['arg'],
    env: [{ name: 'SET', value: 'yes' }],
    provideClusterInfo: true,
  };
  const client = open('exec', { exec }, clock);
  const identities = await Promise.all([whoAmI(client), whoAmI(client), whoAmI(client)]);
  expect(identities).toEqual(Array(3).fill('system:serviceaccount:default:from-plugin'));
  expect(readFileSync(runs, 'utf8')).toBe(`${server.url}\n`);
  await clock.advance(45_000);
  await whoAmI(client);
  expect(readFileSync(runs, 'utf8')).toBe(`${server.url}\n`);
  await clock.advance(10_000);
  await whoAmI(client);
  expect(readFileSync(runs, 'utf8')).toBe(`${server.url}\n${server.url}\n`);

  const broken = open('exec-broken', { exec: { ...exec, args: [] } });
  const failure: unknown = await whoAmI(broken).catch(asIs);
  expect(failure).toBeInstanceOf(CredentialError);
  expect(String(failure)).toMatch(/exec plugin .*: exit code 3/);
  const missing = { ...exec, command: './none', installHint: 'get it from the shelf' };
  await expect(whoAmI(open('exec-missing', { exec: missing }))).rejects.toThrow(
    /ENOENT[^]*get it from the shelf/,
  );
}, 60_000);

test('an exec plugin may give a client certificate', async () => {
  const pair = server.ca.issue({ commonName: 'erin' });
  const status = { clientCertificateData: pair.cert, clientKeyData: pair.key };
  const answer = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
  const command = writePlugin('plugin-cert', `console.log(${JSON.stringify(JSON.stringify(answer))})`);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'IfAvailable', command };
  expect(await whoAmI(open('exec-cert', { exec }))).toBe('erin');
}, 30_000);

describe('the server is verified', () => {
  const connect = (tls: TlsConfig): Promise<string> => {
    const client = createClient({ server: server.url, tls, auth: { token: server.adminToken } });
    closing.push(client);
    return whoAmI(client);
  };

  test('against the authority, under its own name or the one given', async () => {
    const ca = { data: server.ca.cert };
    expect(await connect({ ca })).toBe('admin');
    expect(await connect({ ca, serverName: 'kubernetes.default.svc' })).toBe('admin');
    expect(await connect({ insecureSkipVerify: true })).toBe('admin');
  });

  test.each([
    ['an unknown authority', () => ({})],
    ['another authority of the same name', () => ({ ca: { data: new CertificateAuthority().cert } })],
    ['another name', () => ({ ca: { data: server.ca.cert }, serverName: 'other.example' })],
  ])('%s: nothing is sent', async (_name, tls) => {
    const refusal: unknown = await connect(tls()).catch(asIs);
    expect(refusal).toBeInstanceOf(TransportError);
    expect(refusal).toMatchObject({ sent: false });
  });
});

test('impersonation', async () => {
  const client = open('impersonator', {
    token: server.adminToken,
    as: 'frank',
    'as-groups': ['g1', 'g2'],
    'as-user-extra': { 'example.com/k': ['v'] },
  });
  const review = await selfReview(client);
  expect(review.status.userInfo).toMatchObject({
    username: 'frank',
    groups: ['g1', 'g2', 'system:authenticated'],
    extra: { 'example.com/k': ['v'] },
  });
}, 30_000);

test('a server that sheds load (429) is asked again after the time it names, until all is done', async () => {
  const busy = await startApiserver({
    tokens: [{ token: 'plain', user: 'plain' }], // admins are exempt from shedding
    flags: [
      '--enable-priority-and-fairness=false',
      '--max-requests-inflight=1',
      '--max-mutating-requests-inflight=1',
    ],
  });
  try {
    const path = busy.writeKubeconfig('plain', { token: 'plain' });
    const client = createClient(loadKubeconfig({ path }), { qps: 0 });
    closing.push(client);
    const names = Array.from({ length: 20 }, (_, i) => `shed-${i}`);
    await Promise.all(names.map((name) => client.create(CONFIG_MAPS, { metadata: { namespace, name } })));
    const list = await busy.client.list(CONFIG_MAPS, { namespace });
    expect(list.items.filter((cm) => cm.metadata.name.startsWith('shed-'))).toHaveLength(20);
    const metrics = await busy.client.requestText({ method: 'GET', path: '/metrics' });
    const shed = /apiserver_request_total\{code="429"[^}]*resource="configmaps"[^}]*\} (\d+)/.exec(
      metrics,
    )?.[1];
    expect(Number(shed ?? 0)).toBeGreaterThan(0);
  } finally {
    await busy.stop();
  }
}, 120_000);

function open(
  name: string,
  user: Readonly<Record<string, unknown>>,
  clock = new FakeClock(),
  errors: unknown[] = [],
): ApiClient {
  const path = server.writeKubeconfig(name, user);
  const client = createClient(loadKubeconfig({ path }), {
    clock,
    qps: 0,
    onError: (err) => errors.push(err),
  });
  closing.push(client);
  return client;
}

interface SelfSubjectReview {
  readonly status: { readonly userInfo: { readonly username: string } };
}

function selfReview(client: ApiClient): Promise<SelfSubjectReview> {
  return client.request<SelfSubjectReview>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
}

async function whoAmI(client: ApiClient): Promise<string> {
  return (await selfReview(client)).status.userInfo.username;
}

async function serviceAccountToken(name: string): Promise<string> {
  await server.client.create(SERVICE_ACCOUNTS, { metadata: { namespace, name } });
  const request = await server.client.createSubresource(SERVICE_ACCOUNTS, { namespace, name }, 'token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  return request.status?.token ?? '';
}

function writePlugin(name: string, script: string): string {
  writeFileSync(join(server.dir, name), `#!${process.execPath}\n${script}\n`);
  chmodSync(join(server.dir, name), 0o755);
  return `./${name}`; // relative to the kubeconfig
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('not so within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function asIs(err: unknown): unknown {
  return err;
}
