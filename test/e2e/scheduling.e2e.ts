/** Where pods go, where they do not, and two schedulers side by side. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../lib/api/types.ts';
import { CORE_EVENTS, NODES } from '../../lib/client/resource.ts';
import { api, closeApi, cluster, kubectl, REPO, STATE, STOCK, twoNodes } from './support/cluster.ts';
import { eventually, throughout } from './support/eventually.ts';
import { TestNamespace, type Manifest } from './support/namespace.ts';
import { RunningProgram } from './support/program.ts';
import { scriptPod } from './support/workloads.ts';

const [first, second] = twoNodes();
let ns: TestNamespace;
beforeAll(async () => {
  ns = await TestNamespace.create('scheduling');
});
afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

function idle(name: string, spec: Manifest = {}, container: Manifest = {}): Manifest {
  return scriptPod(name, 'exec sleep 3600', { spec, container });
}

function scheduledCondition(pod: Pod): { readonly status?: string; readonly message?: string } {
  return pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled') ?? {};
}

/** Waits until the scheduler has said that it finds no node, and gives what it said. */
function refused(name: string): Promise<string> {
  return eventually(`pod ${name} is refused`, async () => {
    const { status, message } = scheduledCondition(await ns.pod(name));
    if (status !== 'False' || message === undefined) throw new Error(`PodScheduled is ${status ?? 'absent'}`);
    return message;
  });
}

test('nodeSelector and node affinity choose the node', async () => {
  const required = (values: string[], operator: string): Manifest => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator, values }] }],
        },
      },
    },
  });
  await ns.apply(
    idle('by-selector', { nodeSelector: { 'kubernetes.io/hostname': second.name } }),
    idle('by-affinity', required([first.name], 'In')),
    idle('by-exclusion', required([first.name], 'NotIn')),
  );
  expect((await ns.ready('by-selector')).spec.nodeName).toBe(second.name);
  expect((await ns.ready('by-affinity')).spec.nodeName).toBe(first.name);
  expect((await ns.ready('by-exclusion')).spec.nodeName).toBe(second.name);
});

test('a pod that fits nowhere waits, says why, and goes as soon as a node is right', async () => {
  await ns.apply(
    idle('picky', { nodeSelector: { 'e2e/special': 'yes' } }),
    idle('huge', {}, { resources: { requests: { cpu: '4000' } } }),
  );
  expect(await refused('picky')).toMatch(
    /0\/2 nodes are available: 2 node\(s\) didn't match Pod's node affinity\/selector/,
  );
  expect(await refused('huge')).toMatch(/0\/2 nodes are available: 2 Insufficient cpu/);
  expect(await ns.eventReasons('picky')).toContain('FailedScheduling');
  await kubectl(['label', 'node', second.name, 'e2e/special=yes']);
  try {
    expect((await ns.ready('picky')).spec.nodeName).toBe(second.name);
  } finally {
    await kubectl(['label', 'node', second.name, 'e2e/special-']);
  }
});

test('taints keep pods away, tolerations let them in', async () => {
  await kubectl(['taint', 'node', first.name, 'e2e/reserved=x:NoSchedule']);
  try {
    await eventually('the taint is there', async () => {
      expect((await api().get(NODES, { name: first.name })).spec?.taints).toContainEqual(
        expect.objectContaining({ key: 'e2e/reserved' }),
      );
    });
    const toFirst = { nodeSelector: { 'kubernetes.io/hostname': first.name } };
    await ns.apply(
      idle('intolerant', toFirst),
      idle('tolerant', { ...toFirst, tolerations: [{ key: 'e2e/reserved', operator: 'Exists' }] }),
    );
    await ns.ready('tolerant');
    expect(await refused('intolerant')).toMatch(/untolerated taint/);
  } finally {
    await kubectl(['taint', 'node', first.name, 'e2e/reserved-']);
  }
  await ns.ready('intolerant');
});

