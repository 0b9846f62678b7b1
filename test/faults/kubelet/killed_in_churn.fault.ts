/**
 * The kubelet is killed (SIGKILL) again and again while pods come and go: every container runs exactly once, no pod is lost,
 * and nothing is left of those that are gone.
 */
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeApi, nodeFile } from '../../e2e/support/cluster.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { TestNamespace } from '../../e2e/support/namespace.ts';
import { scriptPod } from '../../e2e/support/workloads.ts';
import { Bystanders, STAYS } from '../support/bystanders.ts';
import {
  KUBELET,
  NODE,
  nodeIs,
  nothingLeft,
  restartKubelet,
  scaled,
  standing,
} from '../support/node_under_fault.ts';

const PODS = scaled(500, 40);
const KILLS = scaled(50, 6);
const AT_ONCE = 12;
/**
 * On the node; each start of a container leaves a file there, and another when it has lived for a second. A kubelet that
 * dies while the runtime starts a container for it takes the request with it: the runtime gives the start up, which may
 * have come as far as the program's first lines.
 */
const STARTS = '/run/tsk-faults-starts';
const LIVED = '.lived';
const CUT_SHORT_MS = 1500;

afterAll(async () => {
  if (!standing.alive(KUBELET)) await restartKubelet();
  await closeApi();
});

test(
  `${KILLS} kills in a churn of ${PODS} pods`,
  async () => {
    await using ns = await TestNamespace.create('churn');
    const starts = nodeFile(NODE, STARTS);
    rmSync(starts, { recursive: true, force: true });
    mkdirSync(starts);
    const bystanders = await Bystanders.start(ns);

    let next = 0;
    const lost: string[] = [];
    const worker = async (): Promise<void> => {
      while (next < PODS) {
        const name = `churn-${next++}`;
        await live(ns, name, next % 3 === 0).catch((error: unknown) =>
          lost.push(`${name}: ${String(error)}`),
        );
      }
    };
    const churn = Promise.all(Array.from({ length: AT_ONCE }, worker));
    const kills: number[] = [];
    const killer = async (): Promise<void> => {
      while (kills.length < KILLS) {
        await sleep(Math.random() * 3000);
        kills.push(Date.now());
        await restartKubelet();
      }
    };
    await Promise.all([churn, killer()]);
    await nodeIs('True');

    expect(lost).toEqual([]);
    const names = Array.from({ length: PODS }, (_, i) => `churn-${i}`);
    const files = readdirSync(starts);
    const filesOf = (name: string, lived: boolean): string[] =>
      files.filter((file) => file.startsWith(`${name}.`) && file.endsWith(LIVED) === lived);
    expect(names.filter((name) => filesOf(name, true).length !== 1)).toEqual([]);
    for (const name of names) {
      const begun = filesOf(name, false).map((file) => statSync(join(starts, file)).mtimeMs);
      const cutShort = begun.toSorted((a, b) => a - b).slice(0, -1);
      const byKill = cutShort.every((at) => kills.some((kill) => Math.abs(kill - at) < CUT_SHORT_MS));
      expect({ name, begun: begun.length, cutShort, byKill }).toMatchObject({ name, byKill: true });
      if (cutShort.length > 0) console.log(`${name}: ${cutShort.length} start cut short by a kill`);
    }
    await bystanders.haveNotNoticed();
    await nothingLeft();
    rmSync(starts, { recursive: true });
  },
  120_000 + PODS * 4000 + KILLS * 6000,
);

/** The life of one pod: it ends by itself, or it is deleted once it runs. */
async function live(ns: TestNamespace, name: string, endsItself: boolean): Promise<void> {
  const start = `f=/starts/$(hostname).$RANDOM; touch $f; sleep 1; touch $f${LIVED};`;
  const script = endsItself ? start : `${start} ${STAYS}`;
  await ns.apply(
    scriptPod(name, script, {
      spec: {
        nodeName: NODE,
        restartPolicy: endsItself ? 'Never' : 'Always',
        volumes: [
          { name: 'starts', hostPath: { path: STARTS } },
          { name: 'scratch', emptyDir: { medium: 'Memory' } },
        ],
      },
      container: {
        volumeMounts: [
          { name: 'starts', mountPath: '/starts' },
          { name: 'scratch', mountPath: '/scratch' },
        ],
      },
    }),
  );
  if (endsItself) await ns.ended(name, 'Succeeded', 120_000);
  else {
    await ns.ready(name, 120_000);
    await eventually(`${name} lives`, async () => {
      expect(
        readdirSync(nodeFile(NODE, STARTS)).some(
          (file) => file.startsWith(`${name}.`) && file.endsWith(LIVED),
        ),
      ).toBe(true);
    });
  }
  await ns.kubectl('delete', 'pod', name, '--wait=false');
  await ns.gone(name, 120_000);
}
