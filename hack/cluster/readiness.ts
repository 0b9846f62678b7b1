/** Waits for what the cluster does by itself: nodes, workloads, the application's answer. */
import { get } from 'node:http';
import { field, listAt } from './api.ts';
import type { Api, Json } from './api.ts';
import type { Cluster } from './cluster.ts';
import { getIfThere } from './manifests.ts';
import { readRecords } from './processes.ts';
import { retry } from './retry.ts';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Why a node is not ready, or `undefined`. */
export function nodeProblem(node: Json): string | undefined {
  const ready = listAt(node, 'status', 'conditions').find((one) => field(one, 'type') === 'Ready');
  if (field(ready, 'status') === 'True') return undefined;
  const message = field(ready, 'message');
  return typeof message === 'string' ? message : 'it has no Ready condition yet';
}

/** What a Deployment lacks, or `undefined` when all its pods are new and available. */
export function deploymentProblem(object: Json): string | undefined {
  const wanted = Number(field(object, 'spec', 'replicas') ?? 1);
  const count = (name: string): number => Number(field(object, 'status', name) ?? 0);
  if (field(object, 'status', 'observedGeneration') !== field(object, 'metadata', 'generation'))
    return 'not looked at yet';
  if (count('updatedReplicas') < wanted)
    return `${count('updatedReplicas')} of ${wanted} pods are of the new version`;
  if (count('availableReplicas') < wanted)
    return `${count('availableReplicas')} of ${wanted} pods are available`;
  if (count('replicas') > wanted) return 'old pods are still there';
  return undefined;
}

/** The same for a DaemonSet that has at least one node. */
export function daemonSetProblem(object: Json): string | undefined {
  const count = (name: string): number => Number(field(object, 'status', name) ?? 0);
  if (field(object, 'status', 'observedGeneration') !== field(object, 'metadata', 'generation'))
    return 'not looked at yet';
  const wanted = count('desiredNumberScheduled');
  if (wanted === 0) return 'no node wants it yet';
  if (count('updatedNumberScheduled') < wanted)
    return `${count('updatedNumberScheduled')} of ${wanted} pods are of the new version`;
  if (count('numberAvailable') < wanted) return `${count('numberAvailable')} of ${wanted} pods are available`;
  return undefined;
}

/**
 * Waits until every node is ready by the word of the kubelet that runs now: the Node object alone may still say what a
 * former one found.
 */
export async function waitNodesReady(cluster: Cluster, api: Api): Promise<void> {
  const records = readRecords(cluster.paths);
  await retry(cluster.signal, 90_000, async () => {
    for (const { name } of cluster.plan.nodes) {
      const since = records.find((entry) => entry.id === `kubelet-${name}`)?.since;
      const node = await api.call('GET', `/api/v1/nodes/${name}`);
      const lease = await getIfThere(
        api,
        `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`,
      );
      const problem = nodeProblem(node) ?? staleProblem(node, lease, since);
      if (problem !== undefined)
        throw new Error(
          `node ${name} is not ready: ${problem} (log: ${cluster.paths.logs}/kubelet-${name}.log)`,
        );
    }
  });
}

/** Why what is known of a node is not from the kubelet started at `since` (RFC 3339), or `undefined`. */
export function staleProblem(node: Json, lease: Json, since: string | undefined): string | undefined {
  const heard = [
    field(lease, 'spec', 'renewTime'),
    ...listAt(node, 'status', 'conditions').map((one) => field(one, 'lastHeartbeatTime')),
  ].map((time) => (typeof time === 'string' ? Date.parse(time) : 0));
  // Conditions carry whole seconds.
  if (since === undefined || Math.max(...heard) >= Math.floor(Date.parse(since) / 1000) * 1000)
    return undefined;
  return 'its new kubelet has not been heard of yet';
}

export async function waitDeployment(
  cluster: Cluster,
  api: Api,
  { namespace, name }: ObjectName,
): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  await waitFor(cluster, api, path, deploymentProblem, `deployment ${namespace}/${name}`);
}

export async function waitDaemonSet(
  cluster: Cluster,
  api: Api,
  { namespace, name }: ObjectName,
): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`;
  await waitFor(cluster, api, path, daemonSetProblem, `daemon set ${namespace}/${name}`);
}

async function waitFor(
  cluster: Cluster,
  api: Api,
  path: string,
  problemOf: (object: Json) => string | undefined,
  what: string,
): Promise<void> {
  await retry(cluster.signal, 120_000, async () => {
    const problem = problemOf(await api.call('GET', path));
    if (problem !== undefined)
      throw new Error(`${what}: ${problem} (look with kubectl describe pods; logs: ${cluster.paths.logs})`);
  });
}

/** The application answers by its ClusterIP from the host, and by its NodePort on every node. */
export async function waitApplication(cluster: Cluster, api: Api): Promise<void> {
  for (const url of await applicationUrls(cluster, api))
    await retry(cluster.signal, 60_000, async () => {
      const problem = await answerProblem(url);
      if (problem !== undefined) throw new Error(problem);
    });
}

/** Why `url` (plain HTTP) does not answer within 2 s, or `undefined` when it does. Leaves no connection behind. */
export function answerProblem(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = get(url, { agent: false, timeout: 2000 }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve(response.statusCode === 200 ? undefined : `${url} answers ${response.statusCode}`),
      );
      response.once('error', (error) => resolve(`${url}: ${error.message}`));
    });
    call.once('timeout', () => call.destroy(new Error('nothing within 2 s')));
    call.once('error', (error) => resolve(`${url} does not answer: ${error.message}`));
  });
}

/** URLs of the web application, as the host reaches it. */
export async function applicationUrls(cluster: Pick<Cluster, 'plan'>, api: Api): Promise<string[]> {
  const service = await api.call('GET', '/api/v1/namespaces/default/services/webapp');
  const nodePort = field(service, 'spec', 'ports', 0, 'nodePort');
  return [
    `http://${String(field(service, 'spec', 'clusterIP'))}/`,
    ...cluster.plan.nodes.map((node) => `http://${node.address}:${String(nodePort)}/`),
  ];
}
