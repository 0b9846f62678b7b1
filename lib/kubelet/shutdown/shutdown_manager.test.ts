import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { type Logind, ShutdownManager } from './shutdown_manager.ts';

class FakeLogind implements Logind {
  delayMs = 30_000;
  raisable = true;
  absent = false;
  asked = 0;
  held = 0;
  locks = 0;
  tell: ((goingDown: boolean) => void) | undefined;
  lose: (() => void) | undefined;

  maxDelayMs(): Promise<number> {
    this.asked++;
    return this.absent ? Promise.reject(new Error('no logind')) : Promise.resolve(this.delayMs);
  }
  raiseMaxDelay(ms: number): Promise<void> {
    if (this.raisable) this.delayMs = ms;
    return Promise.resolve();
  }
  inhibit() {
    this.held++;
    this.locks++;
    return Promise.resolve({
      release: () => {
        this.held--;
        return Promise.resolve();
      },
    });
  }
  follow(changed: (goingDown: boolean) => void, signal: AbortSignal): Promise<void> {
    this.tell = changed;
    return new Promise((resolve, reject) => {
      this.lose = () => reject(new Error('connection lost'));
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

function pod(name: string, priority: number, grace = 30): Pod {
  return {
    metadata: { name, namespace: 'ns', uid: name },
    spec: { containers: [], priority, terminationGracePeriodSeconds: grace },
  };
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function setUp(pods: Pod[]) {
  const clock = new FakeClock();
  const logind = new FakeLogind();
  const log = new RecordingLog();
  const ends: string[] = [];
  const events: string[] = [];
  const ended = new Set<string>();
  const changes: (string | undefined)[] = [];
  const manager: ShutdownManager = new ShutdownManager({
    groups: [
      { priority: 0, seconds: 20 },
      { priority: 2_000_000_000, seconds: 10 },
    ],
    logind,
    pods: {
      active: () => pods,
      end: ({ metadata }, { reason, phase, disruption }, grace) =>
        void ends.push(`${metadata.name} ${phase} ${reason} ${disruption} ${grace}s`),
      ended: (uid) => ended.has(uid),
    },
    changed: () => void changes.push(manager.problem),
    events: { node: (type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
    observe: (what) => {
      ends.push(what);
      return Promise.resolve();
    },
    clock,
    log,
    random: () => 0,
  });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  stops.push(async () => {
    stop.abort();
    await clock.advance(60_000);
    await running;
  });
  await clock.advance(1);
  return { manager, clock, logind, log, ends, ended, changes, events };
}

test('K23: pods end in order of their importance, each within its time, and then the machine may go down', async () => {
  const { manager, clock, logind, ends, ended, changes } = await setUp([
    pod('critical', 2_000_000_000, 60),
    pod('quick', 0, 5),
    pod('slow', 10, 60),
  ]);
  expect(logind.held).toBe(1);
  expect(manager.refusal()).toBeUndefined();
  logind.tell?.(true);
  await clock.advance(0);
  expect(changes).toEqual(['node is shutting down']);
  expect(manager.refusal()).toEqual({
    reason: 'NodeShutdown',
    message: 'Pod was rejected as the node is shutting down.',
  });
  const all = 'Failed Terminated TerminationByKubelet';
  expect(ends).toEqual(['start', `quick ${all} 5s`, `slow ${all} 20s`]);
  ended.add('quick').add('slow');
  await clock.advance(400);
  expect(ends.slice(3)).toEqual([`critical ${all} 10s`]);
  expect(logind.held).toBe(1);
  ended.add('critical');
  await clock.advance(400);
  expect(logind.held).toBe(0);
  expect(ends.slice(4)).toEqual(['end']);
});

test('K23: a pod that does not end holds up the next group no longer than its time', async () => {
  const { clock, logind, log, ends } = await setUp([pod('stuck', 0), pod('critical', 2_000_000_000)]);
  logind.tell?.(true);
  for (let i = 0; i < 101; i++) await clock.advance(200);
  expect(ends.map((end) => end.split(' ')[0])).toEqual(['start', 'stuck', 'critical']);
  expect(log.messages).toContain('Shutdown manager: a pod did not end in time');
  for (let i = 0; i < 51; i++) await clock.advance(200);
  expect(logind.held).toBe(0);
});

test('K23: a shutdown that is called off makes the node ready again, and the next one is delayed as well', async () => {
  const { manager, clock, logind, ends, events } = await setUp([
    pod('stuck', 0),
    pod('critical', 2_000_000_000),
  ]);
  logind.tell?.(true);
  await clock.advance(1000);
  logind.tell?.(false);
  await clock.advance(60_000);
  expect(manager.problem).toBeUndefined();
  expect(ends.map((end) => end.split(' ')[0])).toEqual(['start', 'stuck', 'end']);
  expect(events).toEqual([
    'Normal NodeShutdown Shutdown manager detected shutdown event',
    'Normal NodeShutdown Shutdown manager detected shutdown cancellation',
  ]);
  expect(logind.held).toBe(1);
});

test('K23: logind is made to allow the delay; where it does not, that is said', async () => {
  const { clock, logind, log } = await setUp([]);
  expect(logind.delayMs).toBe(30_000);
  logind.lose?.();
  logind.delayMs = 5000;
  await clock.advance(2000);
  expect(logind.delayMs).toBe(30_000);
  expect(logind.locks).toBe(2);
  expect(logind.held).toBe(1);
  logind.raisable = false;
  logind.delayMs = 5000;
  logind.lose?.();
  for (let i = 0; i < 10; i++) await clock.advance(1000);
  expect(log.entries.at(-1)).toMatchObject({
    err: {
      message:
        'node shutdown manager was timed out after 3 attempts waiting for logind InhibitDelayMaxSec to update to 30s (ShutdownGracePeriod), current value is 5s',
    },
  });
});

test('K23: a machine without logind is asked ever more rarely, up to twice a minute; once it is there, soon again', async () => {
  const { clock, logind } = await setUp([]);
  logind.absent = true;
  logind.lose?.();
  const asked = async (ms: number): Promise<number> => {
    const before = logind.asked;
    await clock.advance(ms);
    return logind.asked - before;
  };
  expect(await asked(61_000)).toBe(6); // after 1, 3, 7, 15, 31 and 61 s
  expect(await asked(300_000)).toBe(10);
  logind.absent = false;
  await clock.advance(30_000);
  expect(logind.held).toBe(1);
  logind.lose?.();
  await clock.advance(1000);
  expect(logind.held).toBe(1);
});
