/** The daemon as a process against a real apiserver: S1, S5, S6, S8, S11 in their thin form. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join, resolve } from 'node:path';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import { freePort } from '../../test/fixtures/processes.ts';
import { getCondition } from '../api/conditions.ts';
import type { Pod } from '../api/types.ts';
import { keyOf } from '../api/types.ts';
import { run } from '../base/subprocess.ts';
import { EVENTS, NODES, PODS } from '../client/resource.ts';

const MAIN = resolve('cmd/ts-scheduler/main.ts');
jest.setTimeout(120_000);

let server: Apiserver;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  // Priorities are taken as the tests give them.
  server = await startApiserver({ flags: ['--disable-admission-plugins=ServiceAccount,Priority'] });
});
afterAll(async () => {
  await Promise.all(Array.from(running, (child) => kill(child)));
  await server.stop();
});
afterEach(async () => {
  await Promise.all(Array.from(running, (child) => kill(child)));
  for (const pod of (await server.client.list(PODS)).items)
    await server.client.delete(PODS, podKey(pod), { gracePeriodSeconds: 0 });
  for (const node of (await server.client.list(NODES)).items)
    await server.client.delete(NODES, { name: node.metadata.name });
});

function start(config: object = {}, ...flags: string[]): ChildProcess {
  const path = join(server.dir, `scheduler-${Date.now()}.json`);
  const head = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' };
  const base = {
    clientConnection: { kubeconfig: server.kubeconfigPath },
    leaderElection: { leaderElect: false },
  };
  writeFileSync(path, JSON.stringify({ ...head, ...base, ...config }));
  const child = spawn(process.execPath, [MAIN, `--config=${path}`, '--secure-port=0', ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  return child;
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  running.delete(child);
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode;
}

async function createNode(name: string, cpu = '4'): Promise<void> {
  const resources = { cpu, memory: '8Gi', pods: '110' };
  const status = { capacity: resources, allocatable: resources };
  const labels = { 'kubernetes.io/hostname': name };
  const node = await server.client.create(NODES, { metadata: { name, labels }, status });
  await server.client.update(NODES, { ...node, status }, { subresource: 'status' });
  // Without a controller manager nobody takes the taint of new nodes away.
  await server.client.patch(NODES, { name }, { spec: { taints: null } }, { type: 'merge' });
}

async function createPod(
  name: string,
  cpu: string,
  spec: Partial<Pod['spec']> = {},
  labels: Record<string, string> = {},
): Promise<void> {
  const container = { name: 'c', image: 'i', resources: { requests: { cpu } } };
  await server.client.create(PODS, {
    metadata: { namespace: 'default', name, labels },
    spec: { containers: [container], ...spec },
  });
}

const podKey = (pod: Pod) => ({ namespace: pod.metadata.namespace, name: pod.metadata.name });
const getPod = (name: string): Promise<Pod> => server.client.get(PODS, { namespace: 'default', name });

/** Polls until `look` gives something. */
async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not within 30 s: ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

const bound = (name: string): Promise<string> =>
  eventually(`pod ${name} bound`, async () => (await getPod(name)).spec.nodeName);

const events = async (name: string) =>
  (await server.client.list(EVENTS, { namespace: 'default' })).items.filter(
    (e) => e.regarding?.name === name,
  );

test('pods spread over nodes by what they request, with event', async () => {
  await createNode('n1');
  await createNode('n2');
  for (let i = 0; i < 4; i++) await createPod(`spread-${i}`, '1');
  start();
  const nodes = await Promise.all([0, 1, 2, 3].map((i) => bound(`spread-${i}`)));
  expect(nodes.toSorted()).toEqual(['n1', 'n1', 'n2', 'n2']);
  const pod = await getPod('spread-0');
  expect(getCondition(pod.status?.conditions, 'PodScheduled')?.status).toBe('True');
  const event = await eventually('event', async () => (await events('spread-0'))[0]);
  expect(event).toMatchObject({
    type: 'Normal',
    reason: 'Scheduled',
    action: 'Binding',
    note: `Successfully assigned ${keyOf(pod)} to ${pod.spec.nodeName}`,
    reportingController: 'default-scheduler',
  });
});

