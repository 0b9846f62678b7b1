import { getCondition, isConditionTrue, setCondition } from './conditions.ts';
import {
  allContainers,
  controllerOf,
  hostPorts,
  hostPortsCollide,
  isMirror,
  isStatic,
  isTerminal,
  podPriority,
} from './pod.ts';
import type { Pod, PodCondition } from './types.ts';
import { microTimestamp, timestamp } from './timestamp.ts';

const pod = (more: Partial<Pod>): Pod => ({ metadata: { name: 'p' }, spec: { containers: [] }, ...more });

test.each<[string, Record<string, string> | undefined, boolean, boolean]>([
  ['no annotations', undefined, false, false],
  ['from the API', { 'kubernetes.io/config.source': 'api' }, false, false],
  ['from a file', { 'kubernetes.io/config.source': 'file' }, true, false],
  ['mirror', { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.mirror': 'x' }, true, true],
])('%s', (_, annotations, isStaticPod, isMirrorPod) => {
  const subject = pod({ metadata: { name: 'p', ...(annotations && { annotations }) } });
  expect([isStatic(subject), isMirror(subject)]).toEqual([isStaticPod, isMirrorPod]);
});

test('phase, priority, owner, containers', () => {
  expect(
    ['Succeeded', 'Failed', 'Running', undefined].map((phase) =>
      isTerminal(pod({ status: { ...(phase && { phase }) } })),
    ),
  ).toEqual([true, true, false, false]);
  expect([podPriority(pod({})), podPriority(pod({ spec: { containers: [], priority: -5 } }))]).toEqual([
    0, -5,
  ]);
  const owner = (name: string, controller?: boolean) => ({
    apiVersion: 'v1',
    kind: 'X',
    uid: name,
    name,
    ...(controller !== undefined && { controller }),
  });
  expect(controllerOf({ ownerReferences: [owner('a'), owner('b', false), owner('c', true)] })?.name).toBe(
    'c',
  );
  expect(controllerOf({})).toBeUndefined();
  expect(
    allContainers(pod({ spec: { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }] } })).map(
      (x) => x.name,
    ),
  ).toEqual(['i', 'c']);
});

test('host ports of containers and sidecars', () => {
  const ports = hostPorts(
    pod({
      spec: {
        containers: [
          { name: 'c', ports: [{ containerPort: 80 }, { containerPort: 80, hostPort: 8080, hostIP: '' }] },
        ],
        initContainers: [
          { name: 'i', ports: [{ containerPort: 1, hostPort: 1 }] },
          {
            name: 's',
            restartPolicy: 'Always',
            ports: [{ containerPort: 53, hostPort: 53, protocol: 'UDP', hostIP: '10.0.0.1' }],
          },
        ],
      },
    }),
  );
  expect(ports).toEqual([
    { hostIP: '10.0.0.1', protocol: 'UDP', port: 53 },
    { hostIP: '0.0.0.0', protocol: 'TCP', port: 8080 },
  ]);
});

const port = (hostIP: string, protocol = 'TCP', number = 80) => ({ hostIP, protocol, port: number });
test.each([
  [port('0.0.0.0'), port('10.0.0.1'), true],
  [port('10.0.0.1'), port('10.0.0.1'), true],
  [port('10.0.0.1'), port('10.0.0.2'), false],
  [port('::'), port('10.0.0.2'), true],
  [port('0.0.0.0'), port('0.0.0.0', 'UDP'), false],
  [port('0.0.0.0'), port('0.0.0.0', 'TCP', 81), false],
])('%j and %j collide: %p', (a, b, collide) => {
  expect([hostPortsCollide(a, b), hostPortsCollide(b, a)]).toEqual([collide, collide]);
});

describe('conditions', () => {
  const t0 = timestamp(Date.UTC(2026, 0, 1, 0, 0, 0, 999));
  const ready: PodCondition = { type: 'Ready', status: 'False', reason: 'X', lastTransitionTime: t0 };

  test('a new one is appended with the current time', () => {
    expect(setCondition([ready], { type: 'B', status: 'True' }, 'now')).toEqual([
      ready,
      { type: 'B', status: 'True', lastTransitionTime: 'now' },
    ]);
    expect(setCondition(undefined, { type: 'B', status: 'True' }, 'now')).toHaveLength(1);
  });
  test('the transition time moves with the status alone', () => {
    expect(setCondition([ready], { type: 'Ready', status: 'False', reason: 'Y' }, 'now')).toEqual([
      { ...ready, reason: 'Y' },
    ]);
    expect(setCondition([ready], { type: 'Ready', status: 'True' }, 'now')).toEqual([
      { type: 'Ready', status: 'True', lastTransitionTime: 'now' },
    ]);
  });
  test('the same list when nothing changes', () => {
    const list = [ready];
    expect(setCondition(list, { reason: 'X', status: 'False', type: 'Ready', message: '' }, 'now')).toBe(
      list,
    );
  });
  test('lookup', () => {
    expect(getCondition([ready], 'Ready')).toBe(ready);
    expect([isConditionTrue([ready], 'Ready'), isConditionTrue(undefined, 'Ready')]).toEqual([false, false]);
  });
  test('times as the API writes them', () => {
    expect(t0).toBe('2026-01-01T00:00:00Z');
    expect(microTimestamp(Date.UTC(2026, 0, 1, 0, 0, 0, 7))).toBe('2026-01-01T00:00:00.007000Z');
  });
});
