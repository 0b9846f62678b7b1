import type { Container, Pod, PodStatus } from '../../api/types.ts';
import type { ContainerRuntimeStatus, PodRuntimeStatus, ProbeVerdicts } from '../contracts.ts';
import { podStatus, type PodStatusInput } from './pod_status.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const NOW = START + 60_000;

const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'img:1',
  ...more,
});

function pod(spec: Partial<Pod['spec']> = {}, status?: PodStatus): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', generation: 3 },
    spec: { restartPolicy: 'Always', containers: [container('a')], ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

const ran = (name: string, more: Partial<ContainerRuntimeStatus>): ContainerRuntimeStatus =>
  runtimeContainer(name, {
    createdAtMs: START,
    startedAtMs: START + 1999,
    finishedAtMs: more.state === 'exited' ? START + 5000 : 0,
    image: 'img:1',
    imageId: 'sha256:1',
    ...more,
  });
const exited = (name: string, exitCode: number, more: Partial<ContainerRuntimeStatus> = {}) =>
  ran(name, { state: 'exited', exitCode, ...more });

function runtime(
  containers: readonly ContainerRuntimeStatus[],
  ips: readonly string[] = ['10.0.0.9'],
): PodRuntimeStatus {
  return runtimePod(containers, { sandboxes: [runtimeSandbox({ createdAtMs: START, ips })] });
}

function compute(more: Partial<PodStatusInput> & { verdictsOf?: ProbeVerdicts } = {}): PodStatus {
  return podStatus({
    pod: pod(),
    runtime: undefined,
    runtimeName: 'containerd',
    waiting: () => undefined,
    verdicts: () => more.verdictsOf ?? {},
    started: () => true,
    terminationMessage: () => '',
    terminating: false,
    nowMs: NOW,
    hostIPs: ['192.0.2.1'],
    previous: undefined,
    startedAtMs: START,
    ended: false,
    ...more,
  });
}

const conditions = (status: PodStatus): Record<string, string> =>
  Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: s, reason }) => [
      type,
      reason === undefined ? s : `${s} ${reason}`,
    ]),
  );
const stateOf = (status: PodStatus, name = 'a') =>
  [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find((c) => c.name === name)
    ?.state;

describe('K4: all containers start over (KEP-5532)', () => {
  const restartPolicyRules = [
    { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
  ];
  const spec = {
    restartPolicy: 'Never',
    initContainers: [container('i')],
    containers: [container('a', { restartPolicy: 'Never', restartPolicyRules }), container('b')],
  };
  const BEGUN = 'RestartAllContainersStarted';
  const again = { createdAtMs: START + 9000, restartCount: 1 };
  const ended = { exitCode: 137, reason: 'RestartingAllContainers' };
  const due = { restartCount: 1, lastState: { terminated: ended } };
  const a = exited('a', 42);
  const b = exited('b', 137);
  const i = exited('i', 0, { finishedAtMs: START + 1000 });
  const seen = (status: PodStatus) => ({
    condition: conditions(status)['AllContainersRestarting'],
    phase: status.phase,
    of: [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])],
  });
  test.each<[string, ContainerRuntimeStatus[], string, object[]]>([
    [
      'nothing of the kind',
      [ran('a', {}), ran('b', {}), i],
      'False',
      [{ restartCount: 0 }, { restartCount: 0 }],
    ],
    [
      'one exited so, another still runs',
      [a, ran('b', {}), i],
      `True ${BEGUN}`,
      [
        { name: 'i', restartCount: 0 },
        { state: { terminated: { exitCode: 42 } } },
        { state: { running: {} } },
      ],
    ],
    [
      'all have ended',
      [a, b, i],
      `True ${BEGUN}`,
      ['i', 'a', 'b'].map((name) => ({
        name,
        ...due,
        state: { waiting: { reason: 'RestartingAllContainers' } },
      })),
    ],
    [
      'the first runs again',
      [ran('i', again), a, b, i],
      'False',
      [
        { name: 'i', ...due, state: { running: {} } },
        { name: 'a', ...due, state: { waiting: { reason: 'PodInitializing' } } },
        { name: 'b', ...due, state: { waiting: { reason: 'PodInitializing' } } },
      ],
    ],
    [
      'all run again',
      [ran('a', again), ran('b', again), exited('i', 0, again), a, b, i],
      'False',
      [{ ...due, state: { terminated: { exitCode: 0 } } }, { ...due, state: { running: {} } }, due],
    ],
    [
      'one that failed by itself since tells how',
      [
        ran('b', { ...again, createdAtMs: START + 9500, restartCount: 2 }),
        exited('b', 3, again),
        ran('a', again),
        exited('i', 0, again),
        a,
        b,
        i,
      ],
      'False',
      [due, due, { restartCount: 2, lastState: { terminated: { exitCode: 3, reason: 'Error' } } }],
    ],
  ])('%s', (_, containers, condition, of) => {
    const status = compute({ pod: pod(spec), runtime: runtime(containers) });
    const got = seen(status);
    expect(conditions(status)['Initialized']).toBe('True');
    expect(got.condition).toBe(condition);
    expect(got.phase).toBe('Running');
    expect(got.of.slice(0, of.length)).toMatchObject(of);
  });

  test('of a pod without such a rule the condition says nothing', () => {
    const plain = { ...spec, containers: [container('a')] };
    expect(conditions(compute({ pod: pod(plain), runtime: runtime([a, i]) }))).not.toHaveProperty(
      'AllContainersRestarting',
    );
  });
});

