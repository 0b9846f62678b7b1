/** The scheduler is killed (SIGKILL) again and again while pods come: none is bound twice, none is lost, no node has too many. */
import { setTimeout as sleep } from 'node:timers/promises';
import { scaled } from '../support/scale.ts';
import { fullest, moved, PODS_PER_NODE, SchedulerArena } from '../support/scheduler_arena.ts';

const KILLS = scaled(50, 5);
const PODS = KILLS * 40;
/** From start to kill: some die before they have seen the cluster, some in the middle of a burst of bindings. */
const LONGEST_LIFE_MS = 2500;

test(`S11: ${KILLS} kills in a run of ${PODS} pods, on nodes that take these and no more`, async () => {
  const arena = await SchedulerArena.start(PODS / PODS_PER_NODE);
  try {
    let before: ReadonlyMap<string, string> = new Map();
    let busy = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const scheduler = arena.startScheduler();
      const creating = arena.createPods(kill * 40, (kill + 1) * 40);
      await sleep(Math.random() * LONGEST_LIFE_MS);
      await arena.end(scheduler, 'SIGKILL');
      await creating;
      const after = await arena.placements();
      expect(moved(before, after)).toEqual([]);
      expect(fullest(after)).toBeLessThanOrEqual(PODS_PER_NODE);
      if (after.size > before.size && after.size < (kill + 1) * 40) busy++;
      before = after;
    }
    console.log(
      `${before.size} of ${PODS} bound when the last was killed; ${busy} kills left work half done`,
    );
    arena.startScheduler();
    const all = await arena.bound(PODS);
    expect(moved(before, all)).toEqual([]);
    expect(all.size).toBe(PODS);
    expect(fullest(all)).toBe(PODS_PER_NODE);
  } finally {
    await arena.stop();
  }
}, 900_000);
