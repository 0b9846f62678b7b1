/** Deployments come up, scale, roll over and back: scheduler, kubelet and proxy together. */
import { DEPLOYMENTS, SERVICES } from '../../lib/client/resource.ts';
import { api, closeApi, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { describePod, isReady, TestNamespace } from './support/namespace.ts';
import { netexecContainer, netexecDeployment, netexecService } from './support/workloads.ts';
import { SteadyTraffic } from './support/traffic.ts';

afterAll(closeApi);

test('a Deployment comes up on both nodes, scales up and down', async () => {
  await using ns = await TestNamespace.create('rollout');
  await ns.apply(netexecDeployment('web', 2));
  await ns.rolledOut('deployment/web');
  const nodes = new Set((await ns.pods('app=web')).map((pod) => pod.spec.nodeName));
  expect(nodes).toEqual(new Set(twoNodes().map((node) => node.name)));

  await ns.kubectl('scale', 'deployment/web', '--replicas=8');
  await ns.rolledOut('deployment/web');
  const pods = await ns.pods('app=web');
  expect(pods.filter((pod) => isReady(pod))).toHaveLength(8);
  expect(new Set(pods.map((pod) => pod.status?.podIP)).size).toBe(8);

  await ns.kubectl('scale', 'deployment/web', '--replicas=1');
  await eventually('one pod is left', async () => {
    const left = await ns.pods('app=web');
    if (left.length !== 1) throw new Error(left.map((pod) => describePod(pod)).join('; '));
  });
});

test('a rolling update and its undo drop no request', async () => {
  await using ns = await TestNamespace.create('rolling');
  await ns.apply(
    netexecDeployment('web', 3, {
      spec: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 2 } } },
      // A pod that ends serves on until every proxy has taken it out.
      container: { lifecycle: { preStop: { exec: { command: ['sleep', '3'] } } } },
      pod: { terminationGracePeriodSeconds: 10 },
    }),
    netexecService('web', 'web'),
  );
  await ns.rolledOut('deployment/web');
  const service = await api().get(SERVICES, { namespace: ns.name, name: 'web' });
  const [first] = twoNodes();
  await using traffic = new SteadyTraffic(
    { kind: 'node', node: first.name },
    service.spec.clusterIP ?? '',
    80,
  );
  const before = new Set((await ns.pods('app=web')).map((pod) => pod.metadata.name));
  await ns.kubectl('set', 'env', 'deployment/web', 'GENERATION=2');
  await ns.rolledOut('deployment/web');
  const after = (await ns.pods('app=web')).filter((pod) => isReady(pod)).map((pod) => pod.metadata.name);
  expect(after.filter((name) => before.has(name))).toEqual([]);
  await ns.kubectl('rollout', 'undo', 'deployment/web');
  await ns.rolledOut('deployment/web');

  const { errors, sent, answers } = await traffic.stop();
  expect(errors).toEqual([]);
  expect(sent).toBeGreaterThan(50);
  expect(answers.length).toBeGreaterThan(3);
});

test('a rollout to an image that does not exist stops, says why, and can be undone', async () => {
  await using ns = await TestNamespace.create('badimage');
  await ns.apply(netexecDeployment('web', 2));
  await ns.rolledOut('deployment/web');
  await ns.kubectl('set', 'image', 'deployment/web', 'netexec=ts-kubernetes.local/none:dev');
  await eventually('a container waits for its image', async () => {
    const waiting = (await ns.pods('app=web')).flatMap((pod) =>
      (pod.status?.containerStatuses ?? []).map((status) => status.state?.waiting?.reason),
    );
    if (!waiting.some((reason) => reason === 'ErrImagePull' || reason === 'ImagePullBackOff')) {
      throw new Error(`waiting: ${waiting.join(', ')}`);
    }
  });
  const deployment = await api().get(DEPLOYMENTS, { namespace: ns.name, name: 'web' });
  expect(deployment.status?.availableReplicas).toBe(2);
  await ns.kubectl('rollout', 'undo', 'deployment/web');
  await ns.rolledOut('deployment/web');
});

test('a DaemonSet has one pod on each node', async () => {
  await using ns = await TestNamespace.create('daemonset');
  await ns.apply({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: {
        metadata: { labels: { app: 'agent' } },
        spec: { terminationGracePeriodSeconds: 2, containers: [netexecContainer()] },
      },
    },
  });
  await ns.rolledOut('daemonset/agent', 60);
  const nodes = (await ns.pods('app=agent')).map((pod) => pod.spec.nodeName);
  expect(nodes).toHaveLength(2);
  expect(new Set(nodes)).toEqual(new Set(twoNodes().map((node) => node.name)));
});
