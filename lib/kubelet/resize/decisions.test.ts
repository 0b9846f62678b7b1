/** What a pod has, what it asks for, whether that fits, and what is then to be done. */
import type { Container, Pod } from '../../api/types.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import {
  desiredAllocation,
  differences,
  type Granted,
  grantedOf,
  wantsResize,
  withAllocation,
} from './allocation.ts';
import { resizeRefusal } from './decision.ts';
import { resizeSteps } from './steps.ts';
import { runtimeContainer, runtimePod } from '../testing/runtime_pod.ts';

function container(name: string, cpu: string, memory = '32Mi', over: Partial<Container> = {}): Container {
  return { name, resources: { requests: { cpu, memory }, limits: { cpu, memory } }, ...over };
}

function pod(containers: Container[], over: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers, ...over } };
}

test.each<[string, Granted, Granted, string[]]>([
  ['the same', { requests: { cpu: '1' } }, { requests: { cpu: '1000m' } }, []],
  ['another request', { requests: { cpu: '1' } }, { requests: { cpu: '2' } }, ['cpu']],
  [
    'a limit more',
    { requests: { cpu: '1' } },
    { requests: { cpu: '1' }, limits: { memory: '1Mi' } },
    ['memory'],
  ],
  ['a request of nothing', { requests: { cpu: '0' } }, {}, []],
  ['a limit gone', { limits: { cpu: '1' } }, {}, ['cpu']],
  ['what cannot be resized', { limits: { 'ephemeral-storage': '1' } }, {}, []],
])('K9: differences: %s', (_what, a, b, expected) => {
  expect(differences(a, b)).toEqual(expected);
});

test('K9: a pod keeps what it was granted until it is granted more, its init containers too', () => {
  const sidecar = container('side', '1', '8Mi', { restartPolicy: 'Always' });
  const before = pod([container('c', '1')], { initContainers: [sidecar, container('init', '5')] });
  const granted = desiredAllocation(before);
  expect(Object.keys(granted.containers)).toEqual(['side', 'init', 'c']);
  const after = pod([container('c', '2', '64Mi', { image: 'new' })], {
    initContainers: [{ ...sidecar, resources: { requests: { cpu: '3' } } }, container('init', '6')],
  });
  expect(wantsResize(before, granted)).toBe(false);
  expect(wantsResize(after, granted)).toBe(true);
  const shown = withAllocation(after, granted);
  expect(shown.spec.containers).toEqual([container('c', '1', '32Mi', { image: 'new' })]);
  expect(shown.spec.initContainers).toEqual(before.spec.initContainers);
});

const POD_LEVEL = { requests: { cpu: '1' }, limits: { cpu: '2', memory: '64Mi' } };

test('K9: a pod as a whole keeps what it was granted; resources that it did not have before are not shown', () => {
  const bare: Container = { name: 'c', resources: {} };
  const before = pod([bare], { resources: POD_LEVEL });
  const after = pod([bare], { resources: { ...POD_LEVEL, limits: { cpu: '3', memory: '64Mi' } } });
  expect(wantsResize(before, desiredAllocation(before))).toBe(false);
  expect(wantsResize(after, desiredAllocation(before))).toBe(true);
  expect(withAllocation(after, desiredAllocation(before))).toEqual(before);
  const without = desiredAllocation(pod([bare]));
  expect(wantsResize(after, without)).toBe(true);
  expect(withAllocation(after, without)).toEqual(pod([bare]));
});

test('K9: where it is not known what was granted, the spec is right', () => {
  const now = pod([container('c', '1')], { resources: POD_LEVEL });
  expect(wantsResize(now, { containers: {} })).toBe(false);
  expect(withAllocation(now, { containers: {} })).toEqual(now);
});

test('K9: everything but CPU and memory comes from the spec', () => {
  const granted = { containers: { c: { requests: { cpu: '1' } } } };
  const now = pod([
    {
      name: 'c',
      resources: { requests: { cpu: '2', 'example.com/x': '1' }, limits: { 'example.com/x': '1' } },
    },
  ]);
  expect(withAllocation(now, granted).spec.containers[0]?.resources).toEqual({
    requests: { cpu: '1', 'example.com/x': '1' },
    limits: { 'example.com/x': '1' },
  });
});

const allocatable = { cpu: '2', memory: '1Gi' };
const BARE: Container = { name: 'c', resources: {} };
test.each<[string, Pod, Pod[], object | undefined]>([
  ['fits', pod([container('c', '1')]), [pod([container('o', '1')])], undefined],
  [
    'does not fit now',
    pod([container('c', '1800m')]),
    [pod([container('o', '1')]), pod([container('o', '120m')])],
    {
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 1800, used: 1120, capacity: 2000",
      cause: 'OutOfcpu',
    },
  ],
  [
    'can never fit',
    pod([container('c', '3')]),
    [pod([container('o', '2')])],
    {
      reason: 'Infeasible',
      message: "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000",
      cause: 'is infeasible',
    },
  ],
  [
    'memory is more than there ever is, though CPU may come',
    pod([container('c', '1', '2Gi')]),
    [pod([container('o', '2')])],
    {
      reason: 'Infeasible',
      message: "Node didn't have enough capacity: memory, requested: 2147483648, capacity: 1073741824",
      cause: 'is infeasible',
    },
  ],
  [
    'does not fit as a whole',
    pod([BARE], { resources: { requests: { cpu: '1500m' } } }),
    [pod([BARE], { resources: { requests: { cpu: '600m' } } })],
    {
      reason: 'Deferred',
      message: "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000",
      cause: 'OutOfcpu',
    },
  ],
  [
    'static',
    {
      ...pod([container('c', '1')]),
      metadata: { name: 'p', annotations: { 'kubernetes.io/config.source': 'file' } },
    },
    [],
    {
      reason: 'Infeasible',
      message: 'In-place resize of static-pods is not supported',
      cause: 'is infeasible',
    },
  ],
])('K9: a resize that %s', (_what, wanted, others, refusal) => {
  expect(resizeRefusal(wanted, allocatable, others, { containers: {} }, () => false)).toEqual(refusal);
});

