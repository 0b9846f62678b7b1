/** `hack/up --in-cluster`: ts-scheduler as a Deployment and ts-kube-proxy as a DaemonSet, from deploy/manifests. */
import { LEASES, PODS, SERVICES } from '../../lib/client/resource.ts';
import type { Pod } from '../../lib/api/types.ts';
import { api, closeApi, cluster, kubectl, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { describePod, isReady, TestNamespace } from './support/namespace.ts';
import { send, SteadyTraffic } from './support/traffic.ts';
import { netexecDeployment, netexecService, scriptPod } from './support/workloads.ts';

const [first, second] = twoNodes();

afterAll(closeApi);

async function podsOf(name: string): Promise<readonly Pod[]> {
  const { items } = await api().list(PODS, {
    namespace: 'kube-system',
    labelSelector: `app.kubernetes.io/name=${name}`,
  });
  return items;
}

async function allReady(name: string): Promise<readonly Pod[]> {
  return eventually(
    `both pods of ${name} are ready`,
    async () => {
      const pods = await podsOf(name);
      if (pods.length !== 2 || !pods.every((pod) => isReady(pod))) {
        throw new Error(pods.map((pod) => describePod(pod)).join('; '));
      }
      return pods;
    },
    { timeoutMs: 90_000 },
  );
}

async function leader(): Promise<string> {
  const lease = await api().get(LEASES, { namespace: 'kube-system', name: 'ts-scheduler' });
  return lease.spec?.holderIdentity ?? '';
}

test('the cluster runs both as pods, without restarts; the proxy on each node', async () => {
  expect(cluster().inCluster).toBe(true);
  for (const name of ['ts-kube-proxy', 'ts-scheduler']) {
    const pods = await allReady(name);
    expect(pods.map((pod) => pod.status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
  }
  const nodes = (await podsOf('ts-kube-proxy')).map((pod) => pod.spec.nodeName);
  expect(new Set(nodes)).toEqual(new Set([first.name, second.name]));
});

test('the leader’s pod is deleted: the other one takes over and schedules', async () => {
  const pods = await allReady('ts-scheduler');
  const before = await eventually('one of them leads', async () => {
    const holder = await leader();
    const found = pods.find((pod) => holder.includes(pod.metadata.name));
    if (found === undefined) throw new Error(`the lease is held by "${holder}"`);
    return found.metadata.name;
  });
  await kubectl(['-n', 'kube-system', 'delete', 'pod', before, '--timeout=60s']);
  await using ns = await TestNamespace.create('failover');
  await ns.apply(scriptPod('after', 'exec sleep 3600'));
  await ns.ready('after');
  expect(await leader()).not.toContain(before);
  await allReady('ts-scheduler');
});

test('the proxy’s pods are replaced: connections go on, and new Services are served', async () => {
  await using ns = await TestNamespace.create('proxypods');
  await ns.apply(netexecDeployment('steady', 2), netexecService('steady', 'steady'));
  await ns.rolledOut('deployment/steady');
  const steady = await api().get(SERVICES, { namespace: ns.name, name: 'steady' });
  const origin = { kind: 'node', node: first.name } as const;
  await eventually('it answers', async () => {
    expect((await send(origin, 'http', steady.spec.clusterIP ?? '', 80)).answers).toHaveLength(1);
  });
  await using traffic = new SteadyTraffic(origin, steady.spec.clusterIP ?? '', 80);
  await kubectl(['-n', 'kube-system', 'rollout', 'restart', 'daemonset/ts-kube-proxy']);
  await kubectl(['-n', 'kube-system', 'rollout', 'status', 'daemonset/ts-kube-proxy', '--timeout=120s']);
  const { errors, sent } = await traffic.stop();
  expect(errors).toEqual([]);
  expect(sent).toBeGreaterThan(20);

  await ns.apply(netexecService('fresh', 'steady'));
  const fresh = await api().get(SERVICES, { namespace: ns.name, name: 'fresh' });
  for (const { name } of [first, second]) {
    await eventually(`the new service answers on ${name}`, async () => {
      const { answers } = await send({ kind: 'node', node: name }, 'http', fresh.spec.clusterIP ?? '', 80, 3);
      expect(answers).toHaveLength(3);
    });
  }
});
