import { availableParallelism } from 'node:os';
import type { Container, Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { CriError } from '../../cri/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { ContainerRuntimeStatus, PodRuntimeStatus } from '../contracts.ts';
import { ContainerStop, podGraceSeconds } from './container_stop.ts';
import { runtimeContainer as ran, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';

const statusOf = (...containers: ContainerRuntimeStatus[]): PodRuntimeStatus =>
  runtimePod(containers, { sandboxes: [runtimeSandbox({ ips: ['10.0.0.9'] })] });

function podOf(containers: readonly Container[], spec: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { terminationGracePeriodSeconds: 30, containers: [...containers], ...spec },
  };
}

/** A runtime that notes what it is told, and when. */
function scene(
  options: {
    stopTakesMs?: number;
    preStopTakesMs?: number;
    teardownTakesMs?: (id: string) => number;
    refuse?: (id: string) => Error | undefined;
  } = {},
) {
  const clock = new FakeClock();
  const told: string[] = [];
  const at = (what: string): void => void told.push(`${clock.monotonic() / 1000}s ${what}`);
  const events: string[] = [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the calls that are made
  const cri = {
    stopContainer: async ({ containerId, timeout }: { containerId: string; timeout: bigint }) => {
      at(`stop ${containerId} ${timeout}`);
      const error = options.refuse?.(containerId);
      if (error !== undefined) throw error;
      await clock.sleep(options.stopTakesMs ?? 0);
    },
    stopPodSandbox: async ({ podSandboxId }: { podSandboxId: string }) => {
      at(`sandbox ${podSandboxId}`);
      await clock.sleep(options.teardownTakesMs?.(podSandboxId) ?? 0);
    },
    removePodSandbox: ({ podSandboxId }: { podSandboxId: string }) => {
      at(`remove ${podSandboxId}`);
      const error = options.refuse?.(podSandboxId);
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    },
  } as unknown as RuntimeClient;
  const waits: string[] = [];
  const stop = new ContainerStop({
    cri,
    clock,
    log: new RecordingLog(),
    hostIPs: () => ['192.0.2.1'],
    events: {
      pod: () => undefined,
      node: () => undefined,
      container: (_pod, name, _type, reason, message) => events.push(`${reason} ${name}: ${message}`),
    },
    timeline: {
      record: () => undefined,
      waiting: (_pod, reason, untilMs) =>
        waits.push(reason === undefined ? 'nothing' : `${reason} until ${(untilMs ?? 0) / 1000}s`),
      explain: () => undefined,
      latest: () => [],
    },
    exec: {
      execSync: async (id, argv) => {
        at(`exec ${id} ${argv.join(' ')}`);
        await clock.sleep(options.preStopTakesMs ?? 0);
        return { exitCode: argv[0] === 'fail' ? 1 : 0, stdout: new Uint8Array(), stderr: new Uint8Array() };
      },
    },
  });
  const { signal } = new AbortController();
  /** Lets as much time pass as the work takes. */
  const finish = async <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => undefined);
    await clock.advance(600_000);
    return work;
  };
  const stopPod = (pod: Pod | undefined, status: PodRuntimeStatus, grace?: number) =>
    finish(stop.stopPod(pod, status, grace, signal));
  return { clock, told, events, waits, stop, stopPod, finish, signal };
}

const hook = (command: string): NonNullable<Container['lifecycle']> => ({
  preStop: { exec: { command: [command] } },
});

test('K5: containers end together, then the sandbox', async () => {
  const { told, events, stopPod } = scene();
  await stopPod(
    podOf([{ name: 'a' }, { name: 'b' }]),
    statusOf(ran('a'), ran('b'), ran('old', { state: 'exited' })),
  );
  expect(told).toEqual(['0s stop a-id 30', '0s stop b-id 30', '0s sandbox s']);
  expect(events).toEqual(['Killing a: Stopping container a', 'Killing b: Stopping container b']);
});

test('K5: sidecars end after the others, the last one first, within the same grace period', async () => {
  const { told, stopPod } = scene({ stopTakesMs: 10_000 });
  const initContainers: Container[] = [
    { name: 's1', restartPolicy: 'Always' },
    { name: 'i' },
    { name: 's2', restartPolicy: 'Always' },
  ];
  await stopPod(podOf([{ name: 'a' }], { initContainers }), statusOf(ran('a'), ran('s1'), ran('s2')));
  expect(told).toEqual(['0s stop a-id 30', '10s stop s2-id 20', '20s stop s1-id 10', '30s sandbox s']);
});

test.each<[string, number, string, string[]]>([
  [
    'preStop comes first and takes its time off the grace period',
    12_000,
    'quit',
    ['0s exec a-id quit', '12s stop a-id 18'],
  ],
  [
    'a preStop that uses everything leaves two seconds',
    29_500,
    'quit',
    ['0s exec a-id quit', '29.5s stop a-id 2'],
  ],
  ['a preStop that never ends is left behind', 10 ** 9, 'quit', ['0s exec a-id quit', '30s stop a-id 2']],
  ['a preStop that fails does not hold up the end', 0, 'fail', ['0s exec a-id fail', '0s stop a-id 30']],
])('K5: %s', async (_what, preStopTakesMs, command, expected) => {
  const { told, events, stopPod } = scene({ preStopTakesMs });
  await stopPod(podOf([{ name: 'a', lifecycle: hook(command) }]), statusOf(ran('a')));
  expect(told.slice(0, 2)).toEqual(expected);
  expect(events.some((e) => e.startsWith('FailedPreStopHook'))).toBe(command === 'fail');
});

