import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog, RecordingLog } from '../../base/log.ts';
import { loadResizeState, NO_RESIZES, type ResizeState, saveResizeState } from './checkpoint.ts';
import { Resizes } from './resizes.ts';

function pod(cpu: string, generation = 1, over: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', generation, ...over },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu } } }] },
  };
}
const cpuOf = (found: Pod): string | undefined => found.spec.containers[0]?.resources?.requests?.['cpu'];

function setUp(state: ResizeState = NO_RESIZES) {
  const clock = new FakeClock();
  const events: string[] = [];
  const others: Pod[] = [];
  const retaken: Pod[] = [];
  let saved: ResizeState = state;
  const resizes = new Resizes({
    state,
    save: (next) => {
      saved = structuredClone(next);
      return Promise.resolve();
    },
    allocatable: () => ({ cpu: '2', memory: '1Gi' }),
    usesSwap: () => false,
    active: () => others,
    events: { pod: (_pod, _type, reason, message) => void events.push(`${reason}: ${message}`) },
    timeline: { record: () => undefined },
    clock,
    log: nullLog,
    retake: (waiting) => void retaken.push(waiting),
  });
  return { resizes, clock, events, others, retaken, saved: () => saved };
}

const SUMMARY = (cpu: string, generation: number): string =>
  `{"containers":[{"name":"c","resources":{"requests":{"cpu":"${cpu}"}}}],"generation":${generation}`;

test('K9: a pod has what it asked for when it came; more is granted where there is room', async () => {
  const { resizes, events, saved } = setUp();
  expect(cpuOf(resizes.take(pod('1')))).toBe('1');
  resizes.admitted(pod('1'));
  expect(cpuOf(resizes.take(pod('1500m', 2)))).toBe('1500m');
  expect(events).toEqual([`ResizeStarted: Pod resize started: ${SUMMARY('1500m', 2)}}`]);
  expect(resizes.conditions('u')).toMatchObject([{ type: 'PodResizeInProgress', observedGeneration: 2 }]);
  await resizes.saved();
  expect(saved().allocated.get('u')).toEqual({ containers: { c: { requests: { cpu: '1500m' } } }, pod: {} });
  resizes.completed(pod('1500m', 2));
  resizes.completed(pod('1500m', 2));
  expect(events.slice(1)).toEqual([`ResizeCompleted: Pod resize completed: ${SUMMARY('1500m', 2)}}`]);
  expect(resizes.conditions('u')).toEqual([]);
});

test('K9: without room it waits, and is granted when there is some', () => {
  const { resizes, events, others, retaken } = setUp();
  resizes.admitted(pod('1'));
  others.push(pod('1', 1, { uid: 'other' }));
  expect(cpuOf(resizes.take(pod('1500m', 2)))).toBe('1');
  expect(cpuOf(resizes.take(pod('1500m', 2)))).toBe('1');
  const message = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000";
  expect(events).toEqual([
    `ResizeDeferred: Pod resize OutOfcpu: ${SUMMARY('1500m', 2)},"error":"${message}"}`,
  ]);
  expect(resizes.conditions('u')).toMatchObject([{ type: 'PodResizePending', reason: 'Deferred', message }]);
  resizes.retry();
  expect(retaken).toEqual([]);
  others.pop();
  resizes.retry();
  expect(retaken.map(cpuOf)).toEqual(['1500m']);
  expect(cpuOf(resizes.take(pod('1500m', 2)))).toBe('1500m');
  expect(resizes.conditions('u')).toMatchObject([{ type: 'PodResizeInProgress' }]);
});

test('K9: a resize that is taken back waits no more', () => {
  const { resizes } = setUp();
  resizes.admitted(pod('1'));
  resizes.take(pod('5', 2));
  expect(resizes.conditions('u')).toMatchObject([{ type: 'PodResizePending', reason: 'Infeasible' }]);
  resizes.take(pod('1', 3));
  expect(resizes.conditions('u')).toEqual([]);
});

test('K9: the important are granted first, then the guaranteed, then who waits longest', async () => {
  const { resizes, clock, others, retaken } = setUp();
  const named = (uid: string, priority: number, qosClass: string, cpu: string): Pod => {
    const base = pod(cpu, 2, { uid });
    return { ...base, spec: { ...base.spec, priority }, status: { phase: 'Running', qosClass } };
  };
  others.push(pod('2', 1, { uid: 'full' }));
  for (const [uid, priority, qos] of [
    ['first', 1, 'Burstable'],
    ['second', 1, 'Burstable'],
    ['guaranteed', 1, 'Guaranteed'],
    ['high', 9, 'Burstable'],
  ] as const) {
    resizes.admitted(named(uid, priority, qos, '100m'));
    resizes.take(named(uid, priority, qos, '1'));
    await clock.advance(1000);
  }
  others.pop();
  resizes.retry();
  expect(retaken.map(({ metadata }) => metadata.uid)).toEqual(['high', 'guaranteed', 'first', 'second']);
});

