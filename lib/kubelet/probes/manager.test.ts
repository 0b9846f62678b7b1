import type { Container, Pod, Probe } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { nullLog } from '../../base/log.ts';
import { WallStamps } from '../../base/wall_stamps.ts';
import type { ContainerRuntimeStatus, ProbeManager } from '../contracts.ts';
import { createProbeManager } from './manager.ts';
import type { ProbeOutcome } from './outcome.ts';
import { runtimeContainer } from '../testing/runtime_pod.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
const ok: ProbeOutcome = { result: 'success', message: '' };
const bad: ProbeOutcome = { result: 'failure', message: 'HTTP probe failed with statuscode: 500' };

interface World {
  clock: FakeClock;
  manager: ProbeManager;
  events: string[];
  changes: string[];
  /** Monotonic times of attempts by kind of handler path. */
  attempts: { at: number; what: string }[];
  /** Of each regular turn, in milliseconds. */
  lateness: number[];
  outcome: (what: string) => ProbeOutcome | Promise<ProbeOutcome>;
  running: Map<string, ContainerRuntimeStatus>;
  known: { ready: boolean; started: boolean } | undefined;
}

function world(random = 0): World {
  const clock = new FakeClock(0);
  const w: World = {
    clock,
    events: [],
    changes: [],
    attempts: [],
    lateness: [],
    outcome: () => ok,
    running: new Map(),
    known: undefined,
    manager: createProbeManager({
      clock,
      stamps: new WallStamps(clock),
      log: nullLog,
      random: () => random,
      observeLateness: (ms) => w.lateness.push(ms),
      events: {
        container: (_pod, name, type, reason, message) =>
          w.events.push(`${type} ${reason} ${name}: ${message}`),
      },
      host: {
        runningContainer: (_uid, name) => w.running.get(name),
        podIP: () => '10.0.0.1',
        lastKnownReady: () => w.known,
        execSync: () => Promise.reject(new Error('not used')),
      },
      attempt: async (probe) => {
        const what = probe.httpGet?.path ?? '';
        w.attempts.push({ at: clock.monotonic(), what });
        return w.outcome(what);
      },
    }),
  };
  w.manager.onChange((c) => w.changes.push(`${c.kind} ${c.success}`));
  return w;
}

function container(w: World, id: string): void {
  const now = w.clock.now();
  w.running.set('c', runtimeContainer('c', { id, createdAtMs: now, startedAtMs: now }));
}

const http = (path: string, more: Partial<Probe> = {}): Probe => ({ httpGet: { path, port: 80 }, ...more });

function podOf(probes: Partial<Container>): Pod {
  return {
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'c', image: 'i', ...probes }] },
  };
}

const times = (w: World, what: string): number[] =>
  w.attempts.filter((a) => a.what === what).map((a) => a.at);

test('K13: liveness: nothing before the container runs, then by period; fails at the threshold, then waits for the restart', async () => {
  const w = world();
  const pod = podOf({ livenessProbe: http('/live', { periodSeconds: 10, failureThreshold: 2 }) });
  w.manager.podAdded(pod);
  await w.clock.advance(15_000);
  expect(w.attempts).toEqual([]);
  container(w, 'a');
  w.manager.podAdded(pod);
  await w.clock.advance(4900);
  expect(w.attempts).toEqual([]); // not at once: a container that is just starting would be killed for it
  await w.clock.advance(200);
  expect(w.changes).toEqual(['liveness true']);
  w.outcome = () => bad;
  await w.clock.advance(10_000);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({ liveness: true });
  await w.clock.advance(10_000);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({ liveness: false });
  expect(w.changes).toEqual(['liveness true', 'liveness false']);
  expect(w.events).toEqual([
    'Warning Unhealthy c: Liveness probe failed: HTTP probe failed with statuscode: 500',
    'Warning Unhealthy c: Liveness probe failed: HTTP probe failed with statuscode: 500',
  ]);
  const count = w.attempts.length;
  await w.clock.advance(60_000);
  expect(w.attempts.length).toBe(count); // on hold
  w.outcome = () => ok;
  container(w, 'b');
  w.manager.podAdded(pod);
  await w.clock.advance(10_000);
  expect(w.manager.verdicts('u', 'c', 'b')).toEqual({ liveness: true });
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({});
});

