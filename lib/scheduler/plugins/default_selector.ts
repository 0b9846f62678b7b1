/** The selector of the workloads that a pod belongs to, for spreading pods that say nothing about it themselves. */
import { controllerOf } from '../../api/pod.ts';
import { labelSelector, Selector } from '../../api/selector.ts';
import type { LabelSelector, Pod } from '../../api/types.ts';
import type { ClusterObjects } from '../framework/cluster_objects.ts';

/** Services that choose the pod and its controller, joined; it chooses everything when there are none. */
export function defaultSelector(pod: Pod, objects: ClusterObjects): Selector {
  const namespace = pod.metadata.namespace ?? '';
  const labels = pod.metadata.labels ?? {};
  let set: Record<string, string> = {};
  for (const { spec } of objects.services.byIndex('namespace', namespace)) {
    const wanted = Object.entries(spec.selector ?? {});
    if (wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value))
      Object.assign(set, spec.selector);
  }
  const owner = controllerOf(pod.metadata);
  let ownerSelector: LabelSelector | undefined;
  const key = `${namespace}/${owner?.name ?? ''}`;
  if (owner?.apiVersion === 'v1' && owner.kind === 'ReplicationController')
    set = { ...set, ...objects.replicationControllers.get(key)?.spec?.selector };
  else if (owner?.apiVersion === 'apps/v1' && owner.kind === 'ReplicaSet')
    ownerSelector = objects.replicaSets.get(key)?.spec?.selector;
  else if (owner?.apiVersion === 'apps/v1' && owner.kind === 'StatefulSet')
    ownerSelector = objects.statefulSets.get(key)?.spec?.selector;
  if (ownerSelector === undefined && Object.keys(set).length === 0) return Selector.everything;
  const parts = [
    ...labelSelector({ matchLabels: set }).requirements,
    ...(ownerSelector === undefined ? [] : labelSelector(ownerSelector).requirements),
  ];
  return parts.length === 0 ? Selector.everything : new Selector(parts);
}