const RESTARTS = { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] };

test.each<[string, Container, boolean]>([
  ['other memory', container('c', '1', '64Mi'), true],
  ['other memory after a restart', container('c', '1', '64Mi', RESTARTS), false],
  ['the same memory', container('c', '2', '32Mi'), false],
])('K9: a container that uses swap and asks for %s', (_, asked, refused) => {
  const before = desiredAllocation(pod([container('c', '1')]));
  const decide = (swap: boolean) =>
    resizeRefusal(pod([asked]), { cpu: '8', memory: '8Gi' }, [], before, () => swap);
  expect(decide(false)).toBeUndefined();
  expect(decide(true)).toEqual(
    refused
      ? {
          reason: 'Infeasible',
          message: 'In-place resize of containers with swap is not supported.',
          cause: 'is infeasible',
        }
      : undefined,
  );
});

const running = (name: string, state: ContainerRuntimeStatus['state'] = 'running') =>
  runtimeContainer(name, { id: `id-${name}`, state });

const actuatedOf = (...containers: Container[]): Record<string, Granted> => ({
  ...desiredAllocation(pod(containers)).containers,
});

test.each<[string, Container[], Record<string, Granted>, string[], string[]]>([
  ['nothing', [container('c', '1')], actuatedOf(container('c', '1')), [], []],
  ['an update', [container('c', '2')], actuatedOf(container('c', '1')), ['c cpu'], []],
  ['both at once', [container('c', '2', '64Mi')], actuatedOf(container('c', '1')), ['c cpu,memory'], []],
  [
    'a restart for memory alone',
    [
      container('c', '2', '64Mi', {
        resizePolicy: [
          { resourceName: 'cpu', restartPolicy: 'NotRequired' },
          { resourceName: 'memory', restartPolicy: 'RestartContainer' },
        ],
      }),
      container('d', '2', '32Mi', {
        resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }],
      }),
    ],
    actuatedOf(container('c', '1'), container('d', '1')),
    ['d cpu'],
    ['c'],
  ],
  [
    'what does not run gets it when it is started',
    [container('gone', '2')],
    actuatedOf(container('gone', '1')),
    [],
    [],
  ],
  ['what is not known is taken to be right', [container('c', '2')], {}, [], []],
])('K9: steps: %s', (_what, containers, actuated, updates, restarts) => {
  const status = runtimePod([running('c'), running('d'), running('gone', 'exited')]);
  const steps = resizeSteps(pod(containers), status, (name) => actuated[name]);
  expect(steps.updates.map(({ container: { name }, changed }) => `${name} ${changed.join()}`)).toEqual(
    updates,
  );
  expect([...steps.restarts]).toEqual(restarts);
});

test('K9: steps: a limit of the pod is one of the containers without their own', () => {
  const before = [{ name: 'bare' }, container('own', '1'), { name: 'gone' }].map((c) => ({
    ...c,
    resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }],
  }));
  const actuated = (name: string): Granted | undefined =>
    name === 'own' ? grantedOf(container('own', '1').resources) : { limits: POD_LEVEL.limits };
  const stepsTo = (limits: Record<string, string>): object => {
    const status = runtimePod([running('bare'), running('own'), running('gone', 'exited')]);
    const wanted = pod(before, { resources: { ...POD_LEVEL, limits } });
    const { updates, restarts, ...rest } = resizeSteps(wanted, status, actuated, POD_LEVEL);
    return { updates: updates.map((u) => u.container.name), restarts: [...restarts], ...rest };
  };
  expect(stepsTo(POD_LEVEL.limits)).toEqual({ updates: [], restarts: [], done: true, group: false });
  expect(stepsTo({ cpu: '3', memory: '64Mi' })).toEqual({
    updates: ['bare'],
    restarts: [],
    done: false,
    group: true,
  });
  expect(stepsTo({ cpu: '2', memory: '96Mi' })).toMatchObject({ updates: [], restarts: ['bare'] });
});

test.each<[string, ContainerRuntimeStatus['state'], boolean]>([
  ['runs', 'running', false],
  ['has ended', 'exited', true],
])('K9: done: an init container that %s', (_what, state, done) => {
  const actuated = actuatedOf(container('init', '1'));
  const wanted = pod([], { initContainers: [container('init', '2')] });
  const steps = resizeSteps(wanted, runtimePod([running('init', state)]), (n) => actuated[n]);
  expect([steps.done, steps.updates.length]).toEqual([done, done ? 0 : 1]);
});

test.each<[string, ContainerRuntimeStatus['state'], string, string, boolean]>([
  ['has it', 'running', '1', 'Always', true],
  ['does not have it', 'running', '2', 'Always', false],
  ['is to be started with it', 'exited', '2', 'Always', false],
  ['has ended and is not started again', 'exited', '2', 'Never', true],
  ['has succeeded', 'exited', '2', 'OnFailure', true],
])('K9: done: a container that %s', (_what, state, cpu, restartPolicy, done) => {
  const status = runtimePod([running('c', state)]);
  const actuated = actuatedOf(container('c', '1'));
  expect(resizeSteps(pod([container('c', cpu)], { restartPolicy }), status, (n) => actuated[n]).done).toBe(
    done,
  );
});
