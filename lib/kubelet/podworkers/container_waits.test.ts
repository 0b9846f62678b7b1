import type { Container, Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import type { PodActions } from '../runtime/pod_actions.ts';
import { ContainerStartError } from '../runtime/start_error.ts';
import { ContainerWaits } from './container_waits.ts';

const a: Container = { name: 'a', image: 'img:1' };
const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [a] } };
const START = 1_000_000;

function scene() {
  const clock = new FakeClock(START);
  const events: string[] = [];
  const waits = new ContainerWaits({
    clock,
    events: {
      container: (_pod, _name, type, reason, message) => events.push(`${type} ${reason} ${message}`),
    },
    random: () => 0.5,
  });
  const decided = (actions: Partial<PodActions> = {}) =>
    waits.decided(pod, { start: [], waiting: [], held: [], ...actions });
  const held = (container = a) =>
    decided({ held: [{ container, delayMs: waits.holdMs(container, undefined) }] });
  return { clock, events, waits, decided, held };
}

/** As the runtime has it. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the field that is read
const inState = (state: ContainerRuntimeStatus['state']) => ({ state }) as ContainerRuntimeStatus;

test.each<[string, ContainerStartError, ContainerRuntimeStatus | undefined, number]>([
  [
    'nothing created: 10 to 15 s',
    new ContainerStartError('CreateContainerConfigError', 'm'),
    undefined,
    12_500,
  ],
  ['it ran before', new ContainerStartError('CreateContainerError', 'm'), inState('exited'), 12_500],
  [
    'the runtime did not start it, and it ended',
    new ContainerStartError('RunContainerError', 'm'),
    inState('exited'),
    0,
  ],
  ['created, not started', new ContainerStartError('RunContainerError', 'm'), inState('created'), 12_500],
  [
    'postStart failed, and it ended',
    new ContainerStartError('PostStartHookError', 'm'),
    inState('exited'),
    0,
  ],
  [
    'an image says when',
    new ContainerStartError('ErrImagePull', 'm', { retryAfterMs: 40_000 }),
    undefined,
    40_000,
  ],
])('K4: %s', (_, error, last, want) => {
  const { clock, waits } = scene();
  waits.failed(a, error);
  clock.stepWall(-3_600_000); // whatever is done to the clock on the wall
  expect(waits.holdMs(a, last)).toBe(want);
});

test('K4: the wait ends, and another image does not wait at all', async () => {
  const { clock, waits } = scene();
  waits.failed(a, new ContainerStartError('CreateContainerError', 'm'));
  expect(waits.holdMs({ ...a, image: 'img:2' }, undefined)).toBe(0);
  expect(waits.holdMs({ ...a, name: 'b' }, undefined)).toBe(0);
  await clock.advance(12_400);
  expect(waits.holdMs(a, undefined)).toBe(100);
  await clock.advance(100);
  expect(waits.holdMs(a, undefined)).toBe(0);
});

test('K4: a failed pull turns to a back-off after a second, once, with one event', async () => {
  const { clock, events, held, waits } = scene();
  const shown = {
    reason: 'ImagePullBackOff',
    message: 'Back-off pulling image "img:1": ErrImagePull: gone',
  };
  const meanwhile = { ...shown, tell: () => events.push('told') };
  const error = new ContainerStartError('ErrImagePull', 'gone', { retryAfterMs: 10_000, meanwhile });
  waits.show('a', error);
  waits.failed(a, error);
  expect(held()).toBe(START + 1000);
  expect(waits.reason('a')).toBe(error);
  await clock.advance(1000);
  expect(held()).toBe(START + 10_000);
  expect(held()).toBe(START + 10_000);
  expect([waits.reason('a'), events]).toEqual([shown, ['told']]);
});

test('K4: CrashLoopBackOff: shown with its event, gone when it starts', () => {
  const { decided, events, waits } = scene();
  const waiting = [{ container: a, containerId: 'c', delayMs: 80_000, notBeforeMs: START + 70_000 }];
  expect(decided({ waiting })).toBe(START + 70_000);
  expect(decided({ waiting })).toBe(START + 70_000);
  expect(waits.reason('a')).toEqual({
    reason: 'CrashLoopBackOff',
    message: 'back-off 1m20s restarting failed container=a pod=p_ns(u)',
  });
  expect(events).toEqual(['Warning BackOff Back-off restarting failed container a in pod p_ns(u)']);
  expect(waits.describe()).toMatch(/^a: CrashLoopBackOff/);
  const start = [
    { container: a, kind: 'regular', restartCount: 1, replaces: undefined, backoff: undefined, why: '' },
  ] as const;
  expect([decided({ start }), waits.reason('a'), waits.describe()]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('K4: a container that is not to be started any more has no reason to wait', () => {
  const { decided, waits } = scene();
  waits.show('a', { reason: 'RunContainerError', message: 'm' });
  decided();
  expect(waits.reason('a')).toBeUndefined();
});

test('K4: back-off is kept per container and image', () => {
  const { waits } = scene();
  const backoff = { delayMs: 20_000, updatedAtMs: START };
  waits.tried({ container: a, kind: 'regular', restartCount: 2, replaces: undefined, backoff, why: '' });
  expect([waits.backoff(a), waits.backoff({ ...a, image: 'img:2' })]).toEqual([backoff, undefined]);
});
