/** Registration, status, lease and tokens against a real apiserver with the Node authorizer and NodeRestriction. */
import type { Node } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';
import { nullLog } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { createInformer } from '../../client/informer.ts';
import { createClient, loadKubeconfig } from '../../client/kubeconfig.ts';
import { CONFIG_MAPS, CSI_NODES, LEASES, NODES, PODS, SERVICE_ACCOUNTS } from '../../client/resource.ts';
import { startApiserver, type Apiserver } from '../../../test/fixtures/apiserver.ts';
import type { NodeFacts, NodeReporter } from '../contracts.ts';
import { ObjectCache } from '../objects/object_cache.ts';
import { createTokenSource } from '../volumes/token.ts';
import type { Machine } from './machine.ts';
import { createNodeReporter, type ReporterSettings } from './reporter.ts';

jest.setTimeout(120_000);

const NAME = 'n1';
const TOKEN = 'node-token';
let server: Apiserver;
let client: ApiClient;

beforeAll(async () => {
  server = await startApiserver({
    rbac: true,
    tokens: [{ token: TOKEN, user: `system:node:${NAME}`, groups: ['system:nodes'] }],
  });
  client = createClient(loadKubeconfig({ path: server.writeKubeconfig('node', { token: TOKEN }) }), {
    qps: 0,
    userAgent: 'test',
  });
});

afterAll(async () => {
  await client?.close();
  await server?.stop();
});

const machine: Machine = {
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  swapBytes: 0,
  hugePages: new Map([[2 * 1024 ** 2, 0]]),
  nodeFsBytes: 100 * 1024 ** 3,
  machineId: 'machine',
  systemUuid: 'system',
  bootId: 'boot',
  kernelVersion: '6.18.0',
  osImage: 'Debian',
  architecture: 'amd64',
};

const options: ReporterSettings = {
  nodeName: NAME,
  config: {
    registerNode: true,
    registerWithTaints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }],
    providerID: 'test://n1',
    enableControllerAttachDetach: true,
    maxPods: 110,
    podsPerCore: 0,
    systemReserved: { memory: '1Gi' },
    kubeReserved: { cpu: '500m' },
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
    localStorageCapacityIsolation: true,
    port: 10250,
    nodeStatusMaxImages: 50,
    nodeStatusUpdateFrequency: 10_000,
    nodeStatusReportFrequency: 300_000,
    nodeLeaseDurationSeconds: 40,
  },
  flags: {
    nodeIPs: ['192.0.2.7', '2001:db8::7'],
    nodeLabels: { disk: 'ssd' },
    hostnameOverride: 'n1',
    rootDir: '/',
    cloudProvider: '',
  },
};

let problems: readonly string[] = [];
const facts: NodeFacts = {
  health: () => ({ problems }),
  runtimeVersion: () => 'containerd://1.6.20',
  images: () =>
    Promise.resolve([
      { names: ['small:1'], sizeBytes: 1 },
      { names: ['large:1'], sizeBytes: 9 },
    ]),
  runtimeHandlers: () => [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
  volumesInUse: () => [],
};

async function startReporter(): Promise<{
  reporter: NodeReporter;
  events: string[];
  stop: () => Promise<void>;
}> {
  const events: string[] = [];
  const reporter = await createNodeReporter({
    client,
    createInformer,
    options,
    facts,
    events: { node: (type, reason, message) => events.push(`${type} ${reason} ${message}`) },
    kubeletVersion: 'v1.36.3',
    clock: systemClock,
    log: nullLog,
    readMachine: () => Promise.resolve(machine),
    readAddresses: () =>
      Promise.resolve({
        interfaces: [
          { interfaceName: 'eth0', ip: '192.0.2.7', family: 4, local: false },
          { interfaceName: 'eth0', ip: '2001:db8::7', family: 6, local: false },
        ],
        resolved: [],
        defaultInterfaces: [],
      }),
  });
  const abort = new AbortController();
  const running = reporter.run(abort.signal);
  return {
    reporter,
    events,
    stop: async () => {
      abort.abort(new Error('test over'));
      await running;
    },
  };
}

async function eventually<T>(read: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const value = await read().catch(() => undefined);
    if (value !== undefined) return value;
    await systemClock.sleep(50);
  }
  throw new Error(`${what}: not within 10 s`);
}

/** The event comes after the answer to the write that others may have seen already. */
const told = (events: readonly string[], reason: string): Promise<string> => {
  const event = `Normal ${reason} Node n1 status is now: ${reason}`;
  return eventually(() => Promise.resolve(events.find((one) => one === event)), reason);
};

