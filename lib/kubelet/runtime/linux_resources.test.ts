import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';
import { resourceOptions } from '../testing/resource_options.ts';
import {
  containerResources,
  cpuQuota,
  cpuShares,
  oomScoreAdj,
  swapLimit,
  type ResourceOptions,
} from './linux_resources.ts';

const pod = (resources: ResourceRequirements, spec: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
});
const options = resourceOptions({ cgroupV2: false });

test.each([
  [0, 2],
  [1, 2],
  [100, 102],
  [1000, 1024],
  [1_000_000_000, 262_144],
])('K20: %d thousandths of a CPU weigh %d', (milli, shares) => expect(cpuShares(milli)).toBe(shares));

test.each([
  [0, 0],
  [1, 1000],
  [500, 50_000],
])('K20: a limit of %d thousandths is a quota of %d', (milli, quota) =>
  expect(cpuQuota(milli, 100_000)).toBe(quota),
);

test.each<[string, ResourceRequirements, Partial<Pod['spec']>, number]>([
  ['best effort', {}, {}, 1000],
  ['guaranteed', { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } }, {}, -997],
  ['half of the node', { requests: { memory: '512Mi' } }, {}, 500],
  ['nearly nothing', { requests: { memory: '1' } }, {}, 999],
  ['all of the node', { requests: { memory: '1Gi' } }, {}, 3],
  ['system critical', {}, { priority: 2_000_001_000 }, -997],
])('K20: oom_score_adj: %s', (_, resources, spec, want) => {
  expect(oomScoreAdj(pod(resources, spec), { resources }, options.memoryCapacity)).toBe(want);
});

test.each<[string, string, string | undefined, number]>([
  // Of 1 GiB the pod asks for 512 MiB: 256 of them in no container, 64 of these to each of the four.
  ['a container that asks for memory', 'own', '512Mi', 1000 - 187],
  ['one that asks for none', 'bare', '512Mi', 1000 - 62],
  ['the pod asks for no more than its containers', 'own', '256Mi', 1000 - 125],
  ['nor for any memory', 'bare', undefined, 999],
])('K20: oom_score_adj in a pod with resources of its own: %s', (_, name, memory, want) => {
  const asks = (of: string, amount: string, over: object = {}): Container => ({
    name: of,
    resources: { requests: { memory: amount } },
    ...over,
  });
  const own = memory === undefined ? { limits: { cpu: '1' } } : { requests: { memory } };
  const whole = pod(
    {},
    {
      containers: [asks('own', '128Mi'), { name: 'bare', resources: {} }],
      initContainers: [asks('side', '128Mi', { restartPolicy: 'Always' }), asks('init', '64Mi')],
      resources: own,
    },
  );
  const container = whole.spec.containers.find((c) => c.name === name) ?? {};
  expect(oomScoreAdj(whole, container, options.memoryCapacity)).toBe(want);
});

test.each<[string, ResourceRequirements, ResourceRequirements, object]>([
  [
    'of one without its own',
    {},
    { limits: { cpu: '500m', memory: '1Mi' } },
    { cpuShares: 512n, cpuQuota: 50_000n, memoryLimitInBytes: 1_048_576n },
  ],
  [
    'beside its own',
    { requests: { cpu: '100m' }, limits: { memory: '1Ki' } },
    { limits: { cpu: '500m', memory: '1Mi' } },
    { cpuShares: 102n, cpuQuota: 50_000n, memoryLimitInBytes: 1024n },
  ],
  [
    'for huge pages',
    { limits: { 'hugepages-1Gi': '1Gi' } },
    { limits: { 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '2Gi' } },
    {
      hugepageLimits: [
        { pageSize: '1GB', limit: 2n ** 30n },
        { pageSize: '2MB', limit: 4_194_304n },
      ],
    },
  ],
  ['none of them', {}, { requests: { cpu: '1' } }, { cpuShares: 2n, memoryLimitInBytes: 0n }],
])('K20: limits of the pod as a whole are those %s', (_, resources, whole, want) => {
  const got = containerResources(pod(resources, { resources: whole }), { resources }, options);
  expect(got).toMatchObject(want);
});

test.each<[string, ResourceRequirements, Partial<ResourceOptions>, object]>([
  [
    'request and limit',
    { requests: { cpu: '100m' }, limits: { cpu: '1', memory: '1Mi' } },
    {},
    { cpuShares: 102n, cpuQuota: 100_000n, cpuPeriod: 100_000n, memoryLimitInBytes: 1_048_576n },
  ],
  ['the limit is the request', { limits: { cpu: '1' } }, {}, { cpuShares: 1024n }],
  ['a request of zero stays one', { requests: { cpu: '0' }, limits: { cpu: '1' } }, {}, { cpuShares: 2n }],
  [
    'huge pages',
    { limits: { 'hugepages-2Mi': '4Mi' } },
    {},
    { hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304n }] },
  ],
  [
    'none of the huge pages that are not asked for',
    { limits: { 'hugepages-2Mi': '4Mi' } },
    { hugePages: ['hugepages-1Gi', 'hugepages-2Mi'] },
    {
      hugepageLimits: [
        { pageSize: '1GB', limit: 0n },
        { pageSize: '2MB', limit: 4_194_304n },
      ],
    },
  ],
  ['cgroup v2: killed as a whole', {}, { cgroupV2: true }, { unified: { 'memory.oom.group': '1' } }],
  ['singleProcessOOMKill', {}, { cgroupV2: true, singleProcessOOMKill: true }, { unified: {} }],
  [
    'cgroup v2 with swap',
    { requests: { memory: '256Mi' } },
    { cgroupV2: true, swap: { limited: true, capacityBytes: 4096 } },
    { unified: { 'memory.oom.group': '1', 'memory.swap.max': '1024' } },
  ],
])('K20: %s', (_, resources, more, want) => {
  const got = containerResources(pod(resources), { resources }, { ...options, ...more });
  // Not in part: what is too much in these would act.
  if ('unified' in want) expect(got.unified).toEqual(want.unified);
  expect(got).toMatchObject(want);
});

test('K20: without CFS quota a limit sets none', () => {
  const got = containerResources(
    pod({}),
    { resources: { limits: { cpu: '1' } } },
    { ...options, cpuCFSQuota: false },
  );
  expect(got).not.toHaveProperty('cpuQuota');
});

const BURSTABLE = { requests: { memory: '256Mi' }, limits: { memory: '512Mi' } };
const ALL = { requests: { memory: '1Mi', cpu: '1' }, limits: { memory: '1Mi', cpu: '1' } };

test.each<[string, ResourceRequirements, { limited?: boolean; spec?: Partial<Pod['spec']> }, number]>([
  ['of the swap what the request is of the memory', BURSTABLE, {}, 1000],
  ['no limit of memory', { requests: { memory: '512Mi' } }, {}, 2000],
  ['no request of memory', { requests: { cpu: '1' } }, {}, 0],
  ['all that it may have is requested', { requests: { memory: '1Mi' }, limits: { memory: '1Mi' } }, {}, 0],
  ['guaranteed', ALL, {}, 0],
  ['best effort', {}, {}, 0],
  ['critical', BURSTABLE, { spec: { priority: 2_000_000_000 } }, 0],
  ['swap is not for pods', BURSTABLE, { limited: false }, 0],
])('K20: swap: %s', (_, resources, { limited = true, spec }, want) => {
  const swap = { limited, capacityBytes: 4000 };
  expect(swapLimit(pod(resources, spec), { resources }, options.memoryCapacity, swap)).toBe(want);
});
