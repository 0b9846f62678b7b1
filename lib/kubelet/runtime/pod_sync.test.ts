import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { CriError } from '../../cri/errors.ts';
import { connectRuntime, type RuntimeClient } from '../../cri/runtime_client.ts';
import { ContainerConfigError, type ContainerMount, type PodRuntimeStatus } from '../contracts.ts';
import { MemoryTimeline } from '../explain/timeline.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';
import { resourceOptions } from '../testing/resource_options.ts';
import { ContainerLogsDir } from './container_logs_dir.ts';
import type { PodActions, StartAction } from './pod_actions.ts';
import { PodSync, type PodSyncOptions } from './pod_sync.ts';
import { ContainerStartError } from './start_error.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-pod-sync-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'img:1',
  ...more,
});
const podOf = (containers: readonly Container[], more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [...containers], ...more },
});
const start = (c: Container, more: Partial<StartAction> = {}): StartAction => ({
  container: c,
  kind: 'regular',
  restartCount: 0,
  replaces: undefined,
  backoff: undefined,
  why: 'first start',
  ...more,
});
const actions = (more: Partial<PodActions>): PodActions => ({
  killPod: undefined,
  createSandbox: undefined,
  sandbox: runtimeSandbox(),
  kill: [],
  start: [],
  waiting: [],
  held: [],
  ...more,
});

interface Refusals {
  /** By call and container name; the sandbox under `runPodSandbox`. */
  readonly [call: string]: Error | undefined;
}