test('K13: the rhythm is fixed, whatever an attempt takes', async () => {
  const w = world();
  container(w, 'a');
  w.outcome = async () => {
    await w.clock.sleep(300);
    return ok;
  };
  w.manager.podAdded(podOf({ livenessProbe: http('/live', { periodSeconds: 1 }) }));
  await w.clock.advance(5000);
  const at = times(w, '/live');
  const gaps = at.slice(1).map((t, i) => t - (at[i] ?? 0));
  expect(gaps.length).toBeGreaterThanOrEqual(4);
  for (const gap of gaps) expect(Math.abs(gap - 1000)).toBeLessThanOrEqual(10);
  // Told of each turn: within a tick of the wheel.
  expect(w.lateness.length).toBe(at.length);
  for (const late of w.lateness) expect(late >= 0 && late <= 10).toBe(true);
});

test('K13: initialDelaySeconds counts from the start of the container', async () => {
  const w = world();
  container(w, 'a');
  w.manager.podAdded(podOf({ readinessProbe: http('/ready', { initialDelaySeconds: 7, periodSeconds: 5 }) }));
  await w.clock.advance(6990);
  expect(w.attempts).toEqual([]);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({ readiness: false });
  await w.clock.advance(100);
  expect(w.changes).toEqual(['readiness true']);
});

test.each([
  ['forwards', HOUR],
  ['back', -HOUR],
])(
  'K31: the clock of the machine is set an hour %s: initialDelaySeconds and periods pass as ever',
  async (_, step) => {
    const w = world();
    w.clock.stepWall(START);
    container(w, 'a');
    w.manager.podAdded(podOf({ livenessProbe: http('/live', { initialDelaySeconds: 7, periodSeconds: 2 }) }));
    await w.clock.advance(3000);
    w.clock.stepWall(step);
    await w.clock.advance(3900);
    expect(w.attempts).toEqual([]);
    await w.clock.advance(7100);
    expect(times(w, '/live').map((at) => Math.round(at / 100))).toEqual([80, 100, 120, 140]);
  },
);

test('K13: start-up first: the others begin when it has succeeded, readiness at once; it is asked once', async () => {
  const w = world();
  container(w, 'a');
  let up = false;
  w.outcome = (what) => (what === '/start' && !up ? bad : ok);
  const pod = podOf({
    startupProbe: http('/start', { periodSeconds: 1, failureThreshold: 30 }),
    livenessProbe: http('/live', { periodSeconds: 10 }),
    readinessProbe: http('/ready', { periodSeconds: 10 }),
  });
  w.manager.podAdded(pod);
  await w.clock.advance(3500);
  expect(times(w, '/live')).toEqual([]);
  expect(w.manager.started(pod, 'c', 'a')).toBe(false);
  up = true;
  await w.clock.advance(1000);
  expect(w.manager.started(pod, 'c', 'a')).toBe(true);
  expect(times(w, '/ready').length).toBe(1);
  await w.clock.advance(10_000);
  expect(times(w, '/live').length).toBe(1);
  const asked = times(w, '/start').length;
  await w.clock.advance(20_000);
  expect(times(w, '/start').length).toBe(asked);
});

test('K13: start-up that never succeeds fails at its threshold', async () => {
  const w = world();
  container(w, 'a');
  w.outcome = () => bad;
  w.manager.podAdded(podOf({ startupProbe: http('/start', { periodSeconds: 1, failureThreshold: 3 }) }));
  await w.clock.advance(10_000);
  expect(w.changes).toEqual(['startup false']);
  expect(w.events.length).toBe(3);
});

test.each([
  { kind: 'readiness', probe: { readinessProbe: http('/x', { periodSeconds: 10 }) } },
  { kind: 'startup', probe: { startupProbe: http('/x', { periodSeconds: 10, failureThreshold: 1 }) } },
])(
  '$kind: tried soon after the start without counting failures, so that it is noticed when it is up',
  async ({ kind, probe }) => {
    const w = world();
    const pod = podOf(probe);
    w.manager.podAdded(pod);
    await w.clock.advance(1000);
    container(w, 'a');
    w.outcome = () => (w.clock.monotonic() < 1600 ? bad : ok);
    w.manager.podAdded(pod);
    await w.clock.advance(750);
    expect(w.changes).toEqual([`${kind} true`]);
    expect(w.events).toEqual([]);
  },
);

test('K13: early tries end; what never comes up is judged by its regular turns alone', async () => {
  const w = world();
  const pod = podOf({ startupProbe: http('/x', { periodSeconds: 10, failureThreshold: 2 }) });
  w.manager.podAdded(pod);
  await w.clock.advance(1000);
  container(w, 'a');
  w.outcome = () => bad;
  w.manager.podAdded(pod);
  await w.clock.advance(18_900);
  expect(w.attempts.length).toBe(1 + 5 + 1); // at the start, early, the turn at 10 s
  expect(w.changes).toEqual([]);
  await w.clock.advance(200);
  expect(w.changes).toEqual(['startup false']);
});