test('K9: a pod that ends is not resized', () => {
  const { resizes, events } = setUp();
  resizes.admitted(pod('1'));
  const ending = pod('1500m', 2, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(cpuOf(resizes.take(ending))).toBe('1');
  expect(events).toEqual([]);
});

test('K9: what goes wrong is told once and shown', () => {
  const { resizes, events } = setUp();
  resizes.admitted(pod('1'));
  resizes.take(pod('1500m', 2));
  resizes.failed(pod('1500m', 2), 'too small');
  resizes.failed(pod('1500m', 2), 'too small');
  expect(events.slice(1)).toEqual([
    `ResizeError: Pod resize error: ${SUMMARY('1500m', 2)},"error":"too small"}`,
  ]);
  expect(resizes.conditions('u')).toMatchObject([{ reason: 'Error', message: 'too small' }]);
});

describe('K9: the checkpoint', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tsk-resize-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  test('a kubelet that was started anew keeps what was granted and goes on', async () => {
    const first = setUp();
    first.resizes.admitted(pod('1'));
    first.resizes.setActuated('u', 'c', { requests: { cpu: '1' } });
    await first.resizes.saved();
    await saveResizeState(root, first.saved());
    const second = setUp(await loadResizeState(root, nullLog));
    second.others.push(pod('2', 1, { uid: 'full' }));
    expect(cpuOf(second.resizes.take(pod('1500m', 2)))).toBe('1');
    expect(second.resizes.actuated('u', 'c')).toEqual({ requests: { cpu: '1' } });
    second.resizes.forget('u');
    await second.resizes.saved();
    expect(second.saved()).toEqual(NO_RESIZES);
  });

  test.each([
    '',
    '{',
    '{"version":1}',
    '{"version":1,"allocated":{"u":{"c":{"limits":{"cpu":1}}}},"actuated":{}}',
    '{"version":2,"allocated":{"u":{}},"actuated":{},"resizing":{}}',
    '{"version":2,"allocated":{},"actuated":{},"resizing":{"u":{"generation":1}}}',
  ])('K31: one that cannot be read is set aside: %j', async (text) => {
    const log = new RecordingLog();
    await writeFile(join(root, 'ts_kubelet_resize_state'), text);
    expect(await loadResizeState(root, log)).toEqual(NO_RESIZES);
    expect(log.messages).toEqual(['The checkpoint of resizes cannot be read; it is set aside']);
    expect(await readdir(root)).toEqual(['ts_kubelet_resize_state.corrupt']);
  });

  test('that of an older kubelet, which knew of containers alone, is read', async () => {
    const text = '{"version":1,"allocated":{"u":{"c":{"limits":{"cpu":"1"}}}},"actuated":{}}';
    await writeFile(join(root, 'ts_kubelet_resize_state'), text);
    const { allocated } = await loadResizeState(root, nullLog);
    expect(allocated.get('u')).toEqual({ containers: { c: { limits: { cpu: '1' } } } });
  });

  test('a resize that was under way when the kubelet was killed is still shown, and ends', async () => {
    const first = setUp();
    first.resizes.admitted(pod('1'));
    first.resizes.take(pod('1500m', 2));
    first.resizes.failed(pod('1500m', 2), 'not now');
    await first.resizes.saved();
    await saveResizeState(root, first.saved());
    const second = setUp(await loadResizeState(root, nullLog));
    expect(cpuOf(second.resizes.take(pod('1500m', 2)))).toBe('1500m');
    expect(second.resizes.actuating('u')).toBe(true);
    expect(second.resizes.conditions('u')).toMatchObject([
      { type: 'PodResizeInProgress', observedGeneration: 2, reason: 'Error', message: 'not now' },
    ]);
    second.resizes.failed(pod('1500m', 2), 'not now');
    second.resizes.completed(pod('1500m', 2));
    await second.resizes.saved();
    expect(second.events).toEqual([`ResizeCompleted: Pod resize completed: ${SUMMARY('1500m', 2)}}`]);
    expect(second.saved().resizing.size).toBe(0);
  });

  test("stock's is taken over", async () => {
    const data = JSON.stringify({
      entries: {
        u: { ContainerResources: { c: { requests: { cpu: '1' } } }, PodLevelResources: null },
        whole: { ContainerResources: { c: {} }, PodLevelResources: { limits: { cpu: '2' } } },
      },
    });
    await writeFile(join(root, 'allocated_pods_state'), JSON.stringify({ data, checksum: 1 }));
    const { allocated, actuated } = await loadResizeState(root, nullLog);
    expect(Object.fromEntries(allocated)).toEqual({
      u: { containers: { c: { requests: { cpu: '1' } } }, pod: {} },
      whole: { containers: { c: {} }, pod: { limits: { cpu: '2' } } },
    });
    expect(actuated.size).toBe(0);
  });
});
