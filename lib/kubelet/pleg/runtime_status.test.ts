import type { ContainerRuntimeStatus } from '../contracts.ts';
import { runtimeContainer } from '../testing/runtime_pod.ts';
import { neverStarted, newestFirst } from './runtime_status.ts';

const BORN = 1000;
const cut: Partial<ContainerRuntimeStatus> = {
  state: 'exited',
  createdAtMs: 500,
  startedAtMs: 0,
  exitCode: 128,
  reason: 'StartError',
  message: 'failed to create containerd task: failed to create shim task: context canceled: unknown',
};

test.each<[string, Partial<ContainerRuntimeStatus>, ContainerRuntimeStatus['state']]>([
  ['a start that the death of the kubelet cut short', {}, 'created'],
  ['its shim killed', { message: 'start failed: : signal: killed: unknown' }, 'created'],
  ['a program that is not there', { message: 'exec: "nope": executable file not found' }, 'exited'],
  ['a start of this kubelet', { createdAtMs: 1500 }, 'exited'],
  ['one that ran', { startedAtMs: 600 }, 'exited'],
  ['one killed while it ran', { reason: 'Error', message: '' }, 'exited'],
  ['one that runs', { state: 'running', reason: '', message: '' }, 'running'],
])('%s', (_, more, state) => {
  expect(neverStarted(runtimeContainer('a', { ...cut, ...more }), BORN).state).toBe(state);
});

test('K31: the newest incarnation is the one with the highest number, also when the clock was set back before it began', () => {
  const made = (name: string, restartCount: number, createdAtMs: number): ContainerRuntimeStatus =>
    runtimeContainer(name, { id: `${name}${restartCount}`, restartCount, createdAtMs });
  const ids = (...containers: readonly ContainerRuntimeStatus[]): string[] =>
    newestFirst(containers).map(({ id }) => id);
  expect(ids(made('a', 0, 10), made('b', 0, 20), made('a', 1, 30))).toEqual(['a1', 'b0', 'a0']);
  expect(ids(made('a', 0, 5000), made('b', 0, 5010), made('a', 2, 300), made('a', 1, 5020))).toEqual([
    'a2',
    'b0',
    'a1',
    'a0',
  ]);
});
