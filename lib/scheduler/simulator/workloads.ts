/** The pods that controllers would make: of workloads whose own pods were not given. */
import { podAllowsNode } from '../../api/node_selector.ts';
import { untoleratedTaint } from '../../api/taint.ts';
import type {
  KubeObject,
  Node,
  OwnerReference,
  Pod,
  PodSpec,
  StatefulSet,
  Toleration,
} from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { completePod } from './admission.ts';
import type { GivenObjects } from './cluster_objects.ts';

/**
 * `absent`: of workloads that have no pods; `missing`: as many as each workload has too few; `none`.
 */
export type Expansion = 'absent' | 'missing' | 'none';

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: PodSpec;
}

/** Adds the pods to the objects, and the claims that come with them; returns the keys of the pods. */
export function expandWorkloads(given: GivenObjects, expansion: Expansion): readonly string[] {
  if (expansion === 'none') return [];
  const owned = new Map<string, number>();
  const count = ({ metadata }: KubeObject): void => {
    for (const { kind, name } of metadata.ownerReferences ?? []) {
      const owner = `${kind} ${metadata.namespace ?? ''}/${name}`;
      owned.set(owner, (owned.get(owner) ?? 0) + 1);
    }
  };
  for (const pod of given.of('Pod')) count(pod);
  for (const set of given.of('ReplicaSet')) count(set);
  const made: string[] = [];
  const add = (
    workload: KubeObject,
    kind: Workload,
    name: string,
    template: Template,
    extra: PodSpec | undefined,
  ): void => {
    if (template.spec === undefined) return;
    const { namespace = 'default' } = workload.metadata;
    const pod: Pod = {
      metadata: {
        name,
        namespace,
        uid: `Pod:${namespace}/${name}`,
        ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
        ownerReferences: [ownerOf(workload, kind)],
      },
      spec: extra ?? template.spec,
    };
    const where = `${given.whereIs(kind, keyOf(workload))} (${kind} ${keyOf(workload)})`;
    given.put('Pod', completePod(pod, given, where), where);
    made.push(keyOf(pod));
  };
  const wanted = (workload: KubeObject, kind: Workload, replicas: number): readonly string[] => {
    const have = owned.get(`${kind} ${keyOf(workload)}`) ?? 0;
    if (have > 0 && expansion === 'absent') return [];
    const names: string[] = [];
    for (let i = 0; names.length < replicas - have; i++) {
      const name = `${workload.metadata.name}-${i}`;
      if (given.get('Pod', `${workload.metadata.namespace ?? 'default'}/${name}`) === undefined)
        names.push(name);
    }
    return names;
  };
  for (const kind of ['Deployment', 'ReplicaSet', 'ReplicationController', 'Job'] as const) {
    for (const workload of given.of(kind)) {
      if (kind === 'Deployment' && owned.has(`Deployment ${keyOf(workload)}`)) continue; // its ReplicaSets are there
      const template = workload.spec?.template;
      if (template === undefined) continue;
      for (const name of wanted(workload, kind, replicasOf(kind, workload.spec)))
        add(workload, kind, name, template, undefined);
    }
  }
  for (const set of given.of('StatefulSet')) {
    if (set.spec === undefined) continue;
    for (const name of wanted(set, 'StatefulSet', replicasOf('StatefulSet', set.spec)))
      add(set, 'StatefulSet', name, set.spec.template, withClaims(given, set, name));
  }
  for (const workload of given.of('DaemonSet')) {
    const template = workload.spec?.template;
    const have = owned.get(`DaemonSet ${keyOf(workload)}`) ?? 0;
    if (template?.spec === undefined || (have > 0 && expansion === 'absent')) continue;
    const there = new Set(
      given
        .of('Pod')
        .filter((pod) => ownedBy(pod, 'DaemonSet', workload))
        .map((pod) => daemonNode(pod)),
    );
    for (const node of given.of('Node')) {
      const spec = daemonSpec(template.spec, node);
      if (!there.has(node.metadata.name) && runsOn(spec, template, node))
        add(workload, 'DaemonSet', `${workload.metadata.name}-${node.metadata.name}`, template, spec);
    }
  }
  return made;
}

type Workload = 'Deployment' | 'ReplicaSet' | 'ReplicationController' | 'StatefulSet' | 'Job' | 'DaemonSet';

function replicasOf(
  kind: Workload,
  spec:
    { readonly replicas?: number; readonly parallelism?: number; readonly completions?: number } | undefined,
): number {
  if (kind !== 'Job') return spec?.replicas ?? 1;
  const { parallelism = 1, completions = parallelism } = spec ?? {};
  return Math.min(parallelism, completions);
}

function ownerOf({ metadata }: KubeObject, kind: Workload): OwnerReference {
  const apiVersion = kind === 'Job' ? 'batch/v1' : kind === 'ReplicationController' ? 'v1' : 'apps/v1';
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true };
}

function ownedBy(pod: Pod, kind: Workload, { metadata }: KubeObject): boolean {
  return (
    pod.metadata.namespace === metadata.namespace &&
    (pod.metadata.ownerReferences ?? []).some((o) => o.kind === kind && o.name === metadata.name)
  );
}

/** The spec of a StatefulSet's pod, whose claims are added to the objects. */
function withClaims(given: GivenObjects, set: StatefulSet, podName: string): PodSpec | undefined {
  const spec = set.spec?.template.spec;
  const templates = set.spec?.volumeClaimTemplates ?? [];
  if (spec === undefined || templates.length === 0) return undefined;
  const { namespace = 'default' } = set.metadata;
  const volumes = templates.map(({ metadata, ...claim }) => {
    const volume = metadata?.name ?? '';
    const claimName = `${volume}-${podName}`;
    const key = `${namespace}/${claimName}`;
    if (given.get('PersistentVolumeClaim', key) === undefined)
      given.put('PersistentVolumeClaim', {
        ...claim,
        metadata: { name: claimName, namespace, uid: `PersistentVolumeClaim:${key}` },
      });
    return { name: volume, persistentVolumeClaim: { claimName } };
  });
  const own = new Set(volumes.map((v) => v.name));
  return { ...spec, volumes: [...(spec.volumes ?? []).filter((v) => !own.has(v.name)), ...volumes] };
}

const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

/** The spec of a daemon's pod for that node, as the controller makes it. */
export function daemonSpec(spec: PodSpec, node: Node): PodSpec {
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] },
      ],
    },
  };
  const hostNetwork: readonly Toleration[] =
    spec.hostNetwork === true
      ? [{ key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }]
      : [];
  return {
    ...spec,
    affinity: { ...spec.affinity, nodeAffinity },
    tolerations: [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS, ...hostNetwork],
  };
}

function runsOn(spec: PodSpec, template: Template, node: Node): boolean {
  if (template.spec === undefined) return false;
  const asked: Pod = { metadata: { name: 'daemon' }, spec: template.spec };
  return (
    podAllowsNode(asked, node) &&
    untoleratedTaint(node.spec?.taints, spec.tolerations, ['NoSchedule', 'NoExecute']) === undefined
  );
}

/** The node that a daemon's pod is for. */
export function daemonNode(pod: Pod): string {
  const { nodeName = '', affinity } = pod.spec;
  if (nodeName !== '') return nodeName;
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap((t) => t.matchFields ?? []).find((f) => f.key === 'metadata.name')?.values?.[0] ?? '';
}
