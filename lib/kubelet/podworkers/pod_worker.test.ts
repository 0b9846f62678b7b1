import type { Pod, PodStatus } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { WallStamps } from '../../base/wall_stamps.ts';
import { type ContainerRuntimeStatus, type PodRuntimeStatus, VolumeError } from '../contracts.ts';
import { MemoryTimeline } from '../explain/timeline.ts';
import { containerHash } from '../runtime/runtime_names.ts';
import { ContainerStartError } from '../runtime/start_error.ts';
import { PodWorker, type PodVerdict, type PodWorkerOptions } from './pod_worker.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const spec = {
  restartPolicy: 'Never',
  terminationGracePeriodSeconds: 30,
  containers: [{ name: 'a', image: 'img:1' }],
};
const NO_RESIZE: PodWorkerOptions['resize'] = {
  steps: () => undefined,
  apply: () => Promise.resolve(),
  started: () => undefined,
  conditions: () => [],
  actuated: () => undefined,
  actuatedPod: () => undefined,
};

const NO_PROBES: PodWorkerOptions['probes'] = {
  podAdded: () => undefined,
  podTerminating: () => undefined,
  podRemoved: () => undefined,
  verdicts: () => ({}),
  started: () => true,
};

const ref = { uid: 'u', namespace: 'ns', name: 'p' };
const pod = (
  more: Partial<Pod['metadata']> = {},
  specMore: Partial<Pod['spec']> = {},
  status?: PodStatus,
): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u', ...more },
  spec: { ...spec, ...specMore },
  ...(status === undefined ? {} : { status }),
});
const deleted = (seconds: number): Pod =>
  pod({
    deletionTimestamp: new Date(START + seconds * 1000).toISOString(),
    deletionGracePeriodSeconds: seconds,
  });

function runtime(state: ContainerRuntimeStatus['state'], exitCode = 0): PodRuntimeStatus {
  const container = runtimeContainer('a', {
    id: 'c1',
    sandboxId: 's1',
    state,
    hash: containerHash({ name: 'a', image: 'img:1' }),
    createdAtMs: START,
    startedAtMs: START,
    finishedAtMs: state === 'exited' ? START : 0,
    exitCode,
    image: 'img:1',
  });
  const ready = state === 'exited' ? 'notready' : 'ready';
  return runtimePod([container], {
    sandboxes: [runtimeSandbox({ id: 's1', state: ready, createdAtMs: START })],
  });
}

/** A worker over fakes; `did` tells what it asked of them, in order. */
function scene(first: Pod | undefined, more: Partial<PodWorkerOptions> = {}, initial?: PodRuntimeStatus) {
  const clock = new FakeClock(START);
  const did: string[] = [];
  const statuses: PodStatus[] = [];
  const events: string[] = [];
  let status = initial;
  const timeline = new MemoryTimeline(clock);
  const options: PodWorkerOptions = {
    clock,
    stamps: new WallStamps(clock),
    log: new RecordingLog(),
    cache: { podStatus: () => status, inspect: () => Promise.resolve() },
    sync: {
      apply: () => {
        did.push('start');
        status = runtime('running');
        return Promise.resolve({ changed: true, failures: new Map<string, ContainerStartError>() });
      },
    },
    stop: {
      stopPod: (_pod, _status, grace) => {
        did.push(`stop ${grace ?? 'own'}`);
        status = runtime('exited', 143);
        return Promise.resolve();
      },
    },
    images: { forget: () => undefined },
    volumes: {
      mountPod: () => {
        did.push('mount');
        return Promise.resolve({
          containerMounts: () => Promise.reject(new Error('unused')),
          supplementalGroups: [],
        });
      },
      unmountPod: () => {
        did.push('unmount');
        return Promise.resolve();
      },
    },
    cgroups: {
      ensure: () => Promise.resolve(),
      parentOf: () => '/kubepods/podu',
      remove: () => {
        did.push('remove cgroup');
        return Promise.resolve();
      },
    },
    probes: NO_PROBES,
    statuses: {
      set: (_pod, set) => statuses.push(set),
      get: () => statuses.at(-1),
      flushed: () => {
        did.push(`flush ${statuses.at(-1)?.phase ?? ''}`);
        return Promise.resolve();
      },
    },
    messages: { of: () => '' },
    remover: {
      remove: () => {
        did.push('remove remains');
        status = undefined;
        return Promise.resolve();
      },
    },
    events: {
      pod: (_pod, _type, reason) => events.push(reason),
      container: (_pod, _name, _type, reason) => events.push(reason),
      node: () => undefined,
    },
    timeline,
    backoff: { initialMs: 10_000, maxMs: 300_000 },
    runtimeName: () => 'containerd',
    hostIPs: () => ['192.0.2.1'],
    networkProblem: () => undefined,
    supports: () => undefined,
    admit: () => undefined,
    admitted: () => undefined,
    resize: NO_RESIZE,
    predecessor: () => false,
    deleteFromApi: () => {
      did.push('delete from API');
      return Promise.resolve();
    },
    removed: () => did.push('gone'),
    ...more,
  };
  const worker = new PodWorker(ref, first, options);
  const stop = new AbortController();
  const running = worker.run(stop.signal);
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await Promise.resolve();
  };
  return {
    worker,
    clock,
    did,
    statuses,
    events,
    timeline,
    settle,
    setRuntime: (next: PodRuntimeStatus | undefined) => {
      status = next;
      worker.wake();
      return settle();
    },
    last: () => statuses.at(-1),
    end: async () => {
      stop.abort();
      await running;
    },
  };
}