test.each<[string, number, number]>([
  ['three containers', 3, 4096],
  ['four', 4, 3072],
  ['twelve', 12, 1024],
])('K6: messages of a pod have 12 KiB together: of %s', (_, count, want) => {
  const names = Array.from({ length: count }, (_, i) => `c${i}`);
  const [init = '', ...regular] = names;
  const status = compute({
    pod: pod({ initContainers: [container(init)], containers: regular.map((name) => container(name)) }),
    runtime: runtime(names.map((name) => exited(name, 0))),
    terminationMessage: () => 'm'.repeat(4096),
  });
  const messages = names.map((name) => stateOf(status, name)?.terminated?.message?.length);
  expect(messages).toEqual(names.map(() => want));
});

test('K6: a message is not cut within a character', () => {
  const containers = Array.from({ length: 7 }, (_, i) => container(`c${i}`));
  const status = compute({
    pod: pod({ containers }),
    runtime: runtime([exited('c0', 0)]),
    terminationMessage: () => 'ä'.repeat(2000),
  });
  expect(stateOf(status, 'c0')?.terminated?.message).toBe('ä'.repeat(877));
});

test('the only try to start a container is not the one before it as well', () => {
  const failing = runtime([exited('a', 128, { reason: 'StartError' })]);
  const never = pod({ restartPolicy: 'Never' });
  const waiting = () => ({ reason: 'RunContainerError', message: 'no such file' });
  const first = compute({ pod: never, runtime: failing, waiting });
  const second = compute({ pod: never, runtime: failing, previous: first });
  expect(second.containerStatuses?.[0]).toMatchObject({
    state: { terminated: { exitCode: 128 } },
    lastState: {},
  });
});

test('before anything is there', () => {
  const status = compute();
  expect(status.phase).toBe('Pending');
  expect(stateOf(status)).toEqual({ waiting: { reason: 'ContainerCreating' } });
  expect(conditions(status)).toEqual({
    PodReadyToStartContainers: 'False',
    Initialized: 'True',
    Ready: 'False ContainersNotReady',
    ContainersReady: 'False ContainersNotReady',
    PodScheduled: 'True',
  });
  expect([status.startTime, status.qosClass, status.observedGeneration]).toEqual([
    '2026-01-01T00:00:00Z',
    'BestEffort',
    3,
  ]);
});

test('created and not yet started waits as before it was created', () => {
  const spec = { containers: [container('a')], initContainers: [container('i')] };
  const created = runtime([ran('i', { state: 'created', startedAtMs: 0 })]);
  const status = compute({ pod: pod(spec), runtime: created });
  expect(stateOf(status, 'i')).toEqual({ waiting: { reason: 'PodInitializing' } });
  const alone = compute({ runtime: runtime([ran('a', { state: 'created', startedAtMs: 0 })]) });
  expect(stateOf(alone)).toEqual({ waiting: { reason: 'ContainerCreating' } });
});

