/**
 * Each daemon is killed (SIGKILL) in the middle of a rollout: no pod restarts, no request is lost, nothing is bound
 * twice, and the rollout ends as if nothing had been.
 */
import { SERVICES, CORE_EVENTS } from '../../lib/client/resource.ts';
import { api, closeApi, cluster, processOf, repairCluster, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { containerIdentities, TestNamespace } from './support/namespace.ts';
import { SteadyTraffic } from './support/traffic.ts';
import { netexecDeployment, netexecService } from './support/workloads.ts';

const [first, second] = twoNodes();

afterAll(async () => {
  await repairCluster();
  await closeApi();
});

/** The daemons that run as processes of the host; in-cluster ones are killed through their pods elsewhere. */
const DAEMONS: (readonly [string, string])[] = [
  ['the scheduler', 'kube-scheduler'],
  [`the kubelet of ${first.name}`, `kubelet-${first.name}`],
  [`the kubelet of ${second.name}`, `kubelet-${second.name}`],
  [`the proxy of ${first.name}`, `kube-proxy-${first.name}`],
  [`the proxy of ${second.name}`, `kube-proxy-${second.name}`],
];
const present = cluster().inCluster ? DAEMONS.filter(([, id]) => id.startsWith('kubelet-')) : DAEMONS;

test.each(present)(
  '%s is killed during a rollout',
  async (_, id) => {
    await using ns = await TestNamespace.create('killed');
    // Bystanders: they must not notice anything.
    await ns.apply(
      netexecDeployment('steady', 4),
      netexecService('steady', 'steady'),
      netexecDeployment('web', 2),
    );
    for (const name of ['steady', 'web']) {
      await ns.rolledOut(`deployment/${name}`);
    }
    const before = containerIdentities(await ns.pods('app=steady'));
    const service = await api().get(SERVICES, { namespace: ns.name, name: 'steady' });
    const clusterIP = service.spec.clusterIP ?? '';
    await using fromFirst = new SteadyTraffic({ kind: 'node', node: first.name }, clusterIP, 80);
    await using fromSecond = new SteadyTraffic({ kind: 'node', node: second.name }, clusterIP, 80);

    await ns.kubectl('set', 'env', 'deployment/web', 'GENERATION=2');
    await ns.kubectl('scale', 'deployment/web', '--replicas=6');
    await eventually(
      'the rollout is under way',
      async () => expect((await ns.pods('app=web')).length).toBeGreaterThan(2),
      { intervalMs: 20 },
    );
    process.kill(processOf(id).pid, 'SIGKILL');
    await repairCluster();
    await ns.rolledOut('deployment/web', 120);

    // What the daemon learns at its start must not make it act again on what runs.
    expect(containerIdentities(await ns.pods('app=steady'))).toEqual(before);
    for (const traffic of [fromFirst, fromSecond]) {
      const { errors, sent } = await traffic.stop();
      expect(errors).toEqual([]);
      expect(sent).toBeGreaterThan(20);
    }
    const pods = await ns.pods('app=web');
    const restarts = pods.flatMap((pod) =>
      (pod.status?.containerStatuses ?? []).map((one) => one.restartCount),
    );
    // A container that a killed kubelet had created and not yet started may be made again (stock does so, too).
    const allowed = id.startsWith('kubelet-') ? 1 : 0;
    expect(restarts.filter((count) => count > allowed)).toEqual([]);
    const { items } = await api().list(CORE_EVENTS, {
      namespace: ns.name,
      fieldSelector: 'reason=Scheduled',
    });
    const bound = items.map((event) => event.involvedObject.uid);
    expect(new Set(bound).size).toBe(bound.length);
  },
  240_000,
);
