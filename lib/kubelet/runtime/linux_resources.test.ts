import type { Pod, ResourceRequirements } from '../../api/types.ts';
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
