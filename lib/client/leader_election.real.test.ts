import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { startApiserver } from '../../test/fixtures/apiserver.ts';
import type { Apiserver } from '../../test/fixtures/apiserver.ts';
import { systemClock } from '../base/clock.ts';
import { runLeaderElection } from './leader_election.ts';
import type { LeaderElectionOptions } from './leader_election.ts';
import { LEASES } from './resource.ts';

let server: Apiserver;
beforeAll(async () => {
  server = await startApiserver();
}, 120_000);
afterAll(async () => {
  await server.stop();
}, 60_000);

// Long enough that a busy machine does not lose leadership by itself.
const durations = { leaseDurationMs: 5_000, renewDeadlineMs: 4_000, retryPeriodMs: 300 };

/** A contender in this process, and what happened to it in order. */
function contend(
  name: string,
  identity: string,
  options: Partial<LeaderElectionOptions> = {},
): { log: string[]; stop: AbortController; done: Promise<void> } {
  const log: string[] = [];
  const stop = new AbortController();
  const done = runLeaderElection({
    client: server.client,
    namespace: 'default',
    name,
    identity,
    ...durations,
    releaseOnCancel: true,
    clock: systemClock,
    onStartedLeading: (signal) => {
      log.push('started');
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          log.push('work ended');
          resolve();
        }),
      );
    },
    onStoppedLeading: () => log.push('stopped'),
    onNewLeader: (leader) => log.push(`leader ${leader}`),
    signal: stop.signal,
    ...options,
  });
  return { log, stop, done };
}

const leaseOf = (name: string) => server.client.get(LEASES, { namespace: 'default', name });

test('of two contenders one leads; when it stops it gives the lease up and the other follows at once', async () => {
  const a = contend('handover', 'a');
  await until(() => a.log.includes('started'));
  const b = contend('handover', 'b');
  await until(() => b.log.includes('leader a'));
  const held = await leaseOf('handover');
  expect(held.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 5, leaseTransitions: 0 });
  expect(held.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  a.stop.abort();
  await a.done;
  expect(a.log).toEqual(['leader a', 'started', 'work ended', 'stopped']);
  await until(() => b.log.includes('started'));
  const taken = await leaseOf('handover');
  expect(taken.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  expect(taken.spec?.acquireTime).not.toBe(held.spec?.acquireTime);
  b.stop.abort();
  await b.done;
}, 60_000);

test('a leader killed by SIGKILL is followed after its lease has run out, not before', async () => {
  const script = `
    const { createClient, loadKubeconfig } = await import(${JSON.stringify(join(__dirname, 'kubeconfig.ts'))});
    const { runLeaderElection } = await import(${JSON.stringify(join(__dirname, 'leader_election.ts'))});
    const { systemClock } = await import(${JSON.stringify(join(__dirname, '..', 'base', 'clock.ts'))});
    setInterval(() => {}, 1000);
    await runLeaderElection({
      client: createClient(loadKubeconfig({ path: ${JSON.stringify(server.kubeconfigPath)} })),
      namespace: 'default', name: 'killed', identity: 'victim', ...${JSON.stringify(durations)},
      releaseOnCancel: true, clock: systemClock, signal: new AbortController().signal,
      onStartedLeading: async () => console.log('leading'), onStoppedLeading: () => {},
    });`;
  const victim = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => victim.stdout.once('data', resolve));
  const heir = contend('killed', 'heir');
  await until(() => heir.log.includes('leader victim'));
  victim.kill('SIGKILL');
  await new Promise((resolve) => victim.once('close', resolve));
  const last = await leaseOf('killed');
  expect(last.spec?.holderIdentity).toBe('victim');
  await until(() => heir.log.includes('started'));
  const taken = await leaseOf('killed');
  expect(taken.spec).toMatchObject({ holderIdentity: 'heir', leaseTransitions: 1 });
  const waitedMs = Date.parse(taken.spec?.acquireTime ?? '') - Date.parse(last.spec?.renewTime ?? '');
  expect(waitedMs).toBeGreaterThanOrEqual(durations.leaseDurationMs);
  heir.stop.abort();
  await heir.done;
}, 60_000);

test('a leader whose lease was taken away stops', async () => {
  const a = contend('stolen', 'a');
  await until(() => a.log.includes('started'));
  await server.client.patch(
    LEASES,
    { namespace: 'default', name: 'stolen' },
    { spec: { holderIdentity: 'thief' } },
    { type: 'merge' },
  );
  await a.done;
  expect(a.log).toEqual(['leader a', 'started', 'leader thief', 'work ended', 'stopped']);
  expect((await leaseOf('stolen')).spec?.holderIdentity).toBe('thief');
}, 60_000);

test('a leader that cannot renew stops', async () => {
  const errors: unknown[] = [];
  const a = contend('cut-off', 'a', { onError: (err) => errors.push(err) });
  await until(() => a.log.includes('started'));
  await server.kill();
  await a.done;
  expect(a.log.at(-1)).toBe('stopped');
  expect(errors.length).toBeGreaterThan(0);
  await server.restart();
}, 60_000);

test('work that fails ends the election with its error, and the lease is given up', async () => {
  const a = contend('failing', 'a', { onStartedLeading: () => Promise.reject(new Error('broken work')) });
  await expect(a.done).rejects.toThrow('broken work');
  expect((await leaseOf('failing')).spec?.holderIdentity).toBe('');
}, 60_000);

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('not so within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
