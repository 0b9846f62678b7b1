import { computeQOS, podQOS } from './qos.ts';
import { nonZeroRequests, podLimits, podRequests } from './resources.ts';
import type { RequestOptions, ResourceMap } from './resources.ts';
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from './types.ts';

type List = Record<string, string>;
const c = (name: string, requests?: List, limits?: List): Container => ({
  name,
  resources: { ...(requests && { requests }), ...(limits && { limits }) },
});
const sidecar = (name: string, requests: List): Container => ({
  ...c(name, requests),
  restartPolicy: 'Always',
});
const cpu = (amount: string): List => ({ cpu: amount });
const pod = (spec: Partial<PodSpec>, status?: PodStatus): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [], ...spec },
  ...(status && { status }),
});
const plain = (map: ResourceMap): List => Object.fromEntries([...map].map(([k, v]) => [k, v.toString()]));

test.each<[string, Partial<PodSpec>, string | undefined]>([
  ['nothing', { containers: [c('a')] }, undefined],
  ['containers add up', { containers: [c('a', cpu('100m')), c('b', cpu('200m'))] }, '300m'],
  [
    'the largest init container counts if larger',
    { containers: [c('a', cpu('1'))], initContainers: [c('i', cpu('2')), c('j', cpu('3'))] },
    '3',
  ],
  ['and not if smaller', { containers: [c('a', cpu('4'))], initContainers: [c('i', cpu('2'))] }, '4'],
  [
    'sidecars run beside containers',
    { containers: [c('a', cpu('1'))], initContainers: [sidecar('s', cpu('1')), sidecar('t', cpu('2'))] },
    '4',
  ],
  [
    'an init container runs beside earlier sidecars',
    { containers: [c('a', cpu('1'))], initContainers: [sidecar('s', cpu('1')), c('i', cpu('5'))] },
    '6',
  ],
  [
    'but not beside later ones',
    { containers: [c('a', cpu('1'))], initContainers: [c('i', cpu('5')), sidecar('s', cpu('1'))] },
    '5',
  ],
  ['overhead comes on top', { containers: [c('a', cpu('1'))], overhead: cpu('250m') }, '1250m'],
  [
    'pod-level requests replace the sum',
    { containers: [c('a', cpu('1'))], resources: { requests: cpu('3') } },
    '3',
  ],
  [
    'also when smaller, and overhead still counts',
    { containers: [c('a', cpu('1'))], resources: { requests: cpu('500m') }, overhead: cpu('1') },
    '1500m',
  ],
])('requests: %s', (_, spec, expected) => {
  expect(podRequests(pod(spec)).get('cpu')?.toString()).toBe(expected);
});

test('every resource is summed for itself; pod-level amounts do not apply to extended resources', () => {
  const spec: Partial<PodSpec> = {
    containers: [
      c('a', { cpu: '1', memory: '1Gi', 'x.io/gpu': '2' }),
      c('b', { memory: '512Mi', 'hugepages-2Mi': '4Mi' }),
    ],
    initContainers: [c('i', { memory: '4Gi', 'ephemeral-storage': '1Gi' })],
    resources: { requests: { 'hugepages-2Mi': '8Mi', 'x.io/gpu': '9' } },
  };
  expect(plain(podRequests(pod(spec)))).toEqual({
    cpu: '1',
    memory: '4Gi',
    'x.io/gpu': '2',
    'hugepages-2Mi': '8Mi',
    'ephemeral-storage': '1Gi',
  });
});

test('limits: overhead only where there is a limit', () => {
  const spec: Partial<PodSpec> = {
    containers: [c('a', {}, cpu('2'))],
    overhead: { cpu: '1', memory: '1Gi' },
  };
  expect(plain(podLimits(pod(spec)))).toEqual({ cpu: '3' });
  expect(plain(podRequests(pod(spec)))).toEqual({ cpu: '1', memory: '1Gi' });
  expect(plain(podRequests(pod(spec), { excludeOverhead: true }))).toEqual({});
});

test('pod-level amounts can be left aside', () => {
  const spec: Partial<PodSpec> = { containers: [c('a', cpu('1'))], resources: { requests: cpu('3') } };
  expect(plain(podRequests(pod(spec), { skipPodLevel: true }))).toEqual({ cpu: '1' });
  expect(plain(podRequests(pod(spec), { skipPodLevel: false }))).toEqual({ cpu: '3' });
});

test('containers that ask for nothing count with defaults in scores, per container', () => {
  const spec: Partial<PodSpec> = { containers: [c('a', cpu('1')), c('b'), c('d', { memory: '0' })] };
  expect(plain(nonZeroRequests(pod(spec)))).toEqual({ cpu: '1200m', memory: '400Mi' });
});

