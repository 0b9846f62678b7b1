import type { Container, Pod } from '../../api/types.ts';
import type {
  ContainerRuntimeState,
  ContainerRuntimeStatus,
  PodRuntimeStatus,
  ProbeVerdicts,
  SandboxRuntimeStatus,
} from '../contracts.ts';
import { withoutRestartAll } from './restart_round.ts';
import { podActions, type PodActions, type PodActionsInput } from './pod_actions.ts';
import { DEFAULT_RESTART_BACKOFF, type RestartBackoffEntry } from './restart_backoff.ts';
import { containerHash } from './runtime_names.ts';
import { runtimeContainer, runtimeSandbox } from '../testing/runtime_pod.ts';

const NOW = 1_000_000_000;

const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'img:1',
  ...more,
});
const sidecar = (name: string): Container => container(name, { restartPolicy: 'Always' });

function pod(spec: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { restartPolicy: 'Always', containers: [container('a')], ...spec },
  };
}

const sandbox = (more: Partial<SandboxRuntimeStatus> = {}) =>
  runtimeSandbox({ id: 's0', createdAtMs: 1, ...more });

/** An incarnation; exited ones ended just now after a second. */
const ran = (name: string, state: ContainerRuntimeState, more: Partial<ContainerRuntimeStatus> = {}) =>
  runtimeContainer(name, {
    sandboxId: 's0',
    state,
    hash: containerHash(container(name)),
    createdAtMs: NOW - 1000,
    startedAtMs: NOW - 1000,
    finishedAtMs: state === 'exited' ? NOW : 0,
    image: 'img:1',
    imageId: 'sha256:1',
    ...more,
  });

const failed = (name: string, more: Partial<ContainerRuntimeStatus> = {}) =>
  ran(name, 'exited', { exitCode: 1, ...more });
const succeeded = (name: string) => ran(name, 'exited');
const running = (name: string, more: Partial<ContainerRuntimeStatus> = {}) => ran(name, 'running', more);

interface Scene {
  readonly spec?: Partial<Pod['spec']>;
  /** `undefined`: the runtime has nothing. */
  readonly sandboxes?: readonly SandboxRuntimeStatus[];
  readonly containers?: readonly ContainerRuntimeStatus[];
  readonly verdicts?: Readonly<Record<string, ProbeVerdicts>>;
  readonly notStarted?: readonly string[];
  readonly backoff?: Readonly<Record<string, RestartBackoffEntry>>;
  readonly killedForRestart?: readonly string[];
  readonly resizeRestarts?: readonly string[];
  readonly lastRestartCount?: number;
  /** Milliseconds by container. */
  readonly held?: Readonly<Record<string, number>>;
}

function decide(scene: Scene): PodActions {
  const status: PodRuntimeStatus | undefined =
    scene.sandboxes === undefined && scene.containers === undefined
      ? undefined
      : {
          uid: 'u',
          namespace: 'ns',
          name: 'p',
          sandboxes: scene.sandboxes ?? [sandbox()],
          containers: scene.containers ?? [],
        };
  const input: PodActionsInput = {
    pod: pod(scene.spec),
    status,
    nowMs: NOW,
    verdicts: (name) => scene.verdicts?.[name] ?? {},
    started: (name) => scene.notStarted?.includes(name) !== true,
    backoff: ({ name }) => scene.backoff?.[name],
    policy: DEFAULT_RESTART_BACKOFF,
    holdMs: ({ name }) => scene.held?.[name] ?? 0,
    killedForRestart: (id) => scene.killedForRestart?.includes(id) === true,
    resizeRestarts: (name) => scene.resizeRestarts?.includes(name) === true,
    lastRestartCount: () => scene.lastRestartCount ?? -1,
  };
  return podActions(input);
}

/** The actions in short: `sandbox#1 killPod start a#0 kill b wait c`. */
function brief(actions: PodActions): string {
  return [
    ...(actions.killPod === undefined ? [] : ['killPod']),
    ...(actions.createSandbox === undefined ? [] : [`sandbox#${actions.createSandbox.attempt}`]),
    ...actions.kill.map((kill) => `kill ${kill.container.name}:${kill.reason}`),
    ...actions.start.map((start) => `start ${start.container.name}#${start.restartCount}`),
    ...actions.waiting.map((waiting) => `wait ${waiting.container.name}`),
    ...actions.held.map((held) => `hold ${held.container.name}`),
  ].join(' ');
}