test('a pod that fits nowhere says so, and goes to a node that is added', async () => {
  await createNode('small', '1');
  await createPod('large', '2');
  start();
  const waiting = await eventually('condition', async () => {
    const condition = getCondition((await getPod('large')).status?.conditions, 'PodScheduled');
    return condition?.status === 'False' ? condition : undefined;
  });
  expect(waiting).toMatchObject({
    reason: 'Unschedulable',
    message:
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: ' +
      '0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
  });
  const event = await eventually('event', async () => (await events('large'))[0]);
  expect(event).toMatchObject({ type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling' });
  await createNode('roomy');
  expect(await bound('large')).toBe('roomy');
});

test('several schedulerNames; a pod of a stranger is left alone', async () => {
  await createNode('n1');
  start({ profiles: [{ schedulerName: 'one' }, { schedulerName: 'two' }] });
  await createPod('p-one', '1', { schedulerName: 'one' });
  await createPod('p-two', '1', { schedulerName: 'two' });
  await createPod('p-three', '1', { schedulerName: 'three' });
  await Promise.all([bound('p-one'), bound('p-two')]);
  const event = await eventually('event', async () => (await events('p-two'))[0]);
  expect(event.reportingController).toBe('two');
  expect((await getPod('p-three')).spec.nodeName).toBeUndefined();
});

test('a higher priority takes the last room', async () => {
  await createNode('n1', '1');
  await createPod('low', '1', { priority: 0 });
  await createPod('gated', '1', { schedulingGates: [{ name: 'example.com/wait' }] });
  start();
  expect(await bound('low')).toBe('n1');
  expect(getCondition((await getPod('gated')).status?.conditions, 'PodScheduled')?.reason).toBe(
    'SchedulingGated',
  );
});

test('a pod of higher priority preempts: the victim is told, goes, and its place is taken', async () => {
  await createNode('n1', '1');
  await createNode('n2', '500m');
  start();
  await createPod('victim', '1', { terminationGracePeriodSeconds: 0 });
  expect(await bound('victim')).toBe('n1');
  await createPod('meek', '1', { priority: 1000, preemptionPolicy: 'Never' });
  await eventually('refusal', async () => {
    const condition = getCondition((await getPod('meek')).status?.conditions, 'PodScheduled');
    return condition?.message?.endsWith('preemption: not eligible due to preemptionPolicy=Never.') === true
      ? true
      : undefined;
  });
  await createPod('urgent', '1', { priority: 2000 });
  const urgent = await eventually('nomination or binding', async () => {
    const pod = await getPod('urgent');
    return pod.status?.nominatedNodeName ?? pod.spec.nodeName;
  });
  expect(urgent).toBe('n1');
  expect(await bound('urgent')).toBe('n1');
  const event = await eventually('event', async () =>
    (await events('victim')).find((e) => e.reason === 'Preempted'),
  );
  const { uid } = (await getPod('urgent')).metadata;
  expect(event).toMatchObject({
    type: 'Normal',
    action: 'Preempting',
    note: `Preempted by pod ${uid} on node n1`,
    related: { name: 'urgent' },
  });
});

test('affinity and spread are kept through the daemon', async () => {
  for (const name of ['n1', 'n2', 'n3']) await createNode(name);
  start();
  const spread = {
    topologySpreadConstraints: [
      {
        topologyKey: 'kubernetes.io/hostname',
        maxSkew: 1,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'web' } },
      },
    ],
  };
  const names = Array.from({ length: 6 }, (_, i) => `web-${i}`);
  await Promise.all(names.map((name) => createPod(name, '10m', spread, { app: 'web' })));
  const nodes = await Promise.all(names.map((name) => bound(name)));
  expect(nodes.toSorted()).toEqual(['n1', 'n1', 'n2', 'n2', 'n3', 'n3']);
});

test('explain tells of a running daemon why a pod waits', async () => {
  await createNode('n1', '1');
  await createPod('large', '2');
  const port = await freePort();
  start(
    {},
    `--secure-port=${port}`,
    `--authentication-kubeconfig=${server.kubeconfigPath}`,
    `--authorization-kubeconfig=${server.kubeconfigPath}`,
  );
  const explain = (...args: string[]) =>
    run([process.execPath, MAIN, 'explain', `--server=https://127.0.0.1:${port}`, ...args], {
      timeoutMs: 20_000,
    });
  const admin = `--kubeconfig=${server.kubeconfigPath}`;
  const told = await eventually('explanation', async () => {
    const { exitCode, stdout } = await explain(admin, 'large');
    const text = stdout.toString();
    // It may be asked before the pod was tried for the first time.
    return exitCode === 0 && !text.includes(' 0 attempts') ? text : undefined;
  });
  expect(told).toContain('Insufficient cpu');
  expect(told).toMatch(/^n1 +NodeResourcesFit +Insufficient cpu$/m);
  const asJson: unknown = JSON.parse((await explain(admin, '-o', 'json', 'default/large')).stdout.toString());
  expect(asJson).toMatchObject({ pod: 'default/large', lastDecision: { result: 'unschedulable' } });
  const missing = await explain(admin, 'nobody');
  expect([missing.exitCode, missing.stderr.toString()]).toEqual([
    1,
    expect.stringContaining('pod "default/nobody" is not known to this scheduler'),
  ]);
});