test('running', () => {
  const status = compute({ runtime: runtime([ran('a', {})]) });
  expect(status.phase).toBe('Running');
  expect(stateOf(status)).toEqual({ running: { startedAt: '2026-01-01T00:00:01Z' } });
  expect(conditions(status)).toEqual({
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  });
  expect(status).toMatchObject({
    podIP: '10.0.0.9',
    podIPs: [{ ip: '10.0.0.9' }],
    hostIP: '192.0.2.1',
    containerStatuses: [
      { containerID: 'containerd://a-id', ready: true, started: true, restartCount: 0, lastState: {} },
    ],
  });
});

test.each<[string, Partial<Container>, ProbeVerdicts, boolean]>([
  ['no probe: ready at once', {}, {}, true],
  ['readiness without a verdict: not ready', { readinessProbe: {} }, {}, false],
  ['readiness passed', { readinessProbe: {} }, { readiness: true }, true],
  ['readiness failed', { readinessProbe: {} }, { readiness: false }, false],
])('%s', (_, probes, verdictsOf, ready) => {
  const status = compute({
    pod: pod({ containers: [container('a', probes)] }),
    runtime: runtime([ran('a', {})]),
    verdictsOf,
  });
  expect(status.containerStatuses?.[0]?.ready).toBe(ready);
});

test.each<[string, string, ContainerRuntimeStatus[], string]>([
  ['exited 0, Never', 'Never', [exited('a', 0)], 'Succeeded'],
  ['exited 1, Never', 'Never', [exited('a', 1)], 'Failed'],
  ['exited 0, OnFailure', 'OnFailure', [exited('a', 0)], 'Succeeded'],
  ['exited 1, OnFailure', 'OnFailure', [exited('a', 1)], 'Running'],
  ['exited 0, Always', 'Always', [exited('a', 0)], 'Running'],
])('phase: %s', (_, restartPolicy, containers, phase) => {
  expect(compute({ pod: pod({ restartPolicy }), runtime: runtime(containers) }).phase).toBe(phase);
});

test.each([
  [0, '', 'Completed'],
  [2, '', 'Error'],
  [137, 'OOMKilled', 'OOMKilled'],
])('exit code %d, reason %j shows %s', (exitCode, reason, want) => {
  const status = compute({
    pod: pod({ restartPolicy: 'Never' }),
    runtime: runtime([exited('a', exitCode, { reason })]),
  });
  expect(stateOf(status)?.terminated).toMatchObject({ exitCode, reason: want });
});

test('crash loop: waiting, with the exit as last state', () => {
  const status = compute({
    runtime: runtime([exited('a', 1, { restartCount: 2 })]),
    waiting: () => ({ reason: 'CrashLoopBackOff', message: 'back-off 20s' }),
    terminationMessage: () => 'oops\n',
  });
  expect(status.containerStatuses?.[0]).toMatchObject({
    restartCount: 2,
    ready: false,
    started: false,
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } },
    lastState: {
      terminated: { exitCode: 1, reason: 'Error', message: 'oops\n', containerID: 'containerd://a-id' },
    },
  });
  expect(status.phase).toBe('Running');
});

test('restarted: the incarnation before is the last state', () => {
  const status = compute({
    runtime: runtime([ran('a', { id: 'second', restartCount: 1 }), exited('a', 3, { id: 'first' })]),
  });
  expect(status.containerStatuses?.[0]).toMatchObject({
    containerID: 'containerd://second',
    lastState: { terminated: { exitCode: 3, containerID: 'containerd://first' } },
  });
});