test('two pods with one host port go to two nodes, a third waits', async () => {
  const port = { ports: [{ containerPort: 80, hostPort: 31999 }] };
  await ns.apply(idle('port-1', {}, port), idle('port-2', {}, port));
  const nodes = [(await ns.ready('port-1')).spec.nodeName, (await ns.ready('port-2')).spec.nodeName];
  expect(new Set(nodes)).toEqual(new Set([first.name, second.name]));
  await ns.apply(idle('port-3', {}, port));
  expect(await refused('port-3')).toMatch(/didn't have free ports/);
  await ns.kubectl('delete', 'pod', 'port-1', '--timeout=30s');
  expect((await ns.ready('port-3')).spec.nodeName).toBe(nodes[0]);
});

test('a gated pod is not scheduled until its gate is lifted', async () => {
  await ns.apply(idle('gated', { schedulingGates: [{ name: 'e2e/gate' }] }));
  await eventually('it says that it is gated', async () => {
    expect((await ns.pod('gated')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }),
    );
  });
  await ns.kubectl(
    'patch',
    'pod',
    'gated',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/spec/schedulingGates"}]',
  );
  await ns.ready('gated');
});

test('an unknown schedulerName is left alone', async () => {
  await ns.apply(idle('foreign', { schedulerName: 'nobody' }));
  await throughout(3000, async () => {
    const pod = await ns.pod('foreign');
    expect(pod.spec.nodeName).toBeUndefined();
    expect(scheduledCondition(pod)).toEqual({});
  });
});

test('every bound pod has exactly one Scheduled event', async () => {
  const { items } = await api().list(CORE_EVENTS, {
    namespace: ns.name,
    fieldSelector: 'reason=Scheduled',
  });
  const perPod = new Map<string, number>();
  for (const event of items) {
    const uid = event.involvedObject.uid ?? '';
    perPod.set(uid, (perPod.get(uid) ?? 0) + (event.count ?? 1));
  }
  expect(perPod.size).toBeGreaterThan(5);
  expect([...perPod.values()].filter((count) => count !== 1)).toEqual([]);
});

describe('two schedulers side by side', () => {
  let dir: string;
  let port: number;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'e2e-scheduler-'));
    port = await freePort();
    await writeFile(
      join(dir, 'config.yaml'),
      JSON.stringify({
        apiVersion: 'kubescheduler.config.k8s.io/v1',
        kind: 'KubeSchedulerConfiguration',
        clientConnection: { kubeconfig: join(STATE, 'kubeconfigs', 'kube-scheduler.kubeconfig') },
        leaderElection: { leaderElect: false },
        profiles: [{ schedulerName: 'second-scheduler' }, { schedulerName: 'third-scheduler' }],
      }),
    );
  });
  afterAll(() => rm(dir, { recursive: true }));

  function start(): RunningProgram {
    const program =
      cluster().flavours.scheduler === 'ours'
        ? join(REPO, 'dist', 'ts-scheduler')
        : join(STOCK, 'kube-scheduler');
    return new RunningProgram([
      program,
      `--config=${join(dir, 'config.yaml')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${join(dir, 'certs')}`,
    ]);
  }

  test('each binds its own pods, and one goes on without the other', async () => {
    {
      await using second = start();
      await ns.apply(
        idle('for-default'),
        idle('for-second', { schedulerName: 'second-scheduler' }),
        idle('for-third', { schedulerName: 'third-scheduler' }),
      );
      for (const name of ['for-default', 'for-second', 'for-third']) await ns.ready(name);
      const sources = await eventually('who bound them is told', async () => {
        const { items } = await api().list(CORE_EVENTS, {
          namespace: ns.name,
          fieldSelector: 'reason=Scheduled',
        });
        const found = ['for-default', 'for-second', 'for-third'].map((name) => {
          const event = items.find((one) => one.involvedObject.name === name);
          return event?.reportingComponent ?? event?.source?.component;
        });
        expect(found).not.toContain(undefined);
        return found;
      });
      expect(sources).toEqual(['default-scheduler', 'second-scheduler', 'third-scheduler']);
      expect(await second.exitedWithin(1)).toBe('running');
    }
    await ns.apply(idle('late-default'), idle('late-second', { schedulerName: 'second-scheduler' }));
    await ns.ready('late-default');
    expect((await ns.pod('late-second')).spec.nodeName).toBeUndefined();
    await using again = start();
    await ns.ready('late-second');
    expect(await again.exitedWithin(1)).toBe('running');
  });
});

/** A loopback port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
