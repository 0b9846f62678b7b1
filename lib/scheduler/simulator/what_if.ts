/** Changes of the given cluster that a question asks for, before anything is scheduled. */
import { formatTaint } from '../../api/taint.ts';
import { controllerOf } from '../../api/pod.ts';
import type { Node, Pod, Taint } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { nearNames } from '../../component/near_names.ts';
import type { GivenObjects } from './cluster_objects.ts';
import { InputError } from './documents.ts';
import { TAINT_EFFECTS } from './object_checks.ts';
import { daemonSpec } from './workloads.ts';

const HOSTNAME = 'kubernetes.io/hostname';
const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
/** Taints that say how a node is at the moment: a new one starts without them. */
const OF_THE_MOMENT = /^node\.(cloudprovider\.)?kubernetes\.io\//;

/** @throws InputError naming the flag when there is no such node */
export function nodeNamed(given: GivenObjects, name: string, flag: string): Node {
  const node = given.get('Node', name);
  if (node !== undefined) return node;
  const near = nearNames(
    name,
    given.of('Node').map((n) => n.metadata.name),
  );
  const hint = near.length > 0 ? `, did you mean ${near.map((n) => `"${n}"`).join(' or ')}?` : '';
  throw new InputError(`${flag}: no node "${name}" among the objects given${hint}`);
}

/** As `kubectl cordon` leaves the node. */
export function cordon(given: GivenObjects, name: string): void {
  const node = nodeNamed(given, name, '--drain');
  const taints = (node.spec?.taints ?? []).filter((t) => t.key !== UNSCHEDULABLE.key);
  given.put('Node', {
    ...node,
    spec: { ...node.spec, unschedulable: true, taints: [...taints, UNSCHEDULABLE] },
  });
}

/**
 * Adds nodes of the kind of another, with the daemons that run on it.
 *
 * @returns their names
 * @throws InputError
 */
export function addNodes(given: GivenObjects, count: number, like: string): readonly string[] {
  const model = nodeNamed(given, like, '--like');
  const daemons = given
    .of('Pod')
    .filter((pod) => pod.spec.nodeName === like && controllerOf(pod.metadata)?.kind === 'DaemonSet');
  const csiNode = given.get('CSINode', like);
  const names: string[] = [];
  for (let i = 1; names.length < count; i++) {
    const name = `${like}-new-${i}`;
    if (given.get('Node', name) !== undefined) continue;
    names.push(name);
    const node = newNode(model, name);
    given.put('Node', node);
    if (csiNode !== undefined)
      given.put('CSINode', { ...csiNode, metadata: { ...csiNode.metadata, name, uid: `CSINode:${name}` } });
    for (const daemon of daemons) given.put('Pod', daemonOn(node, daemon));
  }
  return names;
}

function newNode({ metadata, spec, status }: Node, name: string): Node {
  const { unschedulable: _, ...rest } = spec ?? {};
  const taints = (spec?.taints ?? []).filter((t) => !OF_THE_MOMENT.test(t.key));
  const { allocatable, capacity } = status ?? {};
  return {
    metadata: {
      name,
      uid: `Node:${name}`,
      labels: { ...metadata.labels, [HOSTNAME]: name },
    },
    spec: { ...rest, taints },
    // It has no images yet.
    status: {
      ...(allocatable === undefined ? {} : { allocatable }),
      ...(capacity === undefined ? {} : { capacity }),
    },
  };
}

function daemonOn(node: Node, daemon: Pod): Pod {
  const name = `${controllerOf(daemon.metadata)?.name ?? daemon.metadata.name}-${node.metadata.name}`;
  const { creationTimestamp: _, ...metadata } = daemon.metadata;
  return {
    metadata: { ...metadata, name, uid: `Pod:${metadata.namespace ?? 'default'}/${name}` },
    spec: { ...daemonSpec(daemon.spec, node), nodeName: node.metadata.name },
  };
}

/**
 * @param question `NODE:key[=value]:Effect`; `*` for NODE means all nodes
 * @throws InputError
 */
export function removeTaint(given: GivenObjects, question: string): void {
  const match = /^([^:]+):([^:=]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(question);
  const [, nodeName = '', key = '', value, effect = ''] = match ?? [];
  if (match === null)
    throw new InputError(`--remove-taint: got "${question}", want NODE:KEY:EFFECT or NODE:KEY=VALUE:EFFECT`);
  if (!TAINT_EFFECTS.some((e) => e === effect))
    throw new InputError(
      `--remove-taint: got the effect "${effect}", want one of ${TAINT_EFFECTS.join(', ')}`,
    );
  const nodes = nodeName === '*' ? given.of('Node') : [nodeNamed(given, nodeName, '--remove-taint')];
  let removed = 0;
  for (const node of nodes) {
    const taints = node.spec?.taints ?? [];
    const left = taints.filter(
      (t) => !(t.key === key && t.effect === effect && (value === undefined || (t.value ?? '') === value)),
    );
    if (left.length === taints.length) continue;
    removed++;
    given.put('Node', { ...node, spec: { ...node.spec, taints: left } });
  }
  if (removed > 0) return;
  const wanted = formatTaint({ key, effect, ...(value === undefined ? {} : { value }) });
  const [only] = nodes;
  const has = (only?.spec?.taints ?? []).map(formatTaint).join(', ');
  throw new InputError(
    nodeName === '*'
      ? `--remove-taint: no node has the taint ${wanted}`
      : `--remove-taint: node "${nodeName}" has no taint ${wanted}, it has ${has === '' ? 'none' : has}`,
  );
}

/** Keys of the pods that run on the node, in the order in which they were given. */
export function podsOn(pods: readonly Pod[], node: string): readonly Pod[] {
  return pods
    .filter((pod) => pod.spec.nodeName === node)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}