test('K28: what the end of a pod waits for, and how long at most', async () => {
  const { clock, waits, stopPod } = scene({ preStopTakesMs: 12_000, stopTakesMs: 3000 });
  const now = clock.now() / 1000;
  const pod = podOf([{ name: 'a', lifecycle: hook('quit') }, { name: 'b' }]);
  await stopPod(pod, statusOf(ran('a'), ran('b')));
  const end = (name: string): string => `container ${name} to end after its stop signal`;
  expect(waits).toEqual([
    `preStop of container a until ${now + 30}s`,
    `preStop of container a; ${end('b')} until ${now + 30}s`,
    `preStop of container a until ${now + 30}s`,
    'nothing',
    `${end('a')} until ${now + 30}s`,
    'nothing',
  ]);
});

test('K5: preStop runs once, however often the stop is repeated', async () => {
  let refusals = 1;
  const { told, stopPod } = scene({
    refuse: () => (refusals-- > 0 ? new CriError('x', 'UNAVAILABLE', 'away') : undefined),
  });
  const [pod, status] = [podOf([{ name: 'a', lifecycle: hook('quit') }]), statusOf(ran('a'))];
  await expect(stopPod(pod, status)).rejects.toThrow('cannot stop container a');
  await stopPod(pod, status);
  expect(told.filter((t) => t.includes('exec'))).toHaveLength(1);
});

test('K5: no grace, no preStop', async () => {
  const { told, stopPod } = scene();
  await stopPod(podOf([{ name: 'a', lifecycle: hook('quit') }]), statusOf(ran('a')), 0);
  expect(told).toEqual(['0s stop a-id 0', '0s sandbox s']);
});

test('K5: what is gone already has been stopped; one that cannot be stopped keeps the sandbox up', async () => {
  const gone = scene({ refuse: () => new CriError('x', 'NOT_FOUND', 'gone') });
  await gone.stopPod(podOf([{ name: 'a' }]), statusOf(ran('a')));
  expect(gone.told.at(-1)).toContain('sandbox');
  const stuck = scene({
    refuse: (id) => (id === 'b-id' ? new CriError('x', 'UNKNOWN', 'stuck') : undefined),
  });
  await expect(
    stuck.stopPod(podOf([{ name: 'a' }, { name: 'b' }]), statusOf(ran('a'), ran('b'))),
  ).rejects.toThrow('cannot stop container b');
  expect(stuck.told).toEqual(['0s stop a-id 30', '0s stop b-id 30']);
});

test('K5: of a pod that only the runtime knows, its containers tell grace period and preStop', async () => {
  const { told, events, stopPod } = scene();
  const noted = {
    'io.kubernetes.pod.terminationGracePeriod': '7',
    'io.kubernetes.container.preStopHandler': JSON.stringify({ exec: { command: ['bye'] } }),
  };
  await stopPod(undefined, statusOf(ran('a', { annotations: noted })));
  expect(told).toEqual(['0s exec a-id bye', '0s stop a-id 7', '0s sandbox s']);
  expect(events).toEqual([]);
});

test.each<[string, Pod | undefined, Record<string, string>, number]>([
  ['the deletion tells', { ...podOf([]), metadata: { name: 'p', deletionGracePeriodSeconds: 3 } }, {}, 3],
  ['the spec tells', podOf([], { terminationGracePeriodSeconds: 5 }), {}, 5],
  ['the container tells', undefined, { 'io.kubernetes.pod.terminationGracePeriod': '9' }, 9],
  ['nobody tells', undefined, {}, 30],
  ['nonsense is not taken', undefined, { 'io.kubernetes.pod.terminationGracePeriod': 'x' }, 30],
])('K5: grace period: %s', (_what, pod, annotations, seconds) => {
  expect(podGraceSeconds(pod, ran('a', { annotations }))).toBe(seconds);
});

test('K5: networks are taken down a few at a time; one that hangs holds up the others for three seconds at most', async () => {
  const { stop, told, clock, signal } = scene({ teardownTakesMs: (id) => (id < 's04' ? 60_000 : 0) });
  const all = Array.from({ length: 4 * availableParallelism() + 8 }, (_, i) => {
    const id = `s${String(i).padStart(2, '0')}`;
    return stop.stopSandboxes(runtimePod([], { sandboxes: [runtimeSandbox({ id })] }), signal);
  });
  await clock.advance(2999);
  // Four hang; with more processors than two there are places for others beside them.
  expect(told.length).toBeGreaterThanOrEqual(4);
  expect(stop.isTearingDown).toBe(true);
  await clock.advance(1);
  expect(told).toHaveLength(all.length);
  await clock.advance(60_000);
  await Promise.all(all);
  expect(stop.isTearingDown).toBe(false);
});

test('K5: a sandbox that this kubelet stopped is not stopped again before it is removed', async () => {
  let refusals = 1;
  const { stop, stopPod, finish, signal, told } = scene({
    refuse: (id) => (id === 's' && refusals-- > 0 ? new CriError('x', 'UNAVAILABLE', 'away') : undefined),
  });
  await stopPod(podOf([{ name: 'a' }]), statusOf(ran('a')));
  told.length = 0;
  const calls = async (): Promise<string[]> => {
    await finish(stop.removeSandbox('s', signal)).catch(() => told.push('refused'));
    return told.splice(0).map((call) => call.replace(/^\S+ /, ''));
  };
  expect(await calls()).toEqual(['remove s', 'refused']);
  expect(await calls()).toEqual(['remove s']);
  // Nothing of it is remembered: the next of that name is one of a kubelet before this one.
  expect(await calls()).toEqual(['sandbox s', 'remove s']);
});