const inits = [container('i1'), container('i2')];
const two = [container('a'), container('b')];
const recent: RestartBackoffEntry = { delayMs: 10_000, updatedAtMs: NOW - 2000 };

describe('K3, K4: the sandbox', () => {
  test.each<[string, Scene, string]>([
    [
      'nothing there: sandbox and all containers',
      { spec: { containers: two } },
      'sandbox#0 start a#0 start b#0',
    ],
    ['with init containers only the first', { spec: { initContainers: inits } }, 'sandbox#0 start i1#0'],
    ['a sidecar first', { spec: { initContainers: [sidecar('i1')] } }, 'sandbox#0 start i1#0'],
    ['ready and all running: nothing', { containers: [running('a')] }, ''],
    ['not ready: a new one', { sandboxes: [sandbox({ state: 'notready' })] }, 'killPod sandbox#1 start a#0'],
    [
      'attempts count on',
      { sandboxes: [sandbox({ state: 'notready', attempt: 7 })] },
      'killPod sandbox#8 start a#0',
    ],
    [
      'two ready: a new one',
      { sandboxes: [sandbox({ id: 's1', attempt: 1 }), sandbox()], containers: [running('a')] },
      'killPod sandbox#2 start a#1',
    ],
    ['without IP: a new one', { sandboxes: [sandbox({ ips: [] })] }, 'killPod sandbox#1 start a#0'],
    [
      'without IP on the host network: fine',
      {
        spec: { hostNetwork: true },
        sandboxes: [sandbox({ ips: [], hostNetwork: true })],
        containers: [running('a')],
      },
      '',
    ],
    [
      'of the wrong network mode: a new one',
      { spec: { hostNetwork: true }, containers: [running('a')] },
      'killPod sandbox#1 start a#1',
    ],
    [
      'a new one is not made when nothing is to run (Never)',
      {
        spec: { restartPolicy: 'Never' },
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [failed('a')],
      },
      'killPod',
    ],
    [
      'a new one is not made when all succeeded (OnFailure)',
      {
        spec: { restartPolicy: 'OnFailure' },
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [succeeded('a')],
      },
      'killPod',
    ],
    [
      'only what failed comes back in it (OnFailure)',
      {
        spec: { restartPolicy: 'OnFailure', containers: two },
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [succeeded('a'), failed('b')],
      },
      'killPod sandbox#1 start b#1',
    ],
    [
      'in back-off the sandbox waits as well',
      {
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [failed('a')],
        backoff: { a: recent },
      },
      'killPod wait a',
    ],
    [
      'init containers run again in a new sandbox',
      {
        spec: { initContainers: inits },
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [failed('a'), succeeded('i2'), succeeded('i1')],
      },
      'killPod sandbox#1 start i1#1',
    ],
    [
      'a pod whose init container failed for good stays down',
      {
        spec: { initContainers: inits, restartPolicy: 'Never' },
        sandboxes: [sandbox({ state: 'notready' })],
        containers: [failed('i1')],
      },
      'killPod',
    ],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));
});

describe('K3, K4: init containers', () => {
  const spec = { initContainers: inits };
  test.each<[string, Scene, string]>([
    ['none yet: the first', { spec, containers: [] }, 'start i1#0'],
    ['the first runs: wait', { spec, containers: [running('i1')] }, ''],
    ['the first succeeded: the second', { spec, containers: [succeeded('i1')] }, 'start i2#0'],
    [
      'both succeeded: the regular ones',
      { spec, containers: [succeeded('i2'), succeeded('i1')] },
      'start a#0',
    ],
    ['the first failed: again', { spec, containers: [failed('i1')] }, 'start i1#1'],
    [
      'failed under OnFailure: again',
      { spec: { ...spec, restartPolicy: 'OnFailure' }, containers: [failed('i1')] },
      'start i1#1',
    ],
    [
      'failed under Never: the pod is over',
      { spec: { ...spec, restartPolicy: 'Never' }, containers: [failed('i1')] },
      'killPod',
    ],
    ['failed twice: back-off', { spec, containers: [failed('i1')], backoff: { i1: recent } }, 'wait i1'],
    [
      'created and never started: anew, uncounted',
      { spec, containers: [ran('i1', 'created')] },
      'start i1#0',
    ],
    ['unknown: killed first', { spec, containers: [ran('i1', 'unknown')] }, 'kill i1:unknownState'],
    ['their remains gone, regular ones there: not run again', { spec, containers: [running('a')] }, ''],
    [
      'image changed while running: replaced',
      { spec, containers: [running('i1', { hash: '1' })] },
      'kill i1:specChanged',
    ],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));
});