test('killed in the middle and restarted: every pod bound once, none over capacity', async () => {
  await createNode('n1', '10');
  await createNode('n2', '10');
  const names = Array.from({ length: 20 }, (_, i) => `many-${i}`);
  await Promise.all(names.map((name) => createPod(name, '1')));
  const first = start();
  await eventually('first bindings', async () => {
    const pods = (await server.client.list(PODS)).items;
    return pods.some((p) => p.spec.nodeName !== undefined) ? true : undefined;
  });
  await kill(first);
  start();
  const nodes = await Promise.all(names.map((name) => bound(name)));
  expect(nodes.filter((n) => n === 'n1')).toHaveLength(10);
  expect(nodes.filter((n) => n === 'n2')).toHaveLength(10);
});

test('SIGTERM ends it with exit code 0', async () => {
  await createNode('n1');
  await createPod('last', '1');
  const child = start();
  await bound('last');
  expect(await kill(child, 'SIGTERM')).toBe(0);
});

test.each([
  ['unknown field', { profils: [] }, 'field "profils": unknown field, did you mean "profiles"?'],
  ['wrong type', { parallelism: '16' }, 'field "parallelism": got "16", want a whole number from 1'],
])('malformed config: %s', async (_name, config, message) => {
  const child = start(config);
  const errors: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  await once(child, 'close');
  running.delete(child);
  expect(child.exitCode).toBe(1);
  expect(Buffer.concat(errors).toString().replaceAll('\\"', '"')).toContain(message);
});

test('S7: the configuration that results can be written out and read again', async () => {
  const written = async (config: object, ...flags: string[]) => {
    const out = join(server.dir, `written-${Date.now()}.yaml`);
    const child = start(config, `--write-config-to=${out}`, ...flags);
    await once(child, 'close');
    running.delete(child);
    return { code: child.exitCode, out };
  };
  const first = await written({});
  expect(first.code).toBe(0);
  const text = readFileSync(first.out, 'utf8');
  expect(text).toContain('podMaxBackoffSeconds: 10');
  expect(text).toContain('kind: NodeResourcesFitArgs');
  const again = await written({}, `--config=${first.out}`);
  expect(readFileSync(again.out, 'utf8')).toBe(text);
  const noBinder = { plugins: { bind: { disabled: [{ name: '*' }] } } };
  expect((await written({ profiles: [noBinder] })).code).toBe(1);
});

test('S7: leader and standby tell who leads; with delayCacheUntilActive the standby watches nothing and is ready', async () => {
  await createNode('n1');
  await createPod('seen', '1');
  const lease = { leaseDuration: '3s', renewDeadline: '2s', retryPeriod: '500ms', resourceName: 'told' };
  const config = { leaderElection: { leaderElect: true, ...lease }, delayCacheUntilActive: true };
  const access = ['authentication', 'authorization'].map(
    (kind) => `--${kind}-kubeconfig=${server.kubeconfigPath}`,
  );
  const replica = async (): Promise<(path: string) => Promise<string>> => {
    const port = await freePort();
    start(config, `--secure-port=${port}`, ...access);
    const ask = (path: string): Promise<string> => read(port, path);
    await eventually('server', () => ask('/livez').catch(() => undefined));
    return ask;
  };
  const leader = await replica();
  expect(await bound('seen')).toBe('n1');
  const standby = await replica();
  expect(await leader('/readyz?verbose')).toMatch(/\[\+\]leaderElection ok\n.*\[\+\]sched-handler-sync ok/s);
  expect(await standby('/readyz')).toBe('ok');
  const [ours, others] = [await leader('/metrics'), await standby('/metrics')];
  expect(ours).toContain('leader_election_master_status{name="kube-scheduler"} 1\n');
  expect(others).toContain('leader_election_master_status{name="kube-scheduler"} 0\n');
  expect(ours).toMatch(
    /^rest_client_requests_total\{code="201",host="127\.0\.0\.1:\d+",method="POST"\} [1-9]/m,
  );
  expect(ours).toMatch(/^scheduler_cache_size\{type="nodes"\} 1$/m);
  expect(others).toMatch(/^scheduler_cache_size\{type="nodes"\} 0$/m);
  expect(await leader('/metrics/resources')).toContain('pod="seen",priority="",resource="cpu"');
  const told = (what: string) =>
    eventually(`event: ${what}`, async () =>
      (await server.client.list(EVENTS, { namespace: 'kube-system' })).items.find(
        (e) => e.reason === 'LeaderElection' && e.note?.endsWith(what) === true,
      ),
    );
  await told(' became leader');
  const [first] = running;
  if (first !== undefined) await kill(first, 'SIGTERM');
  await told(' stopped leading');
});

/** The body of an answer, with the admin's token; a server that is not there rejects. */
function read(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${server.adminToken}` };
    const asked = get({ port, path, headers, host: '127.0.0.1', rejectUnauthorized: false }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (body += chunk));
      res.on('end', () => resolve(body));
    });
    asked.on('error', reject);
  });
}
