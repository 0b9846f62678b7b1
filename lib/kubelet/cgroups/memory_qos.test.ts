import type { Pod, ResourceRequirements } from '../../api/types.ts';
import { classReservations, containerMemoryQos, podReservation } from './memory_qos.ts';

const pod = (resources: ResourceRequirements): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', resources }] },
});
const MIB = 1024 ** 2;
const GUARANTEED = { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '1', memory: '64Mi' } };
const BURSTABLE = { limits: { memory: '128Mi' }, requests: { memory: '64Mi' } };
const qos = { throttlingFactor: 0.5, reserve: true, allocatableBytes: 1024 * MIB };

test.each<[string, ResourceRequirements, Partial<typeof qos>, object]>([
  ['guaranteed', GUARANTEED, {}, { 'memory.min': String(64 * MIB) }],
  ['guaranteed, nothing kept', GUARANTEED, { reserve: false }, {}],
  ['burstable', BURSTABLE, {}, { 'memory.low': String(64 * MIB), 'memory.high': String(96 * MIB) }],
  ['burstable, nothing kept', BURSTABLE, { reserve: false }, { 'memory.high': String(96 * MIB) }],
  [
    'without a limit: what the node has',
    { requests: { memory: '24Mi' } },
    {},
    { 'memory.low': String(24 * MIB), 'memory.high': String(524 * MIB) },
  ],
  [
    'in whole pages',
    { ...BURSTABLE, requests: { memory: '4097' } },
    { reserve: false },
    { 'memory.high': '67108864' },
  ],
  ['a factor that gives nothing', BURSTABLE, { throttlingFactor: 0, reserve: false }, {}],
  ['a request of all', { limits: { memory: '1Mi' } }, {}, { 'memory.low': String(MIB) }],
  ['best effort', {}, {}, {}],
])('of a container: %s', (_, resources, more, want) => {
  expect(containerMemoryQos(pod(resources), { resources }, { ...qos, ...more })).toEqual(want);
});

test('of pods and classes', () => {
  const [guaranteed, burstable, bestEffort] = [pod(GUARANTEED), pod(BURSTABLE), pod({})];
  expect([guaranteed, burstable, bestEffort].map(podReservation)).toEqual([
    { 'memory.min': String(64 * MIB) },
    { 'memory.low': String(64 * MIB) },
    {},
  ]);
  expect(classReservations([guaranteed, guaranteed, burstable, bestEffort])).toEqual({
    Guaranteed: { 'memory.min': String(128 * MIB), 'memory.low': String(64 * MIB) },
    Burstable: { 'memory.low': String(64 * MIB) },
    BestEffort: {},
  });
  expect(classReservations([]).Guaranteed).toEqual({ 'memory.min': '0', 'memory.low': '0' });
});
