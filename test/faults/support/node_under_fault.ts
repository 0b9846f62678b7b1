/** The node whose daemons a test kills, stops and starts, and what its kubelet has left lying about. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { StandingCluster } from '../../../hack/cluster/standing_cluster.ts';
import { nodeGroup } from '../../../hack/cluster/cgroups.ts';
import type { Node, Pod } from '../../../lib/api/types.ts';
import { getCondition } from '../../../lib/api/conditions.ts';
import { NODES, PODS } from '../../../lib/client/resource.ts';
import { connectRuntime, type RuntimeClient } from '../../../lib/cri/runtime_client.ts';
import { api, CLUSTER_NAME, cluster, nodeFile, REPO, STATE } from '../../e2e/support/cluster.ts';
import { eventually } from '../../e2e/support/eventually.ts';

export { FULL_SCALE, scaled } from './scale.ts';

const [node] = cluster().nodes;
if (node === undefined) throw new Error('faults: the cluster has no node');

export const NODE = node.name;
export const KUBELET = `kubelet-${NODE}`;
export const CONTAINERD = `containerd-${NODE}`;
export const standing = new StandingCluster({ repo: REPO, stateRoot: dirname(STATE), name: CLUSTER_NAME });

/** Kills the kubelet (SIGKILL) if it runs and starts it, with more flags if given. */
export async function restartKubelet(...flags: readonly string[]): Promise<void> {
  if (standing.alive(KUBELET)) await standing.kill(KUBELET);
  const [program = '', ...args] = standing.record(KUBELET).argv;
  await standing.start(KUBELET, [program, ...args, ...flags]);
}

export function theNode(): Promise<Node> {
  return api().get(NODES, { name: NODE });
}

/** Waits for the node's condition Ready to have a status, and gives the condition's message. */
export function nodeIs(status: 'True' | 'False', timeoutMs = 60_000): Promise<string> {
  return eventually(
    `the node's Ready is ${status}`,
    async () => {
      const ready = getCondition((await theNode()).status?.conditions, 'Ready');
      if (ready?.status !== status) throw new Error(JSON.stringify(ready));
      return ready.message ?? '';
    },
    { timeoutMs },
  );
}

/** The runtime of the node, asked behind the kubelet's back. */
export async function withRuntime<T>(use: (runtime: RuntimeClient) => Promise<T>): Promise<T> {
  const socket = standing.paths.node(NODE).containerdSocket;
  const runtime = connectRuntime({ endpoint: `unix://${socket}`, requestTimeoutMs: 60_000 });
  try {
    return await use(runtime);
  } finally {
    runtime.close();
  }
}

/** The part of the kubelet's log that was written since {@link kubeletLog} was made. */
export class KubeletLog {
  readonly #path = standing.record(KUBELET).log;
  readonly #from = readFileSync(this.#path).length;

  text(): string {
    return readFileSync(this.#path).subarray(this.#from).toString();
  }
}

/** What the node holds of pods that the API has not: sandboxes, containers, mounts, directories, logs, cgroups. */
export async function leftovers(): Promise<string[]> {
  const { items } = await api().list(PODS, { fieldSelector: `spec.nodeName=${NODE}` });
  const known = new Set(items.flatMap(({ metadata: { uid } }) => (uid === undefined ? [] : [uid])));
  const left: string[] = [];
  const note = (what: string, uid: string | undefined): void => {
    if (uid === undefined || !known.has(uid)) left.push(what);
  };
  await withRuntime(async (runtime) => {
    const uidOf = (labels: Readonly<Record<string, string>>): string | undefined =>
      labels['io.kubernetes.pod.uid'];
    for (const { id, labels } of (await runtime.listPodSandbox({})).items)
      note(`sandbox ${id}`, uidOf(labels));
    for (const { id, labels } of (await runtime.listContainers({})).containers)
      note(`container ${id}`, uidOf(labels));
  });
  for (const line of readFileSync(`/proc/${standing.record(NODE).pid}/mountinfo`, 'utf8').split('\n')) {
    const path = line.split(' ')[4] ?? '';
    const uid = /\/pods\/([0-9a-f-]{36})\//.exec(path)?.[1];
    if (uid !== undefined) note(`mount ${path}`, uid);
  }
  for (const name of readdirSync(nodeFile(NODE, '/var/lib/kubelet/pods')))
    note(`directory of pod ${name}`, name);
  for (const name of readdirSync(nodeFile(NODE, '/var/log/pods'))) note(`logs ${name}`, name.split('_')[2]);
  for (const group of podGroups()) note(`cgroup ${group}`, /pod([0-9a-f-]{36})$/.exec(group)?.[1]);
  return left;
}

/** Waits until nothing is left but of pods that are. */
export function nothingLeft(timeoutMs = 90_000): Promise<void> {
  return eventually(
    'nothing is left of pods that are gone',
    async () => expect(await leftovers()).toEqual([]),
    { timeoutMs, intervalMs: 1000 },
  );
}

function podGroups(): string[] {
  const found: string[] = [];
  const group = join(nodeGroup(CLUSTER_NAME, NODE), 'kubepods');
  const walk = (dir: string, depth: number): void => {
    for (const name of foldersIn(dir)) {
      if (/^pod[0-9a-f-]{36}$/.test(name)) found.push(join(dir, name));
      else if (depth > 0) walk(join(dir, name), depth - 1);
    }
  };
  for (const hierarchy of ['', ...foldersIn('/sys/fs/cgroup')])
    walk(join('/sys/fs/cgroup', hierarchy, group), 1);
  return found;
}

function foldersIn(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Restart counts of a pod's containers. */
export function restartsOf(pod: Pod): number[] {
  return (pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount);
}
