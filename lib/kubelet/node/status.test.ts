import type { Node, NodeCondition } from '../../api/types.ts';
import { nodeConditions, NO_PRESSURE } from './conditions.ts';
import type { Machine } from './machine.ts';
import { reconcilePatch } from './registration.ts';
import { nodeStatus, statusChanged, statusPatch, type StatusInput } from './status.ts';

const T0 = '2026-11-21T05:00:00Z';
const T1 = '2026-11-21T05:05:00Z';
const ready = (list: readonly NodeCondition[]) => list.find((c) => c.type === 'Ready');

test('K18: a new node: four conditions with the messages of stock, an event for each', () => {
  const { conditions, events } = nodeConditions([], NO_PRESSURE, [], T0);
  expect(conditions.map((c) => [c.type, c.status, c.reason, c.message])).toEqual([
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ]);
  expect(events).toEqual([
    'NodeHasSufficientMemory',
    'NodeHasNoDiskPressure',
    'NodeHasSufficientPID',
    'NodeReady',
  ]);
});

test('K18: the transition time moves with the status only, the heartbeat always', () => {
  const first = nodeConditions([], NO_PRESSURE, ['a'], T0).conditions;
  const same = nodeConditions(first, NO_PRESSURE, ['a', 'b'], T1);
  expect(ready(same.conditions)).toMatchObject({
    status: 'False',
    message: '[a, b]',
    lastTransitionTime: T0,
    lastHeartbeatTime: T1,
  });
  expect(same.events).toEqual([]);
  const changed = nodeConditions(first, { ...NO_PRESSURE, disk: true }, [], T1);
  expect(ready(changed.conditions)?.lastTransitionTime).toBe(T1);
  expect(changed.events).toEqual(['NodeHasDiskPressure', 'NodeReady']);
  expect(ready(first)?.message).toBe('a');
});

const machine: Machine = {
  cpus: 2,
  memoryBytes: 1024 ** 3,
  swapBytes: 0,
  hugePages: new Map(),
  nodeFsBytes: 1024 ** 3,
  machineId: 'm',
  systemUuid: 's',
  bootId: 'b',
  kernelVersion: 'k',
  osImage: 'o',
  architecture: 'amd64',
};
const input: StatusInput = {
  machine,
  config: {
    maxPods: 10,
    podsPerCore: 0,
    systemReserved: {},
    kubeReserved: {},
    evictionHard: {},
    localStorageCapacityIsolation: true,
    port: 10250,
    nodeStatusMaxImages: 2,
  },
  addresses: [{ type: 'InternalIP', address: '192.0.2.7' }],
  kubeletVersion: 'v1.36.3',
  runtimeVersion: 'containerd://1.6.20',
  images: [
    { names: ['b'], sizeBytes: 5 },
    { names: ['1', '2', '3', '4', '5', '6'], sizeBytes: 7 },
    { names: ['a'], sizeBytes: 5 },
  ],
  runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
  volumesInUse: [],
  conditions: nodeConditions([], NO_PRESSURE, [], T0).conditions,
};

test('K18: the largest images, five names each, no more than configured; -1 is all', () => {
  expect(nodeStatus(input).images).toEqual([
    { names: ['1', '2', '3', '4', '5'], sizeBytes: 7 },
    { names: ['a'], sizeBytes: 5 },
  ]);
  expect(nodeStatus({ ...input, config: { ...input.config, nodeStatusMaxImages: -1 } }).images?.length).toBe(
    3,
  );
});

test.each([
  ['containerd://1.6.20~ds1', 'containerd://1.6.20'],
  ['containerd://2.1.0-rc.1', 'containerd://2.1.0-rc.1'],
  ['cri-o://1.33.0+build', 'cri-o://1.33.0'],
  ['fake://x', 'fake://x'],
])('K18: runtime %s is shown as %s', (runtimeVersion, shown) => {
  expect(nodeStatus({ ...input, runtimeVersion }).nodeInfo?.containerRuntimeVersion).toBe(shown);
});

test('K18: what the server drops or adds is no change; heartbeats are none; anything else is', () => {
  const own = nodeStatus(input);
  const { volumesInUse: _empty, ...rest } = own;
  const stored: Node = {
    metadata: { name: 'n' },
    status: {
      ...rest,
      runtimeHandlers: [{ features: {} }],
      conditions: [...(own.conditions ?? []), { type: 'NetworkUnavailable', status: 'False' }],
    },
  };
  expect(statusChanged(stored, own)).toBe(false);
  const later = nodeConditions(own.conditions ?? [], NO_PRESSURE, [], T1).conditions;
  expect(statusChanged(stored, { ...own, conditions: later })).toBe(false);
  const bad = nodeConditions(own.conditions ?? [], NO_PRESSURE, ['x'], T1).conditions;
  expect(statusChanged(stored, { ...own, conditions: bad })).toBe(true);
  expect(statusChanged(stored, nodeStatus({ ...input, addresses: [] }))).toBe(true);
  expect(statusChanged(stored, nodeStatus({ ...input, machine: { ...machine, cpus: 3 } }))).toBe(true);
  expect(statusChanged(stored, nodeStatus({ ...input, runtimeVersion: 'containerd://2.0' }))).toBe(true);
  expect(statusChanged(stored, nodeStatus({ ...input, volumesInUse: ['v'] }))).toBe(true);
  expect(statusChanged(stored, nodeStatus({ ...input, declaredFeatures: ['F'] }))).toBe(true);
});

