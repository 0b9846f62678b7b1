/** The apiserver is away while pods crash: they are restarted all the same, and the API hears of it later. */
import { setTimeout as sleep } from 'node:timers/promises';
import { closeApi } from '../../e2e/support/cluster.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { TestNamespace } from '../../e2e/support/namespace.ts';
import { scriptPod } from '../../e2e/support/workloads.ts';
import { Bystanders, comesAndGoes } from '../support/bystanders.ts';
import {
  KUBELET,
  NODE,
  nodeIs,
  restartKubelet,
  restartsOf,
  scaled,
  standing,
  withRuntime,
} from '../support/node_under_fault.ts';

const AWAY_MS = scaled(600_000, 60_000);
const APISERVER = 'kube-apiserver';

afterAll(async () => {
  if (!standing.alive(APISERVER)) await standing.start(APISERVER);
  await closeApi();
});

async function attempts(pod: string): Promise<number> {
  const { containers } = await withRuntime((runtime) =>
    runtime.listContainers({ filter: { labelSelector: { 'io.kubernetes.pod.name': pod } } }),
  );
  return Math.max(...containers.map(({ metadata }) => metadata?.attempt ?? 0));
}

test(
  `the apiserver is away for ${AWAY_MS / 1000} s, the kubelet restarted meanwhile`,
  async () => {
    const ns = await TestNamespace.create('api-away');
    const bystanders = await Bystanders.start(ns);
    const spec = { nodeName: NODE, restartPolicy: 'Always' };
    await ns.apply(
      scriptPod('crashes', 'sleep 2; exit 3', { spec }),
      scriptPod('fails-its-probe', 'touch /ok; sleep 20; rm /ok; sleep 3600', {
        spec,
        container: {
          livenessProbe: { exec: { command: ['cat', '/ok'] }, periodSeconds: 1, failureThreshold: 2 },
        },
      }),
      scriptPod('ends', 'sleep 25', { spec: { ...spec, restartPolicy: 'Never' } }),
    );
    await ns.ready('fails-its-probe');
    await standing.kill(APISERVER);
    const [crashes, kills] = [await attempts('crashes'), await attempts('fails-its-probe')];
    await sleep(AWAY_MS * 0.8);
    expect(await attempts('crashes')).toBeGreaterThan(crashes);
    expect(await attempts('fails-its-probe')).toBeGreaterThan(kills);
    // What a kubelet that starts now cannot know of, it leaves alone.
    await restartKubelet();
    await sleep(AWAY_MS * 0.2);
    expect(standing.alive(KUBELET)).toBe(true);
    await standing.start(APISERVER);

    await eventually('the API answers', () => bystanders.haveNotNoticed(), { timeoutMs: 60_000 });
    await nodeIs('True', 60_000);
    await eventually('the API has the restarts', async () => {
      expect(restartsOf(await ns.pod('crashes'))).toEqual([expect.any(Number)]);
      expect(Math.max(...restartsOf(await ns.pod('crashes')))).toBeGreaterThan(crashes);
      expect(Math.max(...restartsOf(await ns.pod('fails-its-probe')))).toBeGreaterThan(kills);
    });
    await ns.ended('ends', 'Succeeded');
    await comesAndGoes(ns, 30_000);
    await bystanders.haveNotNoticed();
    await ns[Symbol.asyncDispose]();
  },
  AWAY_MS + 300_000,
);
