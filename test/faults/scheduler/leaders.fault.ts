/** Two replicas, of which one leads: it is stopped in good order, killed, and paused until another has taken over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LEASES } from '../../../lib/client/resource.ts';
import type { RunningScheduler } from '../support/scheduler_arena.ts';
import { fullest, moved, PODS_PER_NODE, SchedulerArena } from '../support/scheduler_arena.ts';

const LEASE = { namespace: 'kube-system', name: 'kube-scheduler' };
/** As configured by {@link SchedulerArena.startScheduler}. */
const LEASE_MS = 3000;

let arena: SchedulerArena;
beforeEach(async () => {
  arena = await SchedulerArena.start(60);
});
afterEach(() => arena.stop());

const holder = async (): Promise<string> =>
  (await arena.server.client.get(LEASES, LEASE)).spec?.holderIdentity ?? '';

/** Waits until somebody else than `before` leads. */
async function nextLeader(before: string, timeoutMs = 15_000): Promise<string> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const now = await holder().catch(() => '');
    if (now !== '' && now !== before) return now;
    if (Date.now() > end) throw new Error(`still ${before === '' ? 'nobody' : before} leads`);
    await sleep(20);
  }
}

async function startTwo(): Promise<{ leader: RunningScheduler; other: RunningScheduler; identity: string }> {
  const leader = arena.startScheduler({ withLease: true });
  const identity = await nextLeader('');
  const other = arena.startScheduler({ withLease: true });
  await arena.createPods(0, 10);
  await arena.bound(10);
  await sleep(1500); // the other has listed everything by then
  return { leader, other, identity };
}

test('S7: stopped in good order: the other schedules within 3 s', async () => {
  const { leader } = await startTwo();
  const began = Date.now();
  const ending = arena.end(leader, 'SIGTERM');
  await arena.createPod('after');
  await arena.bound(11);
  const took = Date.now() - began;
  await ending;
  console.log(`failover after SIGTERM: ${took} ms`);
  expect(took).toBeLessThan(3000);
});

test('S7: killed: the other schedules when the lease has run out', async () => {
  const { leader, identity } = await startTwo();
  await arena.createPods(10, 400);
  const began = Date.now();
  await arena.end(leader, 'SIGKILL');
  const before = await arena.placements();
  await nextLeader(identity);
  const all = await arena.bound(400);
  console.log(`failover after SIGKILL: ${Date.now() - began} ms`);
  expect(moved(before, all)).toEqual([]);
  expect(fullest(all)).toBeLessThanOrEqual(PODS_PER_NODE);
});

test('S7: paused past its lease: it binds nothing more when it goes on, though pods wait and nobody else acts', async () => {
  const { leader, other, identity } = await startTwo();
  // In the middle of a burst, so that it has work in its hands.
  const creating = arena.createPods(10, 700);
  await arena.bound(200);
  leader.signal('SIGSTOP');
  await creating;
  await nextLeader(identity);
  other.signal('SIGSTOP');
  await sleep(300); // what was sent is answered by then
  await arena.createPods(700, 900);
  const before = await arena.placements();
  leader.signal('SIGCONT');
  // Shorter than the other's lease: the first must not lead again either.
  await sleep(LEASE_MS - 1000);
  const after = await arena.placements();
  console.log(
    `bound by the first after it went on: ${after.size - before.size} of ${900 - before.size} that wait`,
  );
  expect(after).toEqual(before);
  other.signal('SIGCONT');
  // Whoever cannot renew in time ends; the service manager starts it again.
  arena.startScheduler({ withLease: true });
  const all = await arena.bound(900);
  expect(moved(before, all)).toEqual([]);
  expect(fullest(all)).toBeLessThanOrEqual(PODS_PER_NODE);
});