const ready = (node: Node): string | undefined =>
  node.status?.conditions?.find((c) => c.type === 'Ready')?.status;
const getNode = (): Promise<Node> => server.client.get(NODES, { name: NAME });

test('K18: registers, reports at a change, follows deletion, adopts the existing Node, renews its lease', async () => {
  problems = ['container runtime is down', 'network not ready'];
  let run = await startReporter();
  const first = await eventually(getNode, 'registration');
  expect(first.metadata.labels).toEqual({
    'kubernetes.io/hostname': 'n1',
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': 'amd64',
    disk: 'ssd',
  });
  expect(first.spec?.providerID).toBe('test://n1');
  expect(first.spec?.taints).toContainEqual({ key: 'dedicated', value: 'x', effect: 'NoSchedule' });
  expect(first.status?.addresses).toEqual([
    { type: 'InternalIP', address: '192.0.2.7' },
    { type: 'InternalIP', address: '2001:db8::7' },
    { type: 'Hostname', address: 'n1' },
  ]);
  expect(first.status?.capacity).toEqual({
    cpu: '4',
    'ephemeral-storage': '100Gi',
    'hugepages-2Mi': '0',
    memory: '8Gi',
    pods: '110',
  });
  expect(first.status?.allocatable).toEqual({
    cpu: '3500m',
    'ephemeral-storage': '90Gi',
    'hugepages-2Mi': '0',
    memory: '7068Mi',
    pods: '110',
  });
  expect(first.status?.images?.map((i) => i.names?.[0])).toEqual(['large:1', 'small:1']);
  const condition = first.status?.conditions?.find((c) => c.type === 'Ready');
  expect(condition).toMatchObject({
    status: 'False',
    reason: 'KubeletNotReady',
    message: '[container runtime is down, network not ready]',
  });
  expect(run.reporter.hostIPs()).toEqual(['192.0.2.7', '2001:db8::7']);

  problems = [];
  run.reporter.poke();
  const now = await eventually(async () => {
    const node = await getNode();
    return ready(node) === 'True' ? node : undefined;
  }, 'Ready');
  expect(now.status?.addresses?.length).toBe(3);
  await told(run.events, 'NodeReady');

  const lease = await eventually(
    () => server.client.get(LEASES, { namespace: 'kube-node-lease', name: NAME }),
    'lease',
  );
  expect(lease.spec).toMatchObject({ holderIdentity: NAME, leaseDurationSeconds: 40 });

  // A condition that somebody else keeps stays when ours change.
  await server.client.patch(
    NODES,
    { name: NAME },
    { status: { conditions: [{ type: 'NetworkUnavailable', status: 'False', reason: 'RouteCreated' }] } },
    { type: 'strategic-merge', subresource: 'status' },
  );
  problems = ['x'];
  run.reporter.poke();
  const kept = await eventually(async () => {
    const node = await getNode();
    return ready(node) === 'False' ? node : undefined;
  }, 'not ready');
  expect(kept.status?.conditions?.map((c) => c.type).sort()).toEqual(
    ['DiskPressure', 'MemoryPressure', 'NetworkUnavailable', 'PIDPressure', 'Ready'].sort(),
  );
  problems = [];

  for (const [unschedulable, reason] of [
    [true, 'NodeNotSchedulable'],
    [false, 'NodeSchedulable'],
  ] as const) {
    await server.client.patch(NODES, { name: NAME }, { spec: { unschedulable } }, { type: 'merge' });
    await told(run.events, reason);
  }

  await server.client.delete(NODES, { name: NAME });
  const again = await eventually(async () => {
    const node = await getNode();
    return node.metadata.uid === first.metadata.uid ? undefined : node;
  }, 'registration after deletion');
  expect(again.metadata.labels?.['disk']).toBe('ssd');
  await run.stop();

  // A restart adopts the Node: an administrator's label stays, a default one is put back, the transition time is kept.
  const before = await eventually(async () => {
    const node = await getNode();
    return ready(node) === 'True' ? node : undefined;
  }, 'Ready again');
  await server.client.patch(
    NODES,
    { name: NAME },
    { metadata: { labels: { disk: 'hdd', 'kubernetes.io/os': null } } },
    { type: 'merge' },
  );
  run = await startReporter();
  const adopted = await eventually(async () => {
    const node = await getNode();
    return node.metadata.labels?.['kubernetes.io/os'] === 'linux' ? node : undefined;
  }, 'labels');
  expect(adopted.metadata.uid).toBe(before.metadata.uid);
  expect(adopted.metadata.labels?.['disk']).toBe('hdd');
  const time = (node: Node) => node.status?.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime;
  expect(time(adopted)).toBe(time(before));
  const owned = await eventually(async () => {
    const found = await server.client.get(LEASES, { namespace: 'kube-node-lease', name: NAME });
    return found.metadata.ownerReferences?.[0]?.uid === adopted.metadata.uid ? found : undefined;
  }, 'lease owned by the new Node');
  expect(owned.metadata.ownerReferences).toHaveLength(1);
  const csi = await eventually(() => server.client.get(CSI_NODES, { name: NAME }), 'CSINode');
  expect(csi.metadata.ownerReferences?.map((o) => o.uid)).toEqual([adopted.metadata.uid]);
  await run.stop();
});

