/**
 * Ours and the stock scheduler on the same nodes, each for pods of its own. The API lets anybody bind to a full node: what
 * keeps two schedulers apart is that each counts what it sees of the other's bindings, as two stock schedulers do.
 */
import { fullest, moved, PODS_PER_NODE, SchedulerArena } from '../support/scheduler_arena.ts';

const NODE_COUNT = 5;
const ROOM = NODE_COUNT * PODS_PER_NODE;

let arena: SchedulerArena;
beforeEach(async () => {
  arena = await SchedulerArena.start(NODE_COUNT);
});
afterEach(() => arena.stop());

const profile = (schedulerName: string) => ({ profiles: [{ schedulerName }] });

const create = (i: number): Promise<void> =>
  arena.createPod(`p${i}`, { schedulerName: i % 2 === 0 ? 'first' : 'second' });

test('S5: pods that come one after the other, for the one and for the other, fill every node and none beyond', async () => {
  arena.startScheduler({ config: profile('first') });
  arena.startScheduler({ config: profile('second'), stock: true });
  for (let i = 0; i < ROOM; i++) {
    await create(i);
    await arena.bound(i + 1);
  }
  const full = await arena.placements();
  expect(fullest(full)).toBe(PODS_PER_NODE);
  // For these there is no room, whoever is asked.
  await create(ROOM);
  await create(ROOM + 1);
  await arena.refused(2);
  expect(await arena.placements()).toEqual(full);
});

test.each([
  ['ours and stock', true],
  ['two of stock', false],
] as const)(
  'all at once, %s: whatever both took for free in the same moment, later pods do not go to full nodes',
  async (who, ours) => {
    arena.startScheduler({ config: profile('first'), stock: !ours });
    arena.startScheduler({ config: profile('second'), stock: true });
    const most = ROOM - NODE_COUNT;
    await Promise.all(Array.from({ length: most }, (_, i) => create(i)));
    const before = await arena.bound(most);
    console.log(`${who}: fullest node ${fullest(before)} of ${PODS_PER_NODE}`);
    const full = new Set(
      [...before.values()].filter(
        (node) => [...before.values()].filter((other) => other === node).length >= PODS_PER_NODE,
      ),
    );
    const left = [...before.values()].filter((node) => !full.has(node)).length;
    const room = (NODE_COUNT - full.size) * PODS_PER_NODE - left;
    for (let i = 0; i < room; i++) {
      await create(1000 + i);
      await arena.bound(most + i + 1);
    }
    const after = await arena.placements();
    expect(moved(before, after)).toEqual([]);
    const later = [...after].filter(([pod]) => !before.has(pod)).map(([, node]) => node);
    expect(later.filter((node) => full.has(node))).toEqual([]);
    expect(fullest(after)).toBe(Math.max(fullest(before), PODS_PER_NODE));
  },
);
