/** Draining a node: its pods go elsewhere within the disruption budget, and it takes new ones after. */
import { NODES } from '../../lib/client/resource.ts';
import { api, closeApi, cluster, kubectl, kubectlResult, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { describePod, isReady, TestNamespace } from './support/namespace.ts';
import { netexecDeployment } from './support/workloads.ts';

const [first, second] = twoNodes();
let ns: TestNamespace;
beforeAll(async () => {
  ns = await TestNamespace.create('drain');
});
afterAll(async () => {
  await kubectl(['uncordon', first.name]);
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

test('a drained node is empty, every pod runs elsewhere, the budget held throughout', async () => {
  await ns.apply(netexecDeployment('web', 4), {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'web' },
    spec: { minAvailable: 3, selector: { matchLabels: { app: 'web' } } },
  });
  await ns.rolledOut('deployment/web');
  const before = await ns.pods('app=web');
  expect(before.filter((pod) => pod.spec.nodeName === first.name).length).toBeGreaterThan(0);

  let fewest = before.length;
  const drained = new AbortController();
  const watched = (async () => {
    while (!drained.signal.aborted) {
      fewest = Math.min(fewest, (await ns.pods('app=web')).filter((pod) => isReady(pod)).length);
    }
  })();
  const others = cluster().inCluster ? ['--pod-selector=app=web'] : ['--ignore-daemonsets'];
  const result = await kubectlResult(
    ['drain', first.name, '--delete-emptydir-data', '--timeout=120s', ...others],
    { timeoutMs: 130_000 },
  );
  drained.abort();
  await watched;
  expect([result.exitCode, result.stderr]).toEqual([0, expect.any(String)]);
  expect(fewest).toBeGreaterThanOrEqual(3);

  await ns.rolledOut('deployment/web', 60);
  await eventually('all run on the other node', async () => {
    const pods = await ns.pods('app=web');
    if (pods.length !== 4 || !pods.every((pod) => isReady(pod) && pod.spec.nodeName === second.name)) {
      throw new Error(pods.map((pod) => describePod(pod)).join('; '));
    }
  });
  expect((await api().get(NODES, { name: first.name })).spec?.unschedulable).toBe(true);
});

test('after uncordon the node takes pods again', async () => {
  await kubectl(['uncordon', first.name]);
  await ns.kubectl('scale', 'deployment/web', '--replicas=8');
  await ns.rolledOut('deployment/web');
  expect((await ns.pods('app=web')).some((pod) => pod.spec.nodeName === first.name)).toBe(true);
});
