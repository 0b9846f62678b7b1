/** What goes on around a scheduler: the apiserver goes away, others bind too, nodes vanish under pods, objects make no sense. */
import { setTimeout as sleep } from 'node:timers/promises';
import { NODES, PODS } from '../../../lib/client/resource.ts';
import { scaled } from '../support/scale.ts';
import { fullest, moved, PODS_PER_NODE, SchedulerArena } from '../support/scheduler_arena.ts';

const AWAY_MS = scaled(300_000, 10_000);

let arena: SchedulerArena;
beforeEach(async () => {
  arena = await SchedulerArena.start(20);
});
afterEach(() => arena.stop());

test(`S11: apiserver away for ${AWAY_MS / 1000} s in the middle of a burst: it waits, and goes on when it is back`, async () => {
  const scheduler = arena.startScheduler();
  const creating = arena.createPods(0, 300).catch(() => undefined); // those after the kill are not created
  await arena.bound(100);
  await arena.server.kill();
  await creating;
  await sleep(AWAY_MS);
  expect(scheduler.process.running).toBe(true);
  await arena.server.restart();
  const before = await arena.placements();
  await arena.createPod('after');
  const waiting = (await arena.server.client.list(PODS)).items.length;
  const all = await arena.bound(waiting, 30_000);
  expect(moved(before, all)).toEqual([]);
  expect(fullest(all)).toBeLessThanOrEqual(PODS_PER_NODE);
  expect(scheduler.process.running).toBe(true);
}, 600_000);

test('S11: another scheduler binds the same pods: conflicts are taken as they come', async () => {
  arena.startScheduler();
  arena.startScheduler();
  await arena.createPods(0, 300);
  const all = await arena.bound(300);
  // Each sees what the other has bound only after it is: a node may be promised twice for a moment.
  console.log(`two schedulers without a lease: fullest node ${fullest(all)} of ${PODS_PER_NODE}`);
  await arena.createPods(300, 400);
  const later = await arena.bound(390);
  expect(moved(all, later)).toEqual([]);
  console.log(`and when all places are taken: ${fullest(later)}`);
});

test('S11: nodes deleted while pods are bound to them: pods that come later go elsewhere', async () => {
  const scheduler = arena.startScheduler();
  const creating = arena.createPods(0, 200);
  await arena.bound(30);
  const gone = ['n0', 'n1', 'n2', 'n3'];
  await Promise.all(gone.map((name) => arena.server.client.delete(NODES, { name })));
  await creating;
  const before = await arena.bound(200);
  await arena.createPods(200, 300);
  const all = await arena.bound(300);
  const later = [...all].filter(([pod]) => !before.has(pod)).map(([, node]) => node);
  expect(later.filter((node) => gone.includes(node))).toEqual([]);
  // A node of the same name is a new one, with room.
  await arena.createNode('n0');
  await arena.createPod('back', { nodeSelector: { 'kubernetes.io/hostname': 'n0' } });
  await arena.bound(all.size + 1);
  expect(scheduler.process.running).toBe(true);
});

test('S12: objects that make no sense keep nobody else from being scheduled', async () => {
  const { client } = arena.server;
  const claimless = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'missing' } }] };
  await arena.createPod('without-claim', claimless);
  await arena.createPod('of-another', { schedulerName: 'nobody' });
  await arena.createPod('impossible', { nodeSelector: { 'kubernetes.io/hostname': 'nowhere' } });
  const topologySpreadConstraints = [
    { topologyKey: 'no/such', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
  ];
  await arena.createPod('spread-over-nothing', { topologySpreadConstraints });
  // A node that says nothing of itself, and one whose labels are strange.
  await client.create(NODES, { metadata: { name: 'mute' } });
  await client.create(NODES, {
    metadata: { name: 'odd', labels: { 'kubernetes.io/hostname': '', 'topology.kubernetes.io/zone': '' } },
    status: { allocatable: { cpu: '0', memory: '1.5e9', pods: '1e3', 'example.com/x': '0' } },
  });
  const scheduler = arena.startScheduler();
  await arena.createPods(0, 200);
  const all = await arena.bound(200);
  expect([...all.keys()].filter((pod) => !/^default\/p\d+ /.test(pod))).toEqual([]);
  expect(fullest(all)).toBeLessThanOrEqual(PODS_PER_NODE);
  expect(scheduler.process.running).toBe(true);
});
