/** Who is evicted, what is said of it, who is over its own limits, and who still comes. */
import type { Container, Pod } from '../../api/types.ts';
import { evictionMessage } from './messages.ts';
import { hasStorageLimits, storageExcess } from './local_storage.ts';
import { pressureRefusal } from './pressure_admission.ts';
import { type DiskLayout, rank } from './ranking.ts';
import { parseThresholds } from './thresholds.ts';
import type { Amount, Signal, Threshold } from './thresholds.ts';
import type { ContainerUse, PodUse } from './usage.ts';

interface Given {
  readonly priority?: number;
  readonly request?: string;
  readonly memory?: number;
  readonly rootfs?: number;
  readonly logs?: number;
  readonly volume?: number;
  readonly processes?: number;
  readonly unknown?: boolean;
}

function use(name: string, given: Given = {}): PodUse {
  const resources =
    given.request === undefined
      ? {}
      : { requests: { memory: given.request, 'ephemeral-storage': given.request } };
  const container: ContainerUse = {
    name: 'c',
    memoryBytes: given.memory ?? 0,
    rootfs: { bytes: given.rootfs ?? 0, inodes: given.rootfs ?? 0 },
    logs: { bytes: given.logs ?? 0, inodes: given.logs ?? 0 },
  };
  return {
    pod: {
      metadata: { name, namespace: 'ns', uid: name },
      spec: {
        ...(given.priority === undefined ? {} : { priority: given.priority }),
        containers: [{ name: 'c', resources }],
      },
    },
    containers: given.unknown === true ? [] : [container],
    volumes: new Map([['v', { bytes: given.volume ?? 0, inodes: given.volume ?? 0 }]]),
    processes: given.processes,
  };
}

const ONE: DiskLayout = { dedicatedImageFs: false };
const IMAGES_APART: DiskLayout = { dedicatedImageFs: true };

test.each<[string, Signal, DiskLayout, PodUse[], string[]]>([
  [
    'memory: beyond the request first, then by priority, then by how far',
    'memory.available',
    ONE,
    [
      use('within', { memory: 100, request: '200' }),
      use('important', { memory: 900, request: '1', priority: 10 }),
      use('a-little', { memory: 60, request: '50' }),
      use('a-lot', { memory: 500, request: '400' }),
      use('within-less', { memory: 10, request: '200' }),
    ],
    ['a-lot', 'a-little', 'important', 'within', 'within-less'],
  ],
  [
    'memory: of whom nothing is known is suspected',
    'memory.available',
    ONE,
    [
      use('known', { memory: 1000 }),
      use('unknown', { unknown: true }),
      use('unknown-too', { unknown: true }),
    ],
    ['unknown', 'unknown-too', 'known'],
  ],
  [
    'processes: by priority, then by number',
    'pid.available',
    ONE,
    [
      use('many', { processes: 100 }),
      use('important', { processes: 1000, priority: 1 }),
      use('few', { processes: 2 }),
      use('unknown'),
    ],
    ['unknown', 'many', 'few', 'important'],
  ],
  [
    'disk, one file system: everything counts',
    'nodefs.available',
    ONE,
    [use('logs', { logs: 10 }), use('layer', { rootfs: 30 }), use('volume', { volume: 20 })],
    ['layer', 'volume', 'logs'],
  ],
  [
    'disk, images apart: logs and volumes count for the node',
    'nodefs.available',
    IMAGES_APART,
    [use('logs', { logs: 10 }), use('layer', { rootfs: 30 }), use('volume', { volume: 20 })],
    ['volume', 'logs', 'layer'],
  ],
  [
    'disk, images apart: the writable layer counts for theirs',
    'imagefs.available',
    IMAGES_APART,
    [use('logs', { logs: 10 }), use('layer', { rootfs: 30 }), use('volume', { volume: 20 })],
    ['layer', 'logs', 'volume'],
  ],
  [
    'disk, images apart, layers on the node: layers count for the node',
    'nodefs.available',
    { dedicatedImageFs: true, splitContainerFs: true },
    [use('logs', { logs: 10 }), use('layer', { rootfs: 30 }), use('volume', { volume: 20 })],
    ['layer', 'volume', 'logs'],
  ],
  [
    'disk, images apart, layers on the node: no pod takes room of images',
    'imagefs.available',
    { dedicatedImageFs: true, splitContainerFs: true },
    [use('layer', { rootfs: 30, priority: 1 }), use('other', { rootfs: 1 })],
    ['other', 'layer'],
  ],
  [
    'inodes: there are no requests of them',
    'nodefs.inodesFree',
    ONE,
    [use('few', { volume: 5, request: '0' }), use('many', { volume: 50, request: '1000' })],
    ['many', 'few'],
  ],
])('K22: %s', (_what, signal, layout, pods, order) => {
  expect(rank(signal, pods, layout).map(({ pod }) => pod.metadata.name)).toEqual(order);
});

const threshold = (signal: Signal, amount: Amount = { share: 0.1 }): Threshold => ({
  signal,
  amount,
  graceMs: 0,
  hard: true,
  minReclaim: undefined,
});