test('K5: from start to success: volumes and cgroup go, the pod stays in the API', async () => {
  const s = scene(pod());
  await s.settle();
  expect([s.did, s.worker.state, s.last()?.phase]).toEqual([['mount', 'start'], 'syncing', 'Running']);
  await s.setRuntime(runtime('exited', 0));
  expect(s.last()?.phase).toBe('Succeeded');
  expect([s.did.slice(2), s.worker.state]).toEqual([
    ['unmount', 'remove cgroup', 'flush Succeeded'],
    'terminated',
  ]);
  await s.end();
});

test('K13: a pod that takes its time to end is shown unready as soon as its readiness probe fails', async () => {
  let readiness = true;
  const ended = Promise.withResolvers<void>();
  const probed = { name: 'a', image: 'img:1', readinessProbe: { tcpSocket: { port: 80 } } };
  const s = scene(
    pod({}, { containers: [probed] }),
    {
      probes: { ...NO_PROBES, verdicts: () => ({ readiness }) },
      stop: { stopPod: () => ended.promise },
    },
    runtime('running'),
  );
  await s.settle();
  s.worker.update({ ...deleted(300), spec: { ...spec, containers: [probed] } });
  await s.settle();
  const isReady = (): boolean | undefined => s.last()?.containerStatuses?.[0]?.ready;
  expect([s.worker.state, isReady()]).toEqual(['terminating', true]);
  readiness = false;
  s.worker.wake();
  expect([s.worker.state, isReady(), s.last()?.phase]).toEqual(['terminating', false, 'Running']);
  ended.resolve();
  await s.end();
});

test('K5: deletion: containers, volumes, cgroup, final status, and only then the API; the rest when it is gone there', async () => {
  const s = scene(pod(), {}, runtime('running'));
  await s.settle();
  s.worker.update(deleted(5));
  await s.settle();
  expect(s.did).toEqual(['mount', 'stop 5', 'unmount', 'remove cgroup', 'flush Failed', 'delete from API']);
  expect(s.last()?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(143);
  s.did.length = 0;
  s.worker.sourceGone();
  await s.settle();
  expect([s.did, s.worker.state]).toEqual([
    ['unmount', 'remove cgroup', 'remove remains', 'gone'],
    'removed',
  ]);
  await s.end();
});

test('K5: a shorter grace period interrupts the stop and begins it anew', async () => {
  const graces: (number | undefined)[] = [];
  const s = scene(
    pod(),
    {
      stop: {
        stopPod: (_pod, _status, grace, signal) => {
          graces.push(grace);
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted', { cause: signal.reason })));
          });
        },
      },
    },
    runtime('running'),
  );
  await s.settle();
  s.worker.update(deleted(30));
  await s.settle();
  s.worker.update(deleted(30)); // no news
  await s.settle();
  s.worker.update(deleted(1));
  await s.settle();
  expect(graces).toEqual([30, 1]);
  await s.end();
});

test('K5: a deletion begun before this kubelet gets what is left of its grace period', async () => {
  const s = scene(undefined);
  await s.end();
  const late = scene(
    pod({ deletionTimestamp: new Date(START + 4000).toISOString(), deletionGracePeriodSeconds: 60 }),
    {},
    runtime('running'),
  );
  await late.settle();
  expect(late.did[0]).toBe('stop 4');
  await late.end();
});