/** A runtime that notes what it is told and refuses what it is told to refuse. */
function scene(
  refuse: Refusals = {},
  mounts: readonly ContainerMount[] = [],
  status: PodRuntimeStatus = runtimePod([]),
) {
  const users = refuse['has users'] === undefined ? undefined : { hostId: 65_536, length: 65_536 };
  const did: string[] = [];
  const events: string[] = [];
  const configs: Parameters<RuntimeClient['createContainer']>[0][] = [];
  const clock = new FakeClock();
  const may = <T>(call: string, answer: T): Promise<T> => {
    did.push(call);
    const error = refuse[call];
    return error === undefined ? Promise.resolve(answer) : Promise.reject(error);
  };
  const options: PodSyncOptions = {
    cri: {
      ...connectRuntime({ endpoint: 'unix:///nowhere' }),
      runPodSandbox: () => may('runPodSandbox', { podSandboxId: 's' }),
      createContainer: (request) => {
        configs.push(request);
        return may(`create ${request?.config?.metadata?.name ?? ''}`, {
          containerId: `${request?.config?.metadata?.name ?? ''}-id`,
        });
      },
      startContainer: (request) => may(`start ${request?.containerId ?? ''}`, {}),
      removeContainer: (request) => may(`remove ${request?.containerId ?? ''}`, {}),
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that are made
    cache: {
      podStatus: () => status,
      inspect: () => Promise.resolve(),
    } as unknown as PodSyncOptions['cache'],
    clock,
    log: new RecordingLog(),
    dirs: { root, podLogs: join(root, 'logs'), containerLogs: join(root, 'links') },
    events: {
      pod: (_pod, type, reason, message) => events.push(`${type} ${reason} ${message}`),
      container: (_pod, name, type, reason, message) => events.push(`${name}: ${type} ${reason} ${message}`),
      node: () => undefined,
    },
    timeline: new MemoryTimeline(clock),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that are made
    images: {
      ensure: (_pod: Pod, { image }: { image: string }) =>
        may(`image ${image}`, { ref: `sha256:${image}`, user: { uid: 0, username: '' } }),
    } as unknown as PodSyncOptions['images'],
    env: { containerEnv: (_pod, { name }) => may(`env ${name}`, new Map([['A', 'b']])) },
    dns: {
      podDns: () => Promise.resolve({ servers: [], searches: [], options: [] }),
      hostname: () => 'p',
      writeHostsFile: () => Promise.resolve(join(root, 'etc-hosts')),
    },
    expand: (text) => text,
    exec: {
      execSync: () => may('postStart', { exitCode: 0, stdout: new Uint8Array(), stderr: new Uint8Array() }),
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that are made
    stop: {
      stop: ({
        container: { name },
        message,
        graceSeconds,
      }: {
        container: { name: string };
        message: string;
        graceSeconds: number;
      }) => may(`stop ${name} ${graceSeconds} ${message}`, undefined),
      stopPod: () => may('stop pod', undefined),
    } as unknown as PodSyncOptions['stop'],
    logs: new ContainerLogsDir({ root, podLogs: join(root, 'logs'), containerLogs: join(root, 'links') }),
    security: { seccompRoot: '/seccomp', seccompDefault: false },
    resources: () => resourceOptions(),
    hostIPs: () => ['192.0.2.1'],
    runtimeHandler: () => Promise.resolve(''),
    userNamespaces: {
      range: () => may('userns', users),
      known: () => users,
    },
  };
  const waits: string[] = [];
  const apply = async (pod: Pod, wanted: PodActions) => {
    const outcome = await new PodSync(options).apply(
      pod,
      '/kubepods',
      wanted,
      { containerMounts: () => Promise.resolve({ mounts, devices: [] }), supplementalGroups: [] },
      {
        killedForRestart: (id) => did.push(`for restart ${id}`),
        startTried: (action) => did.push(`tried ${action.container.name}`),
        waiting: (name, reason) => waits.push(`${name} ${reason?.reason ?? 'runs'}`),
      },
      new AbortController().signal,
    );
    return {
      changed: outcome.changed,
      failures: [...outcome.failures].map(([name, { reason, message }]) => `${name} ${reason}: ${message}`),
    };
  };
  return { apply, did: did as readonly string[], events, waits, configs };
}

test('K2, K11: sandbox, then each container: image, environment, created, started, each with its event', async () => {
  const [a, b] = [container('a'), container('b')];
  const s = scene();
  const outcome = await s.apply(
    podOf([a, b]),
    actions({ createSandbox: { attempt: 0, why: '' }, start: [start(a), start(b)] }),
  );
  expect(outcome).toEqual({ changed: true, failures: [] });
  const steps = (name: string) => [
    'image img:1',
    `env ${name}`,
    `create ${name}`,
    `tried ${name}`,
    `start ${name}-id`,
  ];
  expect(s.did).toEqual(['userns', 'runPodSandbox', ...steps('a'), ...steps('b')]);
  expect(s.events).toEqual(
    ['a', 'b'].flatMap((name) => [
      `${name}: Normal Created Container created`,
      `${name}: Normal Started Container started`,
    ]),
  );
  expect(s.waits).toEqual(['a runs', 'b runs']);
});

test.each([
  ['the first one', 0, []],
  ['another one', 1, ['Normal SandboxChanged Pod sandbox changed, it will be killed and re-created.']],
])('K11: %s of a pod: whether an event tells that the sandbox changed', async (_, attempt, told) => {
  const s = scene();
  await s.apply(
    podOf([container('a')]),
    actions({ createSandbox: { attempt, why: '' }, start: [start(container('a'))] }),
  );
  expect(s.events.filter((event) => event.includes('SandboxChanged'))).toEqual(told);
});

test('K2, K11: no sandbox: no container is tried', async () => {
  const s = scene({ runPodSandbox: new CriError('RunPodSandbox', 'UNKNOWN', 'failed to setup network') });
  const outcome = await s.apply(
    podOf([container('a')]),
    actions({ createSandbox: { attempt: 0, why: '' }, start: [start(container('a'))] }),
  );
  expect(outcome.failures).toEqual([
    expect.stringContaining(' CreatePodSandboxError: Failed to create pod sandbox'),
  ]);
  expect(s.events).toEqual([
    expect.stringContaining('Warning FailedCreatePodSandBox Failed to create pod sandbox: rpc error'),
  ]);
  expect(s.did).not.toContain('create a');
});

test.each<[string, Refusals, string, string, readonly string[]]>([
  [
    'its image',
    { 'image img:1': new ContainerStartError('ErrImagePull', 'not found') },
    'a ErrImagePull: not found',
    'a: Warning Failed Error: ErrImagePull',
    [],
  ],
  [
    'its environment',
    { 'env a': new ContainerConfigError('configmap "x" not found') },
    'a CreateContainerConfigError: configmap "x" not found',
    'a: Warning Failed Error: configmap "x" not found',
    [],
  ],
  [
    'its creation',
    { 'create a': new Error('no') },
    'a CreateContainerError: no',
    'a: Warning Failed Error: no',
    [],
  ],
  [
    'its start',
    { 'start a-id': new Error('exec: "x"') },
    'a RunContainerError: exec: "x"',
    'a: Warning Failed Error: exec: "x"',
    ['tried a'],
  ],
])('K11: what goes wrong with %s stops that container alone', async (_, refuse, failure, event, tried) => {
  const [a, b] = [container('a'), container('b', { image: 'img:2' })];
  const s = scene(refuse);
  const outcome = await s.apply(podOf([a, b]), actions({ start: [start(a), start(b)] }));
  expect(outcome.failures).toEqual([failure]);
  expect(s.events).toContain(event);
  expect(s.waits).toEqual([failure.replace(/:.*/, ''), 'b runs']);
  expect(s.did.filter((what) => what === 'tried a')).toEqual(tried);
  expect(s.did).toContain('start b-id');
});

test('K6: a postStart hook that fails ends the container with its grace period', async () => {
  const a = container('a', { lifecycle: { postStart: { exec: { command: ['no'] } } } });
  const s = scene({ postStart: new Error('boom') }, [], runtimePod([runtimeContainer('a')]));
  const outcome = await s.apply(
    podOf([a], { terminationGracePeriodSeconds: 7 }),
    actions({ start: [start(a)] }),
  );
  expect(outcome.failures).toEqual(['a PostStartHookError: PostStartHook failed: boom']);
  expect(s.did.at(-1)).toBe('stop a 7 FailedPostStartHook');
  expect(s.events.at(-1)).toBe('a: Warning FailedPostStartHook PostStartHook failed');
});

test.each<[string, 'livenessProbe' | 'specChanged', number | undefined, number]>([
  ['by its probe, with the grace period of the probe', 'livenessProbe', 3, 3],
  ['by its probe, which has none of its own', 'livenessProbe', undefined, 30],
  ['for another reason', 'specChanged', 3, 30],
])('K5: killed %s', async (_, reason, ofProbe, grace) => {
  const livenessProbe = ofProbe === undefined ? {} : { terminationGracePeriodSeconds: ofProbe };
  const a = container('a', { livenessProbe });
  const s = scene({}, [], runtimePod([runtimeContainer('a')]));
  const kill = [{ container: a, containerId: 'a-id', reason, restart: true, message: 'why' }];
  const outcome = await s.apply(podOf([a], { terminationGracePeriodSeconds: 30 }), actions({ kill }));
  expect([outcome, s.did]).toEqual([
    { changed: true, failures: [] },
    ['for restart a-id', `stop a ${grace} why`],
  ]);
});

test('K5, K11: what cannot be stopped: told, and nothing is started', async () => {
  const a = container('a');
  const s = scene({ 'stop pod': new Error('task is stuck') }, [], runtimePod([runtimeContainer('a')]));
  const outcome = await s.apply(
    podOf([a]),
    actions({ killPod: { reason: '' }, createSandbox: { attempt: 1, why: '' }, start: [start(a)] }),
  );
  expect(outcome.failures).toEqual([' KillPodError: task is stuck']);
  expect([s.did, s.events]).toEqual([
    ['stop pod'],
    [
      'Normal SandboxChanged Pod sandbox changed, it will be killed and re-created.',
      'Warning FailedKillPod error killing pod: task is stuck',
    ],
  ]);
});

test('K4: one that was created and never ran gives way to the next, with the same count', async () => {
  const a = container('a');
  const s = scene(
    {},
    [],
    runtimePod([runtimeContainer('a', { id: 'old', state: 'created', restartCount: 4 })]),
  );
  await s.apply(podOf([a]), actions({ start: [start(a, { restartCount: 4, replaces: 'old' })] }));
  expect(s.did.indexOf('remove old')).toBeLessThan(s.did.indexOf('create a'));
  expect(s.configs[0]?.config?.metadata?.attempt).toBe(4);
});

test('K10: the restart count goes on from the logs when the runtime has forgotten the container', async () => {
  const a = container('a');
  const s = scene();
  await s.apply(podOf([a]), actions({ start: [start(a)] }));
  const logs = join(root, 'logs', 'ns_p_u', 'a');
  rmSync(logs, { recursive: true });
  mkdirSync(logs, { recursive: true });
  writeFileSync(join(logs, '6.log'), '');
  await s.apply(podOf([a]), actions({ start: [start(a)] }));
  expect(s.configs.map((request) => request?.config?.metadata?.attempt)).toEqual([0, 7]);
});

test('K2: a pod in a user namespace: the sandbox, its containers and their mounts have its ids', async () => {
  const volume = { containerPath: '/v', hostPath: '/x', readonly: false, propagation: 'private' } as const;
  const s = scene({ 'has users': new Error() }, [volume]);
  const [a, ids] = [container('a'), [{ hostId: 65_536, containerId: 0, length: 65_536 }]];
  await s.apply(
    podOf([a], { hostUsers: false }),
    actions({ createSandbox: { attempt: 0, why: '' }, start: [start(a)] }),
  );
  const [request] = s.configs;
  const namespaces = { namespaceOptions: { usernsOptions: { mode: 0, uids: ids, gids: ids } } };
  expect(request?.sandboxConfig?.linux?.securityContext).toMatchObject(namespaces);
  expect(request?.config?.linux?.securityContext).toMatchObject(namespaces);
  for (const mount of request?.config?.mounts ?? [])
    expect(mount).toMatchObject({ uidMappings: ids, gidMappings: ids });
});

test('K2: a runtime without user namespaces: the pod does not run as users of the host', async () => {
  const s = scene({
    userns: new ContainerConfigError(
      "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
    ),
  });
  const a = container('a');
  await s.apply(
    podOf([a], { hostUsers: false }),
    actions({ createSandbox: { attempt: 0, why: '' }, start: [start(a)] }),
  );
  expect([s.did, s.events]).toEqual([
    ['userns'],
    [
      "Warning FailedCreatePodSandBox Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces",
    ],
  ]);
});

describe('K6: termination messages', () => {
  test.each<[string, Partial<Container>, readonly ContainerMount[], string | undefined]>([
    ['the default path', {}, [], '/dev/termination-log'],
    ['its own path', { terminationMessagePath: '/tmp/why' }, [], '/tmp/why'],
    [
      'not over a volume',
      {},
      [{ containerPath: '/dev/termination-log', hostPath: '/x', readonly: false, propagation: 'private' }],
      undefined,
    ],
  ])('%s', async (_, more, mounts, want) => {
    const a = container('a', more);
    const s = scene({}, mounts);
    await s.apply(podOf([a]), actions({ start: [start(a)] }));
    const own = s.configs[0]?.config?.mounts?.filter((mount) =>
      mount?.hostPath?.startsWith(join(root, 'pods')),
    );
    expect(own?.map((mount) => mount?.containerPath)).toEqual(want === undefined ? [] : [want]);
    if (want === undefined) return;
    const dir = join(root, 'pods', 'u', 'containers', 'a');
    const [file = ''] = readdirSync(dir);
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o666); // whoever the container runs as
  });
});

describe('K14: image volumes', () => {
  const mounts: readonly ContainerMount[] = [
    {
      containerPath: '/data',
      hostPath: '',
      image: { volume: 'v', subPath: 'etc' },
      readonly: true,
      propagation: 'private',
    },
  ];
  const a = container('a', { volumeMounts: [{ name: 'v', mountPath: '/data', subPath: 'etc' }] });
  const volumes = [
    { name: 'v', image: { reference: 'vol:1', pullPolicy: 'Always' } },
    { name: 'unused', image: { reference: 'unused:1' } },
  ];

  test('are pulled for the container that mounts them, and mounted by the runtime', async () => {
    const s = scene({}, mounts);
    await s.apply(podOf([a], { volumes }), actions({ start: [start(a)] }));
    expect(s.did.filter((what) => what.startsWith('image'))).toEqual(['image vol:1', 'image img:1']);
    expect(s.configs[0]?.config?.mounts?.[0]).toMatchObject({
      containerPath: '/data',
      hostPath: '',
      readonly: true,
      image: { image: 'sha256:vol:1' },
      imageSubPath: 'etc',
    });
  });

  test('that cannot be had keep the container waiting with the reason, and others go on', async () => {
    const b = container('b');
    const s = scene({ 'image vol:1': new ContainerStartError('ErrImagePull', 'not found') }, []);
    const outcome = await s.apply(podOf([a, b], { volumes }), actions({ start: [start(a), start(b)] }));
    expect(outcome.failures).toEqual(['a ErrImagePull: not found']);
    expect(s.waits).toEqual(['a ErrImagePull', 'b runs']);
  });
});