describe('a resize in place', () => {
  const status = (cpuAmount: string, allocated?: string, reason?: string): PodStatus => ({
    containerStatuses: [
      {
        name: 'a',
        image: 'i',
        imageID: '',
        ready: true,
        restartCount: 0,
        resources: { requests: cpu(cpuAmount) },
        ...(allocated && { allocatedResources: cpu(allocated) }),
      },
    ],
    ...(reason && { conditions: [{ type: 'PodResizePending', status: 'True', reason }] }),
  });
  const useStatus: RequestOptions = { useStatus: true };
  test.each<[string, PodStatus | undefined, RequestOptions, string]>([
    ['status is not asked for', status('3'), {}, '1'],
    ['no status yet', undefined, useStatus, '1'],
    ['shrinking: what it still has counts', status('3'), useStatus, '3'],
    ['growing: what it will have counts', status('500m'), useStatus, '1'],
    ['what was allocated counts', status('500m', '2'), useStatus, '2'],
    ['deferred: what it will have counts', status('500m', '500m', 'Deferred'), useStatus, '1'],
    ['infeasible: only what it has counts', status('500m', '500m', 'Infeasible'), useStatus, '500m'],
    [
      'infeasible, but the status says nothing',
      { conditions: status('1', '1', 'Infeasible').conditions ?? [] },
      useStatus,
      '1',
    ],
  ])('%s', (_, podStatus, options, expected) => {
    const subject = pod({ containers: [c('a', cpu('1'))] }, podStatus);
    expect(podRequests(subject, options).get('cpu')?.toString()).toBe(expected);
  });
});

test('in place: of ordinary init containers the spec counts, and allocated amounts alone say nothing', () => {
  const grown = (name: string, more: Partial<ContainerStatus>): ContainerStatus => ({
    name,
    image: 'i',
    imageID: '',
    ready: true,
    restartCount: 0,
    ...more,
  });
  const subject = pod(
    { containers: [c('a', cpu('1'))], initContainers: [c('i', cpu('1')), sidecar('s', cpu('1'))] },
    {
      containerStatuses: [grown('a', { allocatedResources: cpu('9') })],
      initContainerStatuses: [
        grown('i', { resources: { requests: cpu('9') } }),
        grown('s', { resources: { requests: cpu('2') } }),
      ],
    },
  );
  expect(podRequests(subject, { useStatus: true }).get('cpu')?.toString()).toBe('3');
});

test.each<[string, PodStatus, string]>([
  ['growing', { resources: { requests: cpu('1') } }, '2'],
  ['shrinking', { resources: { requests: cpu('3') } }, '3'],
  ['allocated more', { resources: {}, allocatedResources: cpu('4') }, '4'],
  ['allocated more, but nothing is known of what runs', { allocatedResources: cpu('4') }, '2'],
  [
    'infeasible',
    {
      resources: { requests: cpu('1') },
      conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }],
    },
    '1',
  ],
])('a resize of the pod as a whole: %s', (_, podStatus, expected) => {
  const spec: Partial<PodSpec> = {
    containers: [c('a', { memory: '1Gi' })],
    resources: { requests: cpu('2') },
  };
  const status = {
    ...podStatus,
    resources: podStatus.resources && {
      ...podStatus.resources,
      requests: { ...podStatus.resources.requests, memory: '9Gi' },
    },
  };
  const { resources, ...others } = status;
  const sums = podRequests(pod(spec, resources === undefined ? others : { ...others, resources }), {
    useStatus: true,
  });
  expect(plain(sums)).toEqual({ cpu: expected, memory: '1Gi' });
});

const both = { cpu: '1', memory: '1Gi' };
test.each<[string, Partial<PodSpec>, string]>([
  ['nothing', { containers: [c('a')] }, 'BestEffort'],
  ['zero is nothing', { containers: [c('a', { cpu: '0' }, { memory: '0' })] }, 'BestEffort'],
  ['other resources do not count', { containers: [c('a', { 'x.io/gpu': '1' })] }, 'BestEffort'],
  ['requests equal limits', { containers: [c('a', both, both)] }, 'Guaranteed'],
  [
    'the same amount in other words',
    { containers: [c('a', { cpu: '1000m', memory: '1024Mi' }, both)] },
    'Guaranteed',
  ],
  ['one container without', { containers: [c('a', both, both), c('b')] }, 'Burstable'],
  [
    'an init container without',
    { containers: [c('a', both, both)], initContainers: [c('i', cpu('1'))] },
    'Burstable',
  ],
  ['CPU alone', { containers: [c('a', cpu('1'), cpu('1'))] }, 'Burstable'],
  ['requests below limits', { containers: [c('a', cpu('500m'), both)] }, 'Burstable'],
  ['a limit alone', { containers: [c('a', {}, cpu('1'))] }, 'Burstable'],
  [
    'pod level alone decides',
    { containers: [c('a', cpu('1'))], resources: { requests: both, limits: both } },
    'Guaranteed',
  ],
  [
    'pod level without memory',
    { containers: [c('a', both, both)], resources: { requests: cpu('1') } },
    'Burstable',
  ],
])('QoS: %s', (_, spec, expected) => {
  expect(computeQOS(pod(spec))).toBe(expected);
});

test.each(['Guaranteed', 'Burstable', 'BestEffort'])('the class in the status is final: %s', (qosClass) => {
  const guaranteed = pod({ containers: [c('a', both, both)] }, { qosClass });
  expect(podQOS(guaranteed)).toBe(qosClass);
});

test('without a known class in the status, the spec decides', () => {
  expect(podQOS(pod({ containers: [c('a')] }, {}))).toBe('BestEffort');
  expect(podQOS(pod({ containers: [c('a')] }, { qosClass: 'Best' }))).toBe('BestEffort');
});
