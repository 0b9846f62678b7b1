/**
 * Drop-in both ways: every daemon is replaced by the other make (stock for ours, ours for stock) while pods run and requests
 * go on, and back again. Nothing restarts and no request is lost.
 */
import { SERVICES } from '../../lib/client/resource.ts';
import { api, closeApi, cluster, repairCluster, twoNodes, type Flavour } from './support/cluster.ts';
import { containerIdentities, TestNamespace } from './support/namespace.ts';
import { SteadyTraffic } from './support/traffic.ts';
import { netexecDeployment, netexecService } from './support/workloads.ts';

const [first, second] = twoNodes();
const { flavours } = cluster();
const other = (flavour: Flavour): Flavour => (flavour === 'ours' ? 'stock' : 'ours');

afterAll(async () => {
  await repairCluster(...Object.entries(flavours).map(([part, flavour]) => `--${part}=${flavour}`));
  await closeApi();
});

test.each(['kubelet', 'proxy', 'scheduler'] as const)(
  '%s: there and back',
  async (part) => {
    await using ns = await TestNamespace.create('swap');
    await ns.apply(netexecDeployment('steady', 4), netexecService('steady', 'steady'));
    await ns.rolledOut('deployment/steady');
    const before = containerIdentities(await ns.pods('app=steady'));
    const service = await api().get(SERVICES, { namespace: ns.name, name: 'steady' });
    const clusterIP = service.spec.clusterIP ?? '';
    await using fromFirst = new SteadyTraffic({ kind: 'node', node: first.name }, clusterIP, 80);
    await using fromSecond = new SteadyTraffic({ kind: 'node', node: second.name }, clusterIP, 80);

    for (const [name, flavour] of [
      ['there', other(flavours[part])],
      ['back', flavours[part]],
    ] as const) {
      await repairCluster(`--${part}=${flavour}`);
      // The new one works: it schedules, starts and serves something new.
      await ns.apply(netexecDeployment(name, 2), netexecService(name, name));
      await ns.rolledOut(`deployment/${name}`);
      expect(containerIdentities(await ns.pods('app=steady'))).toEqual(before);
    }
    for (const traffic of [fromFirst, fromSecond]) {
      const { errors, sent } = await traffic.stop();
      expect(errors).toEqual([]);
      expect(sent).toBeGreaterThan(50);
    }
  },
  300_000,
);