describe('K3, K4: sidecars', () => {
  const spec = { initContainers: [sidecar('s'), container('i')] };
  test.each<[string, Scene, string]>([
    ['runs but has not started: the next waits', { spec, containers: [running('s')], notStarted: ['s'] }, ''],
    ['started: the next init container', { spec, containers: [running('s')] }, 'start i#0'],
    [
      'started and the rest done: regular ones',
      { spec, containers: [running('s'), succeeded('i')] },
      'start a#0',
    ],
    ['ended before the pod is initialized: again', { spec, containers: [succeeded('s')] }, 'start s#1'],
    [
      'ended while regular ones run: again, nothing else',
      { spec, containers: [succeeded('s'), succeeded('i'), running('a')] },
      'start s#1',
    ],
    [
      'ended and in back-off: regular ones go on',
      { spec, containers: [failed('s'), running('a')], backoff: { s: recent } },
      'wait s',
    ],
    [
      'comes back under Never as well',
      { spec: { ...spec, restartPolicy: 'Never' }, containers: [failed('s'), running('a')] },
      'start s#1',
    ],
    [
      'fails liveness: killed',
      { spec, containers: [running('s'), running('a')], verdicts: { s: { liveness: false } } },
      'kill s:livenessProbe',
    ],
    [
      'in back-off: does not keep a finished pod alive either',
      {
        spec: { ...spec, restartPolicy: 'Never' },
        containers: [failed('s'), succeeded('i'), succeeded('a')],
        backoff: { s: recent },
      },
      'killPod',
    ],
    [
      'does not keep a finished pod alive',
      {
        spec: { ...spec, restartPolicy: 'Never' },
        containers: [running('s'), succeeded('i'), succeeded('a')],
      },
      'killPod',
    ],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));
});