test.each([
  ['added to the capacity', { 'example.com/gpu': '4' }, {}, { 'example.com/gpu': '4' }],
  ['changed', { 'example.com/gpu': '2' }, { 'example.com/gpu': '4' }, { 'example.com/gpu': '2' }],
  ['taken from the capacity', {}, { 'example.com/gpu': '4' }, { 'example.com/gpu': null }],
  ['a name of Kubernetes is none', { 'kubernetes.io/x': '1' }, {}, undefined],
  ['in line', { 'example.com/gpu': '4' }, { 'example.com/gpu': '4' }, undefined],
])('K18: an extended resource %s: its allocatable follows (K18)', (_, capacity, allocatable, want) => {
  const plain = nodeStatus(input);
  const node: Node = {
    metadata: { name: 'n' },
    status: {
      ...plain,
      capacity: { ...plain.capacity, ...capacity },
      allocatable: { ...plain.allocatable, ...allocatable },
    },
  };
  const own = nodeStatus({ ...input, knownCapacity: node.status?.capacity });
  expect(statusChanged(node, own)).toBe(want !== undefined);
  if (want !== undefined)
    expect(statusPatch(node, own)).toMatchObject({ status: { capacity: plain.capacity, allocatable: want } });
});

test('K18: huge pages of a size that is gone are taken from capacity and allocatable', () => {
  const own = nodeStatus({ ...input, machine: { ...machine, hugePages: new Map([[2 ** 21, 4]]) } });
  const node: Node = {
    metadata: { name: 'n' },
    status: {
      ...own,
      capacity: { ...own.capacity, 'hugepages-1Gi': '1Gi' },
      allocatable: { ...own.allocatable, 'hugepages-1Gi': '1Gi' },
    },
  };
  expect(own.capacity).toHaveProperty('hugepages-2Mi', '8Mi');
  expect(statusChanged(node, own)).toBe(true);
  expect(statusPatch(node, own)).toMatchObject({
    status: {
      capacity: { ...own.capacity, 'hugepages-1Gi': null },
      allocatable: { ...own.allocatable, 'hugepages-1Gi': null },
    },
  });
  expect(statusChanged({ ...node, status: own }, own)).toBe(false);
});

test('K18: what the runtime can do is told where it tells it', () => {
  expect(nodeStatus(input)).not.toHaveProperty('features');
  const own = nodeStatus({ ...input, features: { supplementalGroupsPolicy: true } });
  expect(own.features).toEqual({ supplementalGroupsPolicy: true });
  expect(statusChanged({ metadata: { name: 'n' }, status: nodeStatus(input) }, own)).toBe(true);
  expect(statusChanged({ metadata: { name: 'n' }, status: own }, own)).toBe(false);
  expect(statusChanged({ metadata: { name: 'n' }, status: own }, nodeStatus(input))).toBe(false);
});

test('K18: addresses are replaced as a whole', () => {
  expect(statusPatch({}, { addresses: [{ type: 'Hostname', address: 'n' }] })).toEqual({
    status: { addresses: [{ type: 'Hostname', address: 'n' }, { $patch: 'replace' }] },
  });
});

const registration = {
  nodeName: 'n',
  hostname: 'n',
  architecture: 'amd64',
  config: { registerWithTaints: [], providerID: 'p://1', enableControllerAttachDetach: true },
  flags: { nodeLabels: { mine: 'x' }, cloudProvider: '', nodeIPs: [] },
};
const labels = {
  'kubernetes.io/hostname': 'n',
  'kubernetes.io/os': 'linux',
  'kubernetes.io/arch': 'amd64',
  'beta.kubernetes.io/os': 'linux',
  'beta.kubernetes.io/arch': 'amd64',
};
const attach = 'volumes.kubernetes.io/controller-managed-attach-detach';

test.each<{
  what: string;
  node: Node;
  want: unknown;
  over?: Partial<(typeof registration)['config']>;
  labels?: Record<string, string>;
}>([
  {
    what: 'in line',
    node: {
      metadata: { name: 'n', labels, annotations: { [attach]: 'true' } },
      spec: { providerID: 'p://1' },
    },
    want: undefined,
  },
  {
    what: 'bare',
    node: { metadata: { name: 'n' } },
    want: { metadata: { labels, annotations: { [attach]: 'true' } }, spec: { providerID: 'p://1' } },
  },
  {
    what: 'another provider ID stays, a label was changed',
    node: {
      metadata: {
        name: 'n',
        labels: { ...labels, 'kubernetes.io/hostname': 'old' },
        annotations: { [attach]: 'true' },
      },
      spec: { providerID: 'other://1' },
    },
    want: { metadata: { labels: { 'kubernetes.io/hostname': 'n' }, annotations: {} } },
  },
  {
    what: 'the annotation goes when attaching is the kubelet’s own',
    node: {
      metadata: { name: 'n', labels, annotations: { [attach]: 'true' } },
      spec: { providerID: 'p://1' },
    },
    over: { enableControllerAttachDetach: false },
    want: { metadata: { labels: {}, annotations: { [attach]: null } } },
  },
  {
    what: 'zone and instance type follow the flag, other labels of it do not',
    node: {
      metadata: {
        name: 'n',
        labels: { ...labels, 'topology.kubernetes.io/zone': 'old' },
        annotations: { [attach]: 'true' },
      },
      spec: { providerID: 'p://1' },
    },
    labels: { mine: 'x', 'topology.kubernetes.io/zone': 'new' },
    want: { metadata: { labels: { 'topology.kubernetes.io/zone': 'new' }, annotations: {} } },
  },
])('K18: an existing Node: $what', ({ node, want, over, labels: nodeLabels }) => {
  const { config, flags } = registration;
  const input = {
    ...registration,
    config: { ...config, ...over },
    flags: { ...flags, ...(nodeLabels === undefined ? {} : { nodeLabels }) },
  };
  expect(reconcilePatch(node, input)).toEqual(want);
});