describe('init containers', () => {
  const spec = { initContainers: [container('i'), container('s', { restartPolicy: 'Always' })] };

  test('waiting for them', () => {
    const status = compute({ pod: pod(spec), runtime: runtime([ran('i', {})]) });
    expect([status.phase, stateOf(status)]).toEqual(['Pending', { waiting: { reason: 'PodInitializing' } }]);
    expect(status.conditions?.find(({ type }) => type === 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [i s]',
    });
  });

  test('done: initialized, sidecars count for readiness', () => {
    const status = compute({
      pod: pod(spec),
      runtime: runtime([ran('a', {}), ran('s', {}), exited('i', 0)]),
    });
    expect(conditions(status)).toMatchObject({ Initialized: 'True', Ready: 'True' });
    const without = compute({
      pod: pod(spec),
      runtime: runtime([ran('a', {}), exited('s', 1), exited('i', 0)]),
    });
    expect(without.conditions?.find(({ type }) => type === 'Ready')?.message).toBe(
      'containers with unready status: [s]',
    );
  });

  test('failed for good: the regular ones never had their turn', () => {
    const failed = { ...spec, restartPolicy: 'Never' };
    const status = compute({ pod: pod(failed), runtime: runtime([exited('i', 1)]), ended: true });
    expect([status.phase, stateOf(status)]).toEqual(['Failed', { waiting: { reason: 'PodInitializing' } }]);
  });
});

describe('transition times', () => {
  const before = compute({ runtime: runtime([ran('a', {})]), nowMs: START });

  test('stay while the status stays', () => {
    const after = compute({ runtime: runtime([ran('a', {})]), previous: before });
    expect(
      after.conditions?.every(({ lastTransitionTime }) => lastTransitionTime === '2026-01-01T00:00:00Z'),
    ).toBe(true);
  });

  test('move with the status', () => {
    const after = compute({ runtime: runtime([exited('a', 1)]), previous: before });
    expect(after.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime).toBe(
      '2026-01-01T00:01:00Z',
    );
  });
});

test("others' conditions stay, readiness gates count", () => {
  const gate = { type: 'example.com/gate', status: 'False' };
  const gated = pod({ readinessGates: [{ conditionType: gate.type }] }, { conditions: [gate] });
  const status = compute({ pod: gated, runtime: runtime([ran('a', {})]) });
  expect(status.conditions).toContainEqual(gate);
  expect(conditions(status)).toMatchObject({
    ContainersReady: 'True',
    Ready: 'False ReadinessGatesNotReady',
  });
});

test('a phase that is final stays final', () => {
  const previous: PodStatus = { phase: 'Failed', reason: 'Evicted', message: 'm' };
  const status = compute({ runtime: runtime([ran('a', {})]), previous });
  expect([status.phase, status.reason, status.message]).toEqual(['Failed', 'Evicted', 'm']);
});

test('deleted while it ran: containers that the runtime lost ended with 137', () => {
  const previous = compute({ runtime: runtime([ran('a', {})]) });
  const status = compute({ runtime: undefined, previous, terminating: true, ended: true });
  expect(stateOf(status)?.terminated).toMatchObject({ exitCode: 137, reason: 'ContainerStatusUnknown' });
  expect(status.podIP).toBe('10.0.0.9');
});

test('lost by the runtime while it should run: the count goes on', () => {
  const previous = compute({ runtime: runtime([ran('a', { restartCount: 4 })]) });
  const status = compute({ runtime: runtime([]), previous });
  expect(status.containerStatuses?.[0]).toMatchObject({ restartCount: 5, state: { waiting: {} } });
});

test('refused by the node: nothing but that', () => {
  const verdict = { phase: 'Failed', reason: 'OutOfcpu', message: 'Pod was rejected: ...' } as const;
  expect(compute({ verdict, rejected: true, ended: true })).toEqual({
    observedGeneration: 3,
    ...verdict,
    startTime: '2026-01-01T00:00:00Z',
    qosClass: 'BestEffort',
  });
});

describe('ended by the kubelet for the sake of others', () => {
  const verdict = {
    phase: 'Failed',
    reason: 'Evicted',
    message: 'The node was low on resource: memory. ',
    disruption: 'TerminationByKubelet',
  } as const;

  test('while it still runs it is not Failed, and its condition tells', () => {
    const status = compute({ verdict, runtime: runtime([ran('a', {})]), terminating: true });
    expect([status.phase, status.reason]).toEqual(['Running', undefined]);
    expect(status.conditions).toContainEqual({
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'TerminationByKubelet',
      message: verdict.message,
      observedGeneration: 3,
      lastTransitionTime: '2026-01-01T00:01:00Z',
    });
  });

  test('when nothing of it runs any more it is', () => {
    const status = compute({ verdict, runtime: runtime([exited('a', 137)]), terminating: true, ended: true });
    expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: verdict.message });
    expect(conditions(status)['DisruptionTarget']).toBe('True TerminationByKubelet');
  });
});