describe('K3, K4: regular containers', () => {
  test.each<[string, Scene, string]>([
    ['missing: started', { spec: { containers: two }, containers: [running('a')] }, 'start b#0'],
    ['exited 0 under Always: again', { containers: [succeeded('a')] }, 'start a#1'],
    ['exited 1 under Always: again', { containers: [failed('a')] }, 'start a#1'],
    [
      'exited 0 under OnFailure: done',
      { spec: { restartPolicy: 'OnFailure' }, containers: [succeeded('a')] },
      'killPod',
    ],
    [
      'exited 1 under OnFailure: again',
      { spec: { restartPolicy: 'OnFailure' }, containers: [failed('a')] },
      'start a#1',
    ],
    [
      'exited 1 under Never: done',
      { spec: { restartPolicy: 'Never' }, containers: [failed('a')] },
      'killPod',
    ],
    [
      'one done, one runs: nothing',
      { spec: { restartPolicy: 'Never', containers: two }, containers: [failed('a'), running('b')] },
      '',
    ],
    [
      'restart count goes on',
      {
        containers: [failed('a', { restartCount: 4 })],
        backoff: { a: { delayMs: 10_000, updatedAtMs: NOW - 700_000 } },
      },
      'start a#5',
    ],
    [
      'second exit: back-off',
      { containers: [failed('a', { restartCount: 1 })], backoff: { a: recent } },
      'wait a',
    ],
    [
      'back-off after a restart of the kubelet, from the restart count',
      { containers: [failed('a', { restartCount: 3 })] },
      'wait a',
    ],
    [
      'back-off holds one, the other is started',
      { spec: { containers: two }, containers: [failed('a')], backoff: { a: recent } },
      'start b#0 wait a',
    ],
    ['image changed: replaced', { containers: [running('a', { hash: '1' })] }, 'kill a:specChanged'],
    ['without a hash (another runtime user): left alone', { containers: [running('a', { hash: '' })] }, ''],
    [
      'liveness failed: killed',
      { containers: [running('a')], verdicts: { a: { liveness: false } } },
      'kill a:livenessProbe',
    ],
    [
      'startup failed: killed',
      { containers: [running('a')], verdicts: { a: { startup: false } } },
      'kill a:startupProbe',
    ],
    [
      'resized: killed where only a restart does it',
      { containers: [running('a')], resizeRestarts: ['a'] },
      'kill a:resize',
    ],
    ['readiness failed: nothing', { containers: [running('a')], verdicts: { a: { readiness: false } } }, ''],
    [
      'created and never started: anew, uncounted',
      { containers: [ran('a', 'created', { restartCount: 3 })] },
      'start a#3',
    ],
    ['unknown: killed first', { containers: [ran('a', 'unknown')] }, 'kill a:unknownState'],
    [
      'killed to be replaced comes back whatever its exit code',
      { spec: { restartPolicy: 'OnFailure' }, containers: [succeeded('a')], killedForRestart: ['a-id'] },
      'start a#1',
    ],
    ['lost by the runtime: count continued', { containers: [], lastRestartCount: 2 }, 'start a#3'],
    [
      'the newest incarnation counts',
      { containers: [running('a', { id: 'new', restartCount: 1 }), failed('a')] },
      '',
    ],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));

  test.each([
    ['In', [1, 2], 1, 'start a#1'],
    ['In', [2], 1, 'killPod'],
    ['NotIn', [2], 1, 'start a#1'],
    ['NotIn', [1], 1, 'killPod'],
  ])('restart rule %s %j against exit code %d', (operator, values, exitCode, want) => {
    const rules = [{ action: 'Restart', exitCodes: { operator, values } }];
    const scene: Scene = {
      spec: {
        restartPolicy: 'Never',
        containers: [container('a', { restartPolicy: 'Never', restartPolicyRules: rules })],
      },
      containers: [failed('a', { exitCode })],
    };
    expect(brief(decide(scene))).toBe(want);
  });

  test.each([
    ['Never', 'Container a failed liveness probe'],
    ['Always', 'Container a failed liveness probe, will be restarted'],
  ])('the Killing message under %s', (restartPolicy, message) => {
    const actions = decide({
      spec: { restartPolicy },
      containers: [running('a')],
      verdicts: { a: { liveness: false } },
    });
    expect(actions.kill.map((kill) => kill.message)).toEqual([message]);
  });
});

describe('K3, K4: held after a start that failed', () => {
  test.each<[string, Scene, string]>([
    [
      'another goes on',
      { spec: { containers: two }, sandboxes: [sandbox()], held: { a: 5 } },
      'start b#0 hold a',
    ],
    ['alone: no new sandbox', { held: { a: 5 } }, 'hold a'],
    ['it ran before', { containers: [failed('a')], held: { a: 5 } }, 'hold a'],
    ['created and not started', { containers: [ran('a', 'created')], held: { a: 5 } }, 'hold a'],
    [
      'the last of a pod that does not restart: the pod is not done',
      { spec: { restartPolicy: 'Never', containers: two }, containers: [succeeded('b')], held: { a: 5 } },
      'hold a',
    ],
    [
      'an init container: the next waits',
      { spec: { initContainers: inits }, sandboxes: [sandbox()], held: { i1: 5 } },
      'hold i1',
    ],
    [
      'an ephemeral one',
      { spec: { ephemeralContainers: [container('d')] }, containers: [running('a')], held: { d: 5 } },
      'hold d',
    ],
    ['running meanwhile: nothing', { containers: [running('a')], held: { a: 5 } }, ''],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));
});