test('K5: deletion interrupts a start under way', async () => {
  const s = scene(pod(), {
    sync: {
      apply: (_pod, _parent, _actions, _volumes, _progress, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted', { cause: signal.reason })));
        }),
    },
  });
  await s.settle();
  expect(s.did).toEqual(['mount']);
  s.worker.update(deleted(30));
  await s.settle();
  expect(s.did).toEqual(['mount', 'unmount', 'remove cgroup', 'flush Failed', 'delete from API']);
  await s.end();
});

test('K31: a kubelet restarted beside a running pod touches nothing', async () => {
  const s = scene(
    pod(),
    { admit: () => ({ phase: 'Failed', reason: 'OutOfcpu', message: 'm' }) },
    runtime('running'),
  );
  await s.settle();
  // Its volumes are looked after by this kubelet from now on.
  expect([s.did, s.last()?.phase]).toEqual([['mount'], 'Running']);
  await s.end();
});

test('K12: a kubelet restarted beside a pod that it cannot run as it is meant ends it', async () => {
  const verdict: PodVerdict = { phase: 'Failed', reason: 'PodFeatureUnsupported', message: 'm' };
  const s = scene(pod(), { supports: () => verdict }, runtime('running'));
  await s.settle();
  expect(s.did.slice(0, 1)).toEqual(['stop own']);
  expect(s.last()).toMatchObject({ ...verdict, containerStatuses: [{ name: 'a' }] });
  expect(s.events).toEqual(['PodFeatureUnsupported']);
  await s.end();
});

test('K12: refused by the node: failed, nothing is done for it', async () => {
  const verdict: PodVerdict = { phase: 'Failed', reason: 'OutOfcpu', message: 'Pod was rejected: no room' };
  const s = scene(pod(), { admit: () => verdict });
  await s.settle();
  expect(s.last()).toMatchObject(verdict);
  expect([s.did.includes('start'), s.events]).toEqual([false, ['OutOfcpu']]);
  await s.end();
});

test.each<[string, PodStatus]>([
  [
    'refused',
    {
      phase: 'Failed',
      reason: 'NodeAffinity',
      message: 'Pod was rejected: no',
      startTime: '2026-01-01T00:00:00Z',
    },
  ],
  [
    'done',
    {
      phase: 'Succeeded',
      containerStatuses: [{ name: 'a', image: 'i', imageID: '', ready: false, restartCount: 3 }],
    },
  ],
])('K12: a pod that was %s before the kubelet began keeps the status that the API has', async (_, status) => {
  const s = scene(pod({}, {}, status));
  await s.settle();
  expect(new Set(s.statuses)).toEqual(new Set([status]));
  expect([s.worker.state, s.did.includes('start')]).toEqual(['terminated', false]);
  await s.end();
});

test('K5: activeDeadlineSeconds ends it as failed', async () => {
  const s = scene(pod({}, { activeDeadlineSeconds: 10 }), {}, runtime('running'));
  await s.settle();
  expect(s.did).toEqual(['mount']);
  await s.clock.advance(10_000);
  await s.settle();
  expect(s.did[1]).toBe('stop own');
  expect(s.last()).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
  await s.end();
});

test('K11, K15: a volume that cannot be mounted: event, retry with back-off, no container', async () => {
  let tries = 0;
  const s = scene(pod(), {
    volumes: {
      mountPod: () => {
        tries++;
        return Promise.reject(new VolumeError('no such thing'));
      },
      unmountPod: () => Promise.resolve(),
    },
  });
  await s.settle();
  expect([tries, s.events, s.did]).toEqual([1, ['FailedMount'], []]);
  expect(s.timeline.explain('ns', 'p')?.waitingFor).toMatch(/^volumes: no such thing(, 1s left)?$/);
  await s.clock.advance(1300);
  await s.settle();
  expect(tries).toBe(2);
  await s.clock.advance(1000);
  await s.settle();
  expect(tries).toBe(2); // the second wait is longer
  await s.end();
});