test('K13: readiness: success and failure thresholds; goes on while the pod terminates, the others stop', async () => {
  const w = world();
  container(w, 'a');
  const pod = podOf({
    readinessProbe: http('/ready', { periodSeconds: 1, successThreshold: 2, failureThreshold: 2 }),
    livenessProbe: http('/live', { periodSeconds: 1 }),
  });
  w.manager.podAdded(pod);
  await w.clock.advance(900);
  expect(w.manager.verdicts('u', 'c', 'a').readiness).toBe(false);
  await w.clock.advance(1000);
  expect(w.manager.verdicts('u', 'c', 'a').readiness).toBe(true);
  w.manager.podTerminating(pod);
  w.outcome = () => bad;
  const lives = times(w, '/live').length;
  await w.clock.advance(2000);
  expect(w.manager.verdicts('u', 'c', 'a').readiness).toBe(false);
  expect(times(w, '/live').length).toBe(lives);
  w.manager.podRemoved('u');
  const all = w.attempts.length;
  await w.clock.advance(5000);
  expect(w.attempts.length).toBe(all);
});

test('K13: a restart of the kubelet: the verdict of the API holds until a probe contradicts it', async () => {
  const w = world(0.5);
  container(w, 'a');
  w.known = { ready: true, started: true };
  w.outcome = () => bad;
  const pod = podOf({
    startupProbe: http('/start'),
    readinessProbe: http('/ready', { periodSeconds: 10, failureThreshold: 3 }),
  });
  w.manager.podAdded(pod);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({ startup: true, readiness: true });
  await w.clock.advance(4900);
  expect(w.attempts).toEqual([]); // spread over the period
  await w.clock.advance(20_000);
  expect(w.manager.verdicts('u', 'c', 'a').readiness).toBe(true);
  expect(w.changes).toEqual([]);
  await w.clock.advance(10_000);
  expect(w.manager.verdicts('u', 'c', 'a').readiness).toBe(false);
  expect(times(w, '/start')).toEqual([]);
});

test('K13: a probe that cannot be carried out is tried three times, told, and changes nothing', async () => {
  const w = world();
  container(w, 'a');
  w.outcome = () => ({ result: 'error', message: 'runtime away' });
  w.manager.podAdded(podOf({ livenessProbe: http('/live', { periodSeconds: 10, failureThreshold: 1 }) }));
  await w.clock.advance(100);
  expect(w.attempts.length).toBe(3);
  expect(w.events).toEqual([
    'Warning Unhealthy c: Liveness probe errored and resulted in unknown state: runtime away',
  ]);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({});
});

test('K13: an outcome that comes after the container was restarted is dropped; a redirect elsewhere is a warning', async () => {
  const w = world();
  container(w, 'a');
  let finish: ((outcome: ProbeOutcome) => void) | undefined;
  w.outcome = () => new Promise((resolve) => (finish = resolve));
  const pod = podOf({ livenessProbe: http('/live', { periodSeconds: 10, failureThreshold: 1 }) });
  w.manager.podAdded(pod);
  await w.clock.advance(100);
  container(w, 'b');
  finish?.(bad);
  await w.clock.advance(0);
  expect(w.changes).toEqual([]);
  expect(w.events).toEqual([]);
  w.outcome = () => ({ result: 'warning', message: 'Probe terminated redirects, Response body: ' });
  w.manager.podAdded(pod);
  await w.clock.advance(10_000);
  expect(w.events).toEqual([
    'Warning ProbeWarning c: Liveness probe warning: Probe terminated redirects, Response body: ',
  ]);
  expect(w.manager.verdicts('u', 'c', 'b')).toEqual({ liveness: true });
});

test('K13: a removed probe has no verdict any more; sidecars are probed, plain init containers are not', async () => {
  const w = world();
  container(w, 'a');
  w.manager.podAdded(podOf({ readinessProbe: http('/ready') }));
  await w.clock.advance(100);
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({ readiness: true });
  w.manager.podAdded(podOf({}));
  expect(w.manager.verdicts('u', 'c', 'a')).toEqual({});
  const init = (restartPolicy?: string): Pod => ({
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: {
      initContainers: [
        { name: 'c', image: 'i', readinessProbe: http('/init'), ...(restartPolicy ? { restartPolicy } : {}) },
      ],
      containers: [],
    },
  });
  w.manager.podAdded(init());
  await w.clock.advance(20_000);
  expect(times(w, '/init')).toEqual([]);
  w.manager.podAdded(init('Always'));
  await w.clock.advance(100);
  expect(times(w, '/init').length).toBe(1);
});