test.each<[Signal, PodUse, string]>([
  [
    'memory.available',
    use('p', { memory: 5 * 1024 * 1024, request: '1Mi' }),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 92Mi. Container c was using 5Mi, request is 1Mi, has larger consumption of memory. ',
  ],
  [
    'memory.available',
    use('p', { memory: 1000, request: '1Mi' }),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 92Mi. ',
  ],
  [
    'nodefs.available',
    use('p', { rootfs: 2048, logs: 1024 }),
    'The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 92Mi. Container c was using 3Ki, request is 0, has larger consumption of ephemeral-storage. ',
  ],
  [
    'nodefs.inodesFree',
    use('p', { rootfs: 2048 }),
    'The node was low on resource: inodes. Threshold quantity: 100Mi, available: 96468992. ',
  ],
  [
    'pid.available',
    use('p'),
    'The node was low on resource: pids. Threshold quantity: 100Mi, available: 96468992. ',
  ],
])('K22: %s: what the status says', (signal, found, message) => {
  const seen = { available: 92 * 1024 * 1024, capacity: 1000 * 1024 * 1024 };
  expect(evictionMessage(threshold(signal), seen, found).message).toBe(message);
});

test.each(['500M', '1536Mi', '100Ki'])('K22: a threshold of %s is told as it was set', (text) => {
  const [set] = parseThresholds({
    evictionHard: { 'memory.available': text },
    evictionSoft: {},
    evictionSoftGracePeriod: {},
    evictionMinimumReclaim: {},
  });
  const { message } = evictionMessage(
    set ?? threshold('memory.available'),
    { available: 1024, capacity: 2 ** 40 },
    use('p'),
  );
  expect(message).toContain(`Threshold quantity: ${text}, available: 1Ki. `);
});

test.each<[string, Signal, PodUse, Record<string, string>]>([
  [
    'memory',
    'memory.available',
    use('p', { memory: 5 * 1024 * 1024, request: '1Mi' }),
    { offending_containers: 'c', offending_containers_usage: '5Mi', starved_resource: 'memory' },
  ],
  [
    'nobody beyond its request',
    'memory.available',
    use('p', { memory: 5, request: '1Mi' }),
    { offending_containers: '', offending_containers_usage: '', starved_resource: 'memory' },
  ],
  [
    'nothing known of the containers',
    'nodefs.available',
    use('p', { unknown: true }),
    { offending_containers: '', offending_containers_usage: '', starved_resource: 'ephemeral-storage' },
  ],
])('K22: what the annotations of the event say: %s', (_what, signal, found, annotations) => {
  expect(evictionMessage(threshold(signal), undefined, found).annotations).toEqual(annotations);
});

function limited(spec: Partial<Pod['spec']>, found: Given): PodUse {
  const base = use('p', found);
  return { ...base, pod: { ...base.pod, spec: { ...base.pod.spec, ...spec } } };
}
const container = (limit: string): Container => ({
  name: 'c',
  resources: { limits: { 'ephemeral-storage': limit } },
});

test.each<[string, PodUse, boolean, string | undefined]>([
  [
    'emptyDir over its limit',
    limited({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }] }, { volume: 1025 }),
    false,
    'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ',
  ],
  [
    'emptyDir at its limit',
    limited({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Ki' } }] }, { volume: 1024 }),
    false,
    undefined,
  ],
  [
    'a limit of zero is none',
    limited({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '0' } }] }, { volume: 1025 }),
    false,
    undefined,
  ],
  [
    'the pod as a whole, volumes included',
    limited({ containers: [container('1Ki')] }, { volume: 1000, logs: 25 }),
    false,
    'Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ',
  ],
  [
    'one container of several',
    limited(
      { containers: [container('1Ki'), { ...container('1Mi'), name: 'other' }] },
      { rootfs: 1000, logs: 25 },
    ),
    false,
    'Container c exceeded its local ephemeral storage limit "1Ki". ',
  ],
  [
    'a container limit of zero is none of its own',
    limited(
      { containers: [container('0'), { ...container('1Mi'), name: 'other' }] },
      { rootfs: 1000, logs: 25 },
    ),
    false,
    undefined,
  ],
  [
    'its writable layer does not lie on the node file system',
    limited(
      { containers: [container('1Ki'), { ...container('1Mi'), name: 'other' }] },
      { rootfs: 5000, logs: 25 },
    ),
    true,
    undefined,
  ],
])('K22: local storage: %s', (_what, found, dedicatedImageFs, message) => {
  expect(hasStorageLimits(found.pod)).toBe(true);
  expect(storageExcess(found, { dedicatedImageFs })?.message).toBe(message);
});

test('K22: a pod without limits is not measured', () => {
  expect(hasStorageLimits(use('p', { request: '1' }).pod)).toBe(false);
});

function pod(spec: Partial<Pod['spec']>, annotations: Record<string, string> = {}): Pod {
  return { metadata: { name: 'p', annotations }, spec: { containers: [{ name: 'c' }], ...spec } };
}
const burstable = { containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] };

test.each<[string, Pod, Partial<Record<'memory' | 'disk' | 'pid', boolean>>, string | undefined]>([
  ['no pressure', pod({}), {}, undefined],
  ['memory, best effort', pod({}), { memory: true }, 'The node had condition: [MemoryPressure]. '],
  ['memory, burstable', pod(burstable), { memory: true }, undefined],
  [
    'memory, tolerated',
    pod({ tolerations: [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }] }),
    { memory: true },
    undefined,
  ],
  ['disk', pod(burstable), { disk: true }, 'The node had condition: [DiskPressure]. '],
  [
    'memory and pids',
    pod(burstable),
    { memory: true, pid: true },
    'The node had condition: [MemoryPressure PIDPressure]. ',
  ],
  ['critical', pod({ priority: 2_000_000_000 }), { disk: true }, undefined],
  ['static', pod({}, { 'kubernetes.io/config.source': 'file' }), { disk: true }, undefined],
])('K22: admission: %s', (_what, newcomer, pressure, message) => {
  expect(pressureRefusal(newcomer, { memory: false, disk: false, pid: false, ...pressure })).toBe(message);
});
