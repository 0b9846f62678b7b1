/**
 * The kubelet is killed (SIGKILL) again and again while pods come and go: every container runs exactly once, no pod is lost,
 * and nothing is left of those that are gone.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeApi, nodeFile } from '../../e2e/support/cluster.ts';
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
/** On the node; each start of a container leaves a file there. */
const STARTS = '/run/tsk-faults-starts';

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
    let kills = 0;
    const killer = async (): Promise<void> => {
      for (; kills < KILLS; kills++) {
        await sleep(Math.random() * 3000);
        await restartKubelet();
      }
    };
    await Promise.all([churn, killer()]);
    await nodeIs('True');

    expect(lost).toEqual([]);
    // A file a start: a container that was started twice has left two.
    const startsOf = new Map<string, number>();
    for (const file of readdirSync(starts)) {
      const [name = ''] = file.split('.');
      startsOf.set(name, (startsOf.get(name) ?? 0) + 1);
    }
    expect([...startsOf].filter(([, count]) => count !== 1)).toEqual([]);
    expect(startsOf.size).toBe(PODS);
    await bystanders.haveNotNoticed();
    await nothingLeft();
    rmSync(starts, { recursive: true });
  },
  120_000 + PODS * 4000 + KILLS * 6000,
);

/** The life of one pod: it ends by itself, or it is deleted once it runs. */
async function live(ns: TestNamespace, name: string, endsItself: boolean): Promise<void> {
  const start = 'touch /starts/$(hostname).$(date +%s%N).$RANDOM;';
  const script = endsItself ? `${start} sleep 1` : `${start} ${STAYS}`;
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
  else await ns.ready(name, 120_000);
  await ns.kubectl('delete', 'pod', name, '--wait=false');
  await ns.gone(name, 120_000);
}
