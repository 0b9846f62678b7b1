/** The apiserver is killed and comes back during a rollout: the daemons wait, find back, and nothing is lost. */
import { SERVICES } from '../../lib/client/resource.ts';
import { api, closeApi, processOf, repairCluster, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { containerIdentities, isReady, TestNamespace } from './support/namespace.ts';
import { send, SteadyTraffic } from './support/traffic.ts';
import { netexecDeployment, netexecService, scriptPod } from './support/workloads.ts';

const [first, second] = twoNodes();

afterAll(async () => {
  await repairCluster();
  await closeApi();
});

test('a rollout goes on after the apiserver is back; services serve all the time', async () => {
  await using ns = await TestNamespace.create('apiserver');
  await ns.apply(
    netexecDeployment('steady', 2),
    netexecService('steady', 'steady'),
    netexecDeployment('web', 2),
  );
  for (const name of ['steady', 'web']) {
    await ns.rolledOut(`deployment/${name}`);
  }
  const before = containerIdentities(await ns.pods('app=steady'));
  const steady = await api().get(SERVICES, { namespace: ns.name, name: 'steady' });
  await using traffic = new SteadyTraffic(
    { kind: 'node', node: first.name },
    steady.spec.clusterIP ?? '',
    80,
  );

  await ns.kubectl('scale', 'deployment/web', '--replicas=6');
  await ns.kubectl('set', 'env', 'deployment/web', 'GENERATION=2');
  process.kill(processOf('kube-apiserver').pid, 'SIGKILL');
  await repairCluster();

  await eventually('the API answers', () => ns.pods());
  await ns.rolledOut('deployment/web', 120);
  expect((await ns.pods('app=web')).filter((pod) => isReady(pod))).toHaveLength(6);
  expect(containerIdentities(await ns.pods('app=steady'))).toEqual(before);
  const { errors } = await traffic.stop();
  expect(errors).toEqual([]);

  // All three daemons hear of new things again: a pod for each node, behind a new Service.
  await ns.apply(netexecService('fresh', 'fresh'), netexecDeployment('fresh', 2));
  await ns.rolledOut('deployment/fresh', 60);
  const fresh = await api().get(SERVICES, { namespace: ns.name, name: 'fresh' });
  for (const { name } of [first, second]) {
    await eventually(`the new service answers on ${name}`, async () => {
      const { answers } = await send({ kind: 'node', node: name }, 'http', fresh.spec.clusterIP ?? '', 80, 3);
      expect(answers).toHaveLength(3);
    });
  }
}, 300_000);

test('a pod that ends while the apiserver is away is told when it is back', async () => {
  await using ns = await TestNamespace.create('away');
  await ns.apply(
    scriptPod('ending', 'while [ ! -e /host/e2e-go ]; do sleep 0.2; done; sleep 2; echo done; exit 5', {
      spec: { nodeName: second.name, volumes: [{ name: 'host', emptyDir: {} }] },
      container: { volumeMounts: [{ name: 'host', mountPath: '/host' }] },
    }),
  );
  await ns.ready('ending');
  await ns.kubectl('exec', 'ending', '--', 'touch', '/host/e2e-go');
  process.kill(processOf('kube-apiserver').pid, 'SIGKILL');
  await repairCluster();
  const pod = await ns.ended('ending', 'Failed');
  expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 5 });
  expect(await ns.kubectl('logs', 'ending')).toBe('done\n');
}, 240_000);