describe('K3, K4: an exit after which all containers restart', () => {
  const restartPolicyRules = [
    { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
  ];
  const a = container('a', { restartPolicy: 'Never', restartPolicyRules });
  const spec = {
    restartPolicy: 'Never',
    initContainers: [container('i'), sidecar('s')],
    containers: [a, container('b')],
  };
  // The round before: begun ten seconds ago, a ended one second ago.
  const old = { createdAtMs: NOW - 10_000, startedAtMs: NOW - 10_000 };
  const trigger = failed('a', { ...old, exitCode: 42, finishedAtMs: NOW - 1000 });
  const ended = (name: string) => failed(name, { ...old, exitCode: 137, finishedAtMs: NOW - 500 });
  const before = [ran('i', 'exited', { ...old, finishedAtMs: NOW - 9000 }), ended('s'), ended('b')];
  const again = (name: string, state: ContainerRuntimeState) =>
    ran(name, state, { id: `${name}-2`, createdAtMs: NOW - 100, startedAtMs: NOW - 100, restartCount: 1 });
  test.each<[string, ContainerRuntimeStatus[], string]>([
    [
      'what still runs is stopped, and nothing started before it has ended',
      [trigger, running('b', old), running('s', old), ran('i', 'exited', old)],
      'kill b:restartAll kill s:restartAll',
    ],
    [
      'what was started after the exit, before that was noticed, is of the round before as well',
      [trigger, running('b', { createdAtMs: NOW - 900 }), ended('s'), ran('i', 'exited', old)],
      'kill b:restartAll',
    ],
    ['then it begins with the first init container', [trigger, ...before], 'start i#1'],
    [
      'not as fast as it goes',
      [failed('a', { ...old, exitCode: 42, finishedAtMs: NOW - 400 }), ...before],
      'hold i',
    ],
    [
      'but without back-off, however often that was before',
      [trigger, ...before].map((c) => ({ ...c, restartCount: 7 })),
      'start i#8',
    ],
    ['the sidecar follows', [again('i', 'exited'), trigger, ...before], 'start s#1'],
    [
      'and all others, whatever their policies',
      [again('s', 'running'), again('i', 'exited'), trigger, ...before],
      'start a#1 start b#1',
    ],
    [
      'once they are there, that is it',
      [
        again('a', 'running'),
        again('b', 'running'),
        again('s', 'running'),
        again('i', 'exited'),
        trigger,
        ...before,
      ],
      '',
    ],
    [
      'an init container that now fails ends the pod',
      [failed('i', { id: 'i-2', createdAtMs: NOW - 100 }), trigger, ...before],
      'killPod',
    ],
    [
      'another exit code',
      [failed('a', old), running('b', old), running('s', old), ran('i', 'exited', old)],
      '',
    ],
  ])('%s', (_, containers, want) => expect(brief(decide({ spec, containers }))).toBe(want));
});

test('K4: without the gate, an exit after which all containers restart is like any other', () => {
  const all = { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } };
  const one = { action: 'Restart', exitCodes: { operator: 'In', values: [7] } };
  const spec = {
    containers: [container('a', { restartPolicy: 'Never', restartPolicyRules: [all, one] })],
    initContainers: [sidecar('s')],
  };
  const plain = withoutRestartAll({ metadata: { name: 'p' }, spec });
  expect(plain.spec.containers[0]?.restartPolicyRules).toEqual([one]);
  expect(plain.spec.initContainers).toEqual(spec.initContainers);
  expect(withoutRestartAll(plain)).toBe(plain);
});

test('K3, K4: another image under the name of a container in back-off starts at once', () => {
  const before = failed('a', { restartCount: 9, hash: containerHash(container('a', { image: 'old:1' })) });
  expect(brief(decide({ containers: [before] }))).toBe('start a#10');
  expect(brief(decide({ containers: [{ ...before, hash: containerHash(container('a')) }] }))).toBe('wait a');
});

describe('K3, K4: ephemeral containers', () => {
  const ephemeral = { name: 'e', image: 'img:1' };
  const spec = { ephemeralContainers: [ephemeral] };
  test.each<[string, Scene, string]>([
    ['added: started', { spec, containers: [running('a')] }, 'start e#0'],
    ['before anything else', { spec, containers: [] }, 'start e#0 start a#0'],
    ['runs: nothing', { spec, containers: [running('a'), running('e')] }, ''],
    ['ended: never again', { spec, containers: [running('a'), failed('e')] }, ''],
  ])('%s', (_, scene, want) => expect(brief(decide(scene))).toBe(want));
});

test('K3, K4: back-off says until when', () => {
  const { waiting } = decide({
    containers: [failed('a', { finishedAtMs: NOW - 4000 })],
    backoff: { a: { delayMs: 20_000, updatedAtMs: NOW - 5000 } },
  });
  expect(waiting.map(({ delayMs, notBeforeMs }) => [delayMs, notBeforeMs - NOW])).toEqual([[20_000, 16_000]]);
});