test('K18: with the identity of the node: objects of its pods are watched one by one, tokens are bound to the pod', async () => {
  const admin = server.client;
  await admin.create(SERVICE_ACCOUNTS, { metadata: { namespace: 'default', name: 'sa' } });
  await admin.create(CONFIG_MAPS, { metadata: { namespace: 'default', name: 'conf' }, data: { a: '1' } });
  await admin.create(CONFIG_MAPS, {
    metadata: { namespace: 'default', name: 'fixed' },
    data: { a: '1' },
    immutable: true,
  });
  const pod = await admin.create(PODS, {
    metadata: { namespace: 'default', name: 'p' },
    spec: {
      nodeName: NAME,
      serviceAccountName: 'sa',
      volumes: [
        {
          name: 'tokens',
          projected: {
            sources: [
              { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
              { serviceAccountToken: { path: 'vault', audience: 'vault' } },
            ],
          },
        },
      ],
      containers: [
        {
          name: 'c',
          image: 'i',
          envFrom: [
            { configMapRef: { name: 'conf' } },
            { configMapRef: { name: 'fixed' } },
            { configMapRef: { name: 'gone' } },
          ],
        },
      ],
    },
  });
  const cache = new ObjectCache({ client, createInformer, clock: systemClock, strategy: 'Watch' });
  const changes: string[] = [];
  cache.onChange((kind, namespace, name) => changes.push(`${kind} ${namespace}/${name}`));
  try {
    cache.register(pod);
    expect((await cache.configMap('default', 'conf')).data).toEqual({ a: '1' });
    expect((await cache.configMap('default', 'fixed')).data).toEqual({ a: '1' });
    expect(cache.watches).toBe(2); // an immutable one needs no watch
    await expect(cache.configMap('default', 'gone')).rejects.toThrow(/^configmap "gone" not found$/);

    changes.length = 0;
    await admin.patch(
      CONFIG_MAPS,
      { namespace: 'default', name: 'conf' },
      { data: { a: '2' } },
      { type: 'merge' },
    );
    await eventually(() => Promise.resolve(changes.length > 0 ? changes : undefined), 'change');
    expect(changes).toEqual(['configmap default/conf']);
    expect((await cache.configMap('default', 'conf')).data).toEqual({ a: '2' });

    // Not referred to by any pod of this node: the Node authorizer refuses, and the message says so.
    await admin.create(CONFIG_MAPS, { metadata: { namespace: 'default', name: 'foreign' } });
    await expect(cache.configMap('default', 'foreign')).rejects.toThrow(/forbidden/);
    cache.unregister(pod.metadata.uid ?? '');
    expect(cache.watches).toBe(0);
  } finally {
    cache.close();
  }

  const tokens = createTokenSource(client, systemClock, nullLog, () => 0);
  const signal = new AbortController().signal;
  const got = await tokens.token(pod, { audience: '', expirationSeconds: 3607 }, signal);
  const claims: unknown = JSON.parse(Buffer.from(got.token.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toMatchObject({
    sub: 'system:serviceaccount:default:sa',
    'kubernetes.io': { pod: { name: 'p', uid: pod.metadata.uid } },
  });
  expect((await tokens.token(pod, { audience: '', expirationSeconds: 3607 }, signal)).token).toBe(got.token);
  const other = await tokens.token(pod, { audience: 'vault', expirationSeconds: 600 }, signal);
  expect(other.token).not.toBe(got.token);
  expect(Math.abs(other.refreshAtMs - (systemClock.monotonic() + 480_000))).toBeLessThan(10_000);
});
