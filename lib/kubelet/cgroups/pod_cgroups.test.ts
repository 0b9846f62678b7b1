import type { Container, Pod } from '../../api/types.ts';
import { podLimits } from './pod_cgroups.ts';

const limited = (cpu: string | undefined, memory: string | undefined, restartPolicy?: string): Container => ({
  name: 'c',
  image: 'i',
  ...(restartPolicy === undefined ? {} : { restartPolicy }),
  resources: {
    limits: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) },
  },
});
const pod = (spec: Pod['spec']): Pod => ({ metadata: { name: 'p' }, spec });
const options = { cpuCFSQuota: true, cpuPeriodUs: 100_000 };

test.each<[string, Pod['spec'], object]>([
  [
    'no limits',
    { containers: [{ name: 'c', image: 'i' }] },
    { cpuShares: 2, cpuQuota: undefined, memoryBytes: undefined },
  ],
  [
    'sums',
    { containers: [limited('500m', '1Mi'), limited('1', '1Mi')] },
    { cpuShares: 1536, cpuQuota: 150_000, memoryBytes: 2 ** 21 },
  ],
  [
    'one without memory: none',
    { containers: [limited('1', '1Mi'), limited('1', undefined)] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: undefined },
  ],
  [
    'a larger init container',
    { containers: [limited('1', '1Mi')], initContainers: [limited('2', '4Mi')] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 22 },
  ],
  [
    'a sidecar adds',
    { containers: [limited('1', '1Mi')], initContainers: [limited('1', '1Mi', 'Always')] },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 21 },
  ],
  [
    'overhead adds',
    { containers: [limited('1', '1Mi')], overhead: { cpu: '1', memory: '1Mi' } },
    { cpuShares: 2048, cpuQuota: 200_000, memoryBytes: 2 ** 21 },
  ],
  [
    'the pod itself',
    { containers: [{ name: 'c', image: 'i' }], resources: { limits: { memory: '3Mi' } } },
    { cpuShares: 2, cpuQuota: undefined, memoryBytes: 3 * 2 ** 20 },
  ],
])('K20: %s', (_, spec, want) => expect(podLimits(pod(spec), options)).toEqual(want));

test('K20: without CFS quota', () => {
  expect(
    podLimits(pod({ containers: [limited('1', undefined)] }), { ...options, cpuCFSQuota: false }).cpuQuota,
  ).toBeUndefined();
});