test('K14: an image that is waited for is tried again when its back-off ends, and shown meanwhile', async () => {
  let tries = 0;
  const s = scene(pod(), {
    sync: {
      apply: (_pod, _parent, actions, _volumes, progress) => {
        tries++;
        const failure = new ContainerStartError('ImagePullBackOff', 'later', { retryAfterMs: 40_000 });
        for (const { container } of actions.start) progress.waiting(container.name, failure);
        return Promise.resolve({ changed: true, failures: new Map([['a', failure]]) });
      },
    },
  });
  await s.settle();
  expect(s.last()?.containerStatuses?.[0]?.state?.waiting).toEqual({
    reason: 'ImagePullBackOff',
    message: 'later',
  });
  expect(s.timeline.explain('ns', 'p')?.waitingFor).toBe('a: ImagePullBackOff (later), 40s left');
  await s.clock.advance(39_000);
  await s.settle();
  expect(tries).toBe(1);
  await s.clock.advance(1100);
  await s.settle();
  expect(tries).toBe(2);
  await s.end();
});

/** `apply` as it ends when a container cannot be started. */
const failing =
  (error: ContainerStartError, tries: string[]): PodWorkerOptions['sync']['apply'] =>
  (_pod, _parent, actions, _volumes, progress) => {
    tries.push(actions.start.map(({ container }) => container.name).join());
    for (const { container } of actions.start) progress.waiting(container.name, error);
    return Promise.resolve({ changed: true, failures: new Map([['a', error]]) });
  };

test('K4: a failed start is not tried again because its own status comes back, nor for anything else that happens', async () => {
  const tries: string[] = [];
  const error = new ContainerStartError('CreateContainerConfigError', 'configmap "x" not found');
  const s = scene(
    pod(),
    { sync: { apply: failing(error, tries) }, random: () => 0 },
    { ...runtime('running'), containers: [] },
  );
  await s.settle();
  s.worker.update(pod({ resourceVersion: '2' }, {}, s.last()));
  await s.settle();
  s.worker.update(pod({ resourceVersion: '3', labels: { a: 'b' } }, {}, s.last()));
  await s.settle();
  await s.clock.advance(9900);
  expect([tries, s.last()?.containerStatuses?.[0]?.state?.waiting?.reason]).toEqual([
    ['a'],
    'CreateContainerConfigError',
  ]);
  await s.clock.advance(100);
  await s.settle();
  expect(tries).toEqual(['a', 'a']);
  s.worker.update(pod({}, { containers: [{ name: 'a', image: 'img:2' }] }));
  await s.settle();
  expect(tries.length).toBe(3); // another image: at once
  await s.end();
});

test('K10: its own status come back is not even looked at', async () => {
  const s = scene(pod(), {}, runtime('running'));
  await s.settle();
  const before = s.statuses.length;
  s.worker.update(pod({ resourceVersion: '2' }, {}, s.last()));
  await s.settle();
  expect(s.statuses.length).toBe(before);
  await s.end();
});

test.each<[string, string, object]>([
  ['Never', 'Failed', { terminated: { exitCode: 128 } }],
  ['Always', 'Running', { waiting: { reason: 'CrashLoopBackOff' } }],
])(
  'a container that the runtime could not start, restartPolicy %s: %s',
  async (restartPolicy, phase, state) => {
    const tries: string[] = [];
    const error = new ContainerStartError('RunContainerError', 'exec: "no": executable file not found');
    // As a runtime has it: the sandbox goes on.
    const ended = runtime('exited', 128).containers.map((c) => ({ ...c, restartCount: 1 }));
    const s = scene(pod({}, { restartPolicy }), {
      stop: { stopPod: () => Promise.resolve() },
      sync: {
        apply: async (...args) => {
          const outcome = await failing(error, tries)(...args);
          void s.setRuntime({ ...runtime('running'), containers: ended });
          return outcome;
        },
      },
    });
    await s.settle();
    expect(tries).toEqual(['a']);
    expect(s.last()).toMatchObject({ containerStatuses: [{ state }] });
    expect(s.last()?.phase).toBe(phase);
    await s.end();
  },
);

test('K4: what cannot be set up is not tried again whatever happens, until its time or a change of the pod', async () => {
  let tries = 0;
  const s = scene(pod(), {
    random: () => 0,
    volumes: {
      mountPod: () => {
        tries++;
        return Promise.reject(new VolumeError('no such thing'));
      },
      unmountPod: () => Promise.resolve(),
    },
  });
  await s.settle();
  for (let i = 0; i < 5; i++) {
    s.worker.wake();
    s.worker.update(pod({ resourceVersion: String(i) }));
    await s.settle();
  }
  expect([tries, s.events]).toEqual([1, ['FailedMount']]);
  s.worker.update(pod({ annotations: { a: 'b' } }));
  await s.settle();
  expect(tries).toBe(2);
  await s.clock.advance(1999);
  expect(tries).toBe(2);
  await s.clock.advance(1);
  await s.settle();
  expect(tries).toBe(3);
  await s.end();
});