describe('resized in place', () => {
  const spec = {
    containers: [
      {
        name: 'a',
        image: 'img:1',
        resources: { requests: { cpu: '200m', memory: '32Mi' }, limits: { cpu: '300m' } },
      },
    ],
  };
  const resizing = { type: 'PodResizeInProgress', status: 'True' };

  test('shows what was granted, what it was last set to, and that it is under way', () => {
    const status = compute({
      pod: pod(spec),
      runtime: runtime([ran('a', {})]),
      actuated: () => ({ requests: { cpu: '100m', memory: '32Mi' } }),
      resizeConditions: [resizing],
    });
    expect(status.containerStatuses?.[0]).toMatchObject({
      allocatedResources: { cpu: '200m', memory: '32Mi' },
      resources: { requests: { cpu: '100m', memory: '32Mi' } },
    });
    expect(status).toMatchObject({
      allocatedResources: { cpu: '200m', memory: '32Mi' },
      resources: { requests: { cpu: '100m', memory: '32Mi' } },
    });
    expect(status.conditions?.[0]).toEqual(resizing);
  });

  test('of a pod with resources of its own, containers show no more than they ask for', () => {
    const whole = { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '3' } };
    const limits = { cpu: '2' };
    const containers = [
      { name: 'bare', image: 'img:1', resources: {} },
      { name: 'own', image: 'img:1', resources: { limits: { memory: '64Mi' } } },
    ];
    const status = compute({
      pod: pod({ containers, resources: whole }),
      runtime: runtime([ran('bare', {}), ran('own', {})]),
      actuated: (name) => ({ limits: name === 'bare' ? limits : { ...limits, memory: '64Mi' } }),
      actuatedPod: { ...whole, limits },
    });
    expect(status.containerStatuses?.map(({ resources }) => resources)).toEqual([
      {},
      { limits: { cpu: '2', memory: '64Mi' } },
    ]);
    expect(status).toMatchObject({
      allocatedResources: whole.requests,
      resources: { requests: whole.requests, limits: { cpu: '2' } },
    });
  });

  test('limits that containers have from their pod are not added up', () => {
    const containers = ['a', 'b'].map((name) => ({ name, image: 'img:1', resources: {} }));
    const status = compute({
      pod: pod({ containers, resources: { limits: { cpu: '2' } } }),
      runtime: runtime([ran('a', {}), ran('b', {})]),
      actuated: () => ({ limits: { cpu: '2' } }),
      actuatedPod: {},
    });
    expect(status.resources).toEqual({});
  });

  test('what does not run has what it was granted', () => {
    const once = { name: 'once', image: 'img:1', resources: { requests: { cpu: '500m' } } };
    const status = compute({
      pod: pod({ ...spec, initContainers: [once] }),
      runtime: runtime([ran('a', {}), exited('once', 0)]),
      actuated: () => ({ requests: { cpu: '100m' } }),
    });
    expect(status.initContainerStatuses?.[0]?.resources).toEqual(once.resources);
    expect(status.resources?.requests).toEqual({ cpu: '500m' });
  });

  test('what is over is not kept as the condition of somebody else', () => {
    const base = pod(spec);
    const status = compute({
      pod: { ...base, status: { conditions: [resizing] } },
      runtime: runtime([ran('a', {})]),
      resizeConditions: [],
    });
    expect(status.conditions?.map(({ type }) => type)).not.toContain('PodResizeInProgress');
  });
});

test('host network: the node is the address', () => {
  const status = compute({
    pod: pod({ hostNetwork: true }),
    runtime: runtime([ran('a', {})], []),
    hostIPs: ['192.0.2.1', '2001:db8::1'],
  });
  expect(status.podIPs).toEqual([{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }]);
});
