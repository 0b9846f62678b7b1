/**
 * What the scheduler is told comes late, and in another order than it happened: nodes before or after the pods on them,
 * bindings before or after their answers. Each test ends with as many pods as there is room for: a place that is counted
 * twice leaves a pod without one, a place that is forgotten makes a node too full.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NODES, PODS } from '../../../lib/client/resource.ts';
import { fullest, moved, PODS_PER_NODE, SchedulerArena } from '../support/scheduler_arena.ts';
import type { Meddling } from '../support/slow_proxy.ts';
import { SlowProxy } from '../support/slow_proxy.ts';

const NODE_COUNT = 20;
const ROOM = NODE_COUNT * PODS_PER_NODE;
const LATEST_MS = 500;

let arena: SchedulerArena;
let proxy: SlowProxy | undefined;
beforeEach(async () => {
  arena = await SchedulerArena.start(NODE_COUNT);
});
afterEach(async () => {
  await arena.stop();
  await proxy?.stop();
});

async function startThrough(meddling: Meddling): Promise<void> {
  proxy = await SlowProxy.start(arena.server, meddling);
  const clientConnection = { kubeconfig: proxy.kubeconfigPath, qps: 5000, burst: 5000 };
  arena.startScheduler({ config: { clientConnection } });
}

const isBinding = ({ method, path }: { method: string; path: string }): boolean =>
  method === 'POST' && path.includes('/binding');

const deleteNodes = async (names: readonly string[]): Promise<void> => {
  await Promise.all(names.map((name) => arena.server.client.delete(NODES, { name })));
};

const createNodes = async (names: readonly string[]): Promise<void> => {
  await Promise.all(names.map((name) => arena.createNode(name)));
};

test('S11: watches and answers come late by chance, while pods and nodes come and go', async () => {
  const { client } = arena.server;
  await startThrough({
    delay: (asked) => (isBinding(asked) || asked.path.includes('watch=true') ? Math.random() * LATEST_MS : 0),
  });
  await arena.createPods(0, 100);
  await arena.bound(60);
  const names = ['n0', 'n1', 'n2', 'n3', 'n4'];
  const creating = arena.createPods(100, 300);
  await deleteNodes(names);
  await sleep(Math.random() * LATEST_MS);
  await createNodes(names);
  // Pods go as well: some that have a node, some that are about to get one.
  const { items } = await client.list(PODS);
  const going = items.filter((_, i) => i % 4 === 0).map(({ metadata: { name } }) => name);
  await Promise.all(
    going.map((name) => client.delete(PODS, { namespace: 'default', name }, { gracePeriodSeconds: 0 })),
  );
  await creating;
  const before = await arena.bound(300 - going.length);
  await arena.createPods(300, ROOM + going.length);
  const full = await arena.bound(ROOM);
  expect(moved(before, full)).toEqual([]);
  expect(fullest(full)).toBe(PODS_PER_NODE);
  await arena.createPod('too-many');
  await sleep(2 * LATEST_MS);
  expect((await arena.placements()).size).toBe(ROOM);
});

test('S11: nodes go while pods are assumed on them, and come back after those are bound', async () => {
  const held: string[] = [];
  await startThrough({
    async before(asked) {
      if (!isBinding(asked)) return;
      held.push(asked.path);
      await sleep(1500);
    },
  });
  await arena.createPods(0, 200);
  while (held.length < 150) await sleep(20);
  const names = ['n0', 'n1', 'n2', 'n3', 'n4'];
  await deleteNodes(names);
  // The server binds to nodes that are not there.
  const before = await arena.bound(200);
  expect([...before.values()].some((node) => names.includes(node))).toBe(true);
  await createNodes(names);
  await arena.createPods(200, ROOM);
  const full = await arena.bound(ROOM);
  expect(moved(before, full)).toEqual([]);
  expect(fullest(full)).toBe(PODS_PER_NODE);
});

test('S11: somebody else binds the pod first: the conflict costs neither the pod nor the room', async () => {
  const { client } = arena.server;
  await arena.createNode('elsewhere');
  await client.patch(NODES, { name: 'elsewhere' }, { spec: { unschedulable: true } }, { type: 'merge' });
  let stolen = 0;
  await startThrough({
    async before(asked) {
      const name = isBinding(asked) ? /\/pods\/(p\d*7)\/binding/.exec(asked.path)?.[1] : undefined;
      if (name === undefined) return;
      stolen++;
      await client.createSubresource(PODS, { namespace: 'default', name }, 'binding', {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace: 'default', name },
        target: { apiVersion: 'v1', kind: 'Node', name: 'elsewhere' },
      });
    },
  });
  await arena.createPods(0, 300);
  const before = await arena.bound(300);
  expect(stolen).toBe(30);
  const elsewhere = [...before].filter(([, node]) => node === 'elsewhere').map(([pod]) => pod);
  expect(elsewhere).toHaveLength(30);
  expect(elsewhere.filter((pod) => !/\/p\d*7 /.test(pod))).toEqual([]);
  // Names that do not end in 7, until there is no room.
  const names = Array.from({ length: ROOM - 270 }, (_, i) => `q${i}`);
  await Promise.all(names.map((name) => arena.createPod(name)));
  const full = await arena.bound(ROOM + 30);
  expect(moved(before, full)).toEqual([]);
  expect(fullest(new Map([...full].filter(([, node]) => node !== 'elsewhere')))).toBe(PODS_PER_NODE);
});