test('K2, K11: no network yet: looked at every second, not at ever longer intervals', async () => {
  let problem: string | undefined = 'cni config uninitialized';
  const s = scene(pod(), { networkProblem: () => problem });
  await s.settle();
  for (let i = 0; i < 8; i++) await s.clock.advance(1000);
  expect(s.events).toEqual(Array.from({ length: 9 }, () => 'NetworkNotReady'));
  problem = undefined;
  await s.clock.advance(1000);
  await s.settle();
  expect(s.did).toEqual(['mount', 'start']);
  await s.end();
});

test('K4: crash loop: shown, and started again when the back-off ends', async () => {
  const s = scene(
    pod({}, { restartPolicy: 'Always' }),
    {},
    {
      ...runtime('running'),
      containers: runtime('exited', 1).containers.map((c) => ({ ...c, restartCount: 1 })),
    },
  );
  await s.settle();
  expect(s.last()?.containerStatuses?.[0]?.state?.waiting).toEqual({
    reason: 'CrashLoopBackOff',
    message: 'back-off 10s restarting failed container=a pod=p_ns(u)',
  });
  expect([s.did, s.events]).toEqual([['mount'], ['BackOff']]);
  await s.clock.advance(10_000);
  await s.settle();
  expect(s.did).toEqual(['mount', 'mount', 'start']);
  await s.end();
});

test('K31: a pod that nothing but the runtime knows is stopped and removed', async () => {
  const s = scene(undefined, {}, runtime('running'));
  await s.settle();
  expect(s.did).toEqual(['stop own', 'unmount', 'remove cgroup', 'remove remains', 'gone']);
  expect(s.statuses).toEqual([]);
  await s.end();
});

test('K5: what cannot be unmounted is tried again; nothing is removed before', async () => {
  let tries = 0;
  const s = scene(
    deleted(1),
    {
      volumes: {
        mountPod: () => Promise.reject(new Error('unused')),
        unmountPod: () => (++tries < 3 ? Promise.reject(new VolumeError('busy')) : Promise.resolve()),
      },
    },
    runtime('running'),
  );
  await s.settle();
  expect([tries, s.did]).toEqual([1, ['stop 1']]);
  await s.clock.advance(1300);
  await s.settle();
  await s.clock.advance(2600);
  await s.settle();
  expect([tries, s.did]).toEqual([3, ['stop 1', 'remove cgroup', 'flush Failed', 'delete from API']]);
  await s.end();
});

test('K1: waits for another version of the same static pod', async () => {
  let busy = true;
  const s = scene(pod(), { predecessor: () => busy });
  await s.settle();
  expect(s.did).toEqual([]);
  busy = false;
  await s.clock.advance(1000);
  await s.settle();
  expect(s.did).toEqual(['mount', 'start']);
  await s.end();
});

describe.each([
  ['an hour forwards', 3_600_000],
  ['an hour back', -3_600_000],
])('K31: the clock of the machine is set, %s', (_, step) => {
  test('a crash loop keeps its back-off', async () => {
    const ended = runtime('exited', 1).containers.map((c) => ({ ...c, restartCount: 1 }));
    const s = scene(
      pod({}, { restartPolicy: 'Always' }),
      {},
      {
        ...runtime('running'),
        containers: ended,
      },
    );
    await s.settle();
    await s.clock.advance(4000);
    s.clock.stepWall(step);
    s.worker.wake();
    await s.settle();
    await s.clock.advance(5999);
    await s.settle();
    expect(s.did).toEqual(['mount']);
    await s.clock.advance(1);
    await s.settle();
    expect(s.did).toEqual(['mount', 'mount', 'start']);
    await s.end();
  });

  test('activeDeadlineSeconds are seconds that passed', async () => {
    const s = scene(pod({}, { activeDeadlineSeconds: 10 }), {}, runtime('running'));
    await s.settle();
    s.clock.stepWall(step);
    s.worker.wake();
    await s.settle();
    await s.clock.advance(9999);
    await s.settle();
    expect(s.did).toEqual(['mount']);
    await s.clock.advance(1);
    await s.settle();
    expect([s.did[1], s.last()?.reason]).toEqual(['stop own', 'DeadlineExceeded']);
    await s.end();
  });
});
