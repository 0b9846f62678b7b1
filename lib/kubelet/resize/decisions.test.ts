/** What a pod has, what it asks for, whether that fits, and what is then to be done. */
import type { Container, Pod } from '../../api/types.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import { desiredAllocation, differences, type Granted, wantsResize, withAllocation } from './allocation.ts';
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
  ['a limit gone', { limits: { cpu: '1' } }, {}, ['cpu']],
  ['what cannot be resized', { limits: { 'ephemeral-storage': '1' } }, {}, []],
])('K9: differences: %s', (_what, a, b, expected) => {
  expect(differences(a, b)).toEqual(expected);
});

test('K9: a pod keeps what it was granted until it is granted more; sidecars count, other init containers do not', () => {
  const sidecar = container('side', '1', '8Mi', { restartPolicy: 'Always' });
  const before = pod([container('c', '1')], { initContainers: [sidecar, container('init', '5')] });
  const granted = desiredAllocation(before);
  expect(Object.keys(granted)).toEqual(['side', 'c']);
  const after = pod([container('c', '2', '64Mi', { image: 'new' })], {
    initContainers: [{ ...sidecar, resources: { requests: { cpu: '3' } } }, container('init', '5')],
  });
  expect(wantsResize(before, granted)).toBe(false);
  expect(wantsResize(after, granted)).toBe(true);
  const shown = withAllocation(after, granted);
  expect(shown.spec.containers).toEqual([container('c', '1', '32Mi', { image: 'new' })]);
  expect(shown.spec.initContainers).toEqual(before.spec.initContainers);
});

test('K9: everything but CPU and memory comes from the spec', () => {
  const granted = { c: { requests: { cpu: '1' } } };
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
  expect(resizeRefusal(wanted, allocatable, others)).toEqual(refusal);
});

const running = (name: string, state: ContainerRuntimeStatus['state'] = 'running') =>
  runtimeContainer(name, { id: `id-${name}`, state });

test.each<[string, Container[], Record<string, Granted>, string[], string[]]>([
  ['nothing', [container('c', '1')], { c: desiredAllocation(pod([container('c', '1')]))['c'] ?? {} }, [], []],
  ['an update', [container('c', '2')], desiredAllocation(pod([container('c', '1')])), ['c cpu'], []],
  [
    'both at once',
    [container('c', '2', '64Mi')],
    desiredAllocation(pod([container('c', '1')])),
    ['c cpu,memory'],
    [],
  ],
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
    desiredAllocation(pod([container('c', '1'), container('d', '1')])),
    ['d cpu'],
    ['c'],
  ],
  [
    'what does not run gets it when it is started',
    [container('gone', '2')],
    desiredAllocation(pod([container('gone', '1')])),
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

test.each<[string, ContainerRuntimeStatus['state'], string, string, boolean]>([
  ['has it', 'running', '1', 'Always', true],
  ['does not have it', 'running', '2', 'Always', false],
  ['is to be started with it', 'exited', '2', 'Always', false],
  ['has ended and is not started again', 'exited', '2', 'Never', true],
])('K9: done: a container that %s', (_what, state, cpu, restartPolicy, done) => {
  const status = runtimePod([running('c', state)]);
  const actuated = desiredAllocation(pod([container('c', '1')]));
  expect(resizeSteps(pod([container('c', cpu)], { restartPolicy }), status, (n) => actuated[n]).done).toBe(
    done,
  );
});
