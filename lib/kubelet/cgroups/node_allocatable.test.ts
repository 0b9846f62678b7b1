import { type EnforcementConfig, podsGroupLimits, reservedGroups } from './node_allocatable.ts';

const none: EnforcementConfig = {
  enforceNodeAllocatable: ['pods'],
  systemReserved: {},
  kubeReserved: {},
  systemReservedCgroup: '',
  kubeReservedCgroup: '',
};
const capacity = { cpu: '2', memory: '24684096Ki', pods: '110' };

test.each([
  ['nothing reserved: all that the node has', none, { milliCpu: 2000, memoryBytes: 25_276_514_304 }],
  [
    'both reservations are taken off',
    { ...none, systemReserved: { cpu: '100m', memory: '1Gi' }, kubeReserved: { cpu: '1', pid: '1000' } },
    { milliCpu: 900, memoryBytes: 25_276_514_304 - 2 ** 30, pids: 31_768 },
  ],
  [
    'more reserved than there is',
    { ...none, systemReserved: { cpu: '4', memory: '1Ti', pid: '99999' } },
    { milliCpu: 0, memoryBytes: 0, pids: 1 },
  ],
])('K20: the group of all pods: %s', (_what, config, limits) => {
  expect(podsGroupLimits(capacity, config, 32_768)).toEqual(limits);
});

test('K20: no figure, no limit', () => {
  expect(podsGroupLimits({}, { ...none, kubeReserved: { pid: '5' } }, undefined)).toEqual({});
});

test('K20: groups of daemons are held to their reservation where that is asked for', () => {
  const config: EnforcementConfig = {
    ...none,
    enforceNodeAllocatable: ['pods', 'kube-reserved'],
    systemReserved: { cpu: '1' },
    systemReservedCgroup: '/system.slice',
    kubeReserved: { cpu: '500m', memory: '1Gi', pid: '100' },
    kubeReservedCgroup: '/kube.slice',
  };
  expect(reservedGroups(config)).toEqual([
    {
      key: 'kube-reserved',
      title: 'Kube Reserved',
      cgroup: '/kube.slice',
      limits: { milliCpu: 500, memoryBytes: 2 ** 30, pids: 100 },
    },
  ]);
  expect(reservedGroups(none)).toEqual([]);
  expect(reservedGroups({ ...config, enforceNodeAllocatable: ['kube-reserved-compressible'] })).toEqual([
    {
      key: 'kube-reserved-compressible',
      title: 'Kube Reserved',
      cgroup: '/kube.slice',
      limits: { milliCpu: 500 },
    },
  ]);
});
