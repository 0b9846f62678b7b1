import { nodeAllocatable, nodeCapacity, reservationProblem, type Reservations } from './capacity.ts';
import type { Machine } from './machine.ts';

const GiB = 1024 ** 3;
const machine: Machine = {
  cpus: 2,
  memoryBytes: 24_669_068 * 1024,
  swapBytes: 0,
  hugePages: new Map([
    [2 * 1024 ** 2, 512],
    [GiB, 0],
  ]),
  nodeFsBytes: 264_111_516 * 1024,
  machineId: '',
  systemUuid: '',
  bootId: '',
  kernelVersion: '',
  osImage: '',
  architecture: 'amd64',
};
const config: Reservations = {
  maxPods: 110,
  podsPerCore: 0,
  systemReserved: {},
  kubeReserved: {},
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
  localStorageCapacityIsolation: true,
};

test('K18: capacity in the form that the API server keeps', () => {
  expect(nodeCapacity(machine, config)).toEqual({
    cpu: '2',
    'ephemeral-storage': '264111516Ki',
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '1Gi',
    memory: '24669068Ki',
    pods: '110',
  });
  expect(nodeCapacity(machine, { ...config, podsPerCore: 10 })['pods']).toBe('20');
  expect(nodeCapacity(machine, { ...config, localStorageCapacityIsolation: false })).not.toHaveProperty([
    'ephemeral-storage',
  ]);
});

test.each<{ what: string; over: Partial<Reservations>; want: Record<string, string> }>([
  {
    what: 'eviction thresholds and huge pages',
    over: {},
    // 24669068Ki - 100Mi - 1Gi; 90% of the file system in bytes
    want: {
      cpu: '2',
      memory: '23518092Ki',
      'ephemeral-storage': '243405173146',
      'hugepages-2Mi': '1Gi',
      pods: '110',
    },
  },
  {
    what: 'reservations',
    over: {
      systemReserved: { cpu: '100m', memory: '1Gi' },
      kubeReserved: { cpu: '0.25', 'ephemeral-storage': '1Gi' },
    },
    want: { cpu: '1650m', memory: '22469516Ki', 'ephemeral-storage': '242331431322' },
  },
  {
    what: 'memory by percentage',
    over: { evictionHard: { 'memory.available': '50%' } },
    want: { memory: '11285958Ki' },
  },
  {
    what: 'never below zero',
    over: { kubeReserved: { cpu: '5', memory: '1Ti' } },
    want: { cpu: '0', memory: '0' },
  },
])('K18: allocatable less $what', ({ over, want }) => {
  expect(nodeAllocatable(machine, { ...config, ...over })).toMatchObject(want);
});

test.each<[string, Partial<Reservations>, string | undefined]>([
  ['nothing', {}, undefined],
  ['all of it', { systemReserved: { cpu: '1500m' }, kubeReserved: { cpu: '500m' } }, undefined],
  [
    'more CPUs than there are',
    { systemReserved: { cpu: '1500m' }, kubeReserved: { cpu: '1' } },
    'Resource "cpu" has a reservation of 2500m but capacity of 2. Expected capacity >= reservation.',
  ],
  [
    'memory that is left with the eviction threshold only',
    { systemReserved: { memory: '24669068Ki' } },
    'Resource "memory" has a reservation of 24771468Ki but capacity of 24669068Ki. Expected capacity >= reservation.',
  ],
  ['ids of processes, which are no resource of the node', { kubeReserved: { pid: '1000000' } }, undefined],
])('K18: reserved is %s', (_, over, want) => {
  expect(reservationProblem(machine, { ...config, ...over })).toBe(
    want === undefined ? undefined : `invalid Node Allocatable configuration. ${want}`,
  );
});
