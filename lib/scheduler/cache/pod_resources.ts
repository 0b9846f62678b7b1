import { nonZeroRequests, podRequests } from '../../api/resources.ts';
import type { Container, Pod } from '../../api/types.ts';
import { sameJson } from './same_json.ts';

/** What a pod asks of a node, in the units of {@link file://./node_info.ts}. */
export interface PodResources {
  readonly requests: ReadonlyMap<string, number>;
  /** The same, to go through. */
  readonly list: readonly { readonly resource: string; readonly amount: number }[];
  /** Equal for pods that ask for the same. */
  readonly key: string;
  /** Millicores, with the default of 100 for containers that request none. */
  readonly nonZeroCpu: number;
  /** Bytes, with the default of 200 MiB for containers that request none. */
  readonly nonZeroMemory: number;
}

/** By what is written in the pod: most pods are made from templates. The oldest half goes when it is full. */
const byText = new Map<string, PodResources>();
const MAX_TEXTS = 4096;
/** The pod that was asked for last; one pod is asked for again for each node. */
let last: Known | undefined;

interface Known {
  readonly pod: Pod;
  readonly resources: PodResources;
}

/**
 * Effective requests of the pod: init containers, sidecars, overhead and pod-level resources included. The same object for
 * pods that say the same.
 *
 * @param before those of a pod that may well say the same, such as an earlier version of this one
 */
export function podResources(pod: Pod, before?: Known): PodResources {
  // Pod objects are shared and read-only, so that what was computed from one holds.
  if (last?.pod === pod) return last.resources;
  for (const known of [last, before])
    if (known !== undefined && saysTheSame(known.pod, pod)) {
      last = { pod, resources: known.resources };
      return known.resources;
    }
  const text = textOf(pod);
  let resources = byText.get(text);
  if (resources === undefined) {
    resources = compute(pod);
    if (byText.size >= MAX_TEXTS)
      for (const old of [...byText.keys()].slice(0, MAX_TEXTS / 2)) byText.delete(old);
    byText.set(text, resources);
  }
  last = { pod, resources };
  return resources;
}

/**
 * Whether a score by that resource says anything of the pod: one that is neither Kubernetes' own nor requested does not.
 */
export function isScored({ requests }: PodResources, resource: string): boolean {
  return requests.has(resource) || !resource.includes('/') || resource.includes('kubernetes.io/');
}

/** Whether {@link textOf} would be the same, where that is to be seen at a glance. */
function saysTheSame(a: Pod, b: Pod): boolean {
  const [x, y] = [a.spec, b.spec];
  return (
    sameContainers(x.containers, y.containers) &&
    x.initContainers === y.initContainers &&
    x.overhead === y.overhead &&
    x.resources === y.resources &&
    (a.status === b.status || (saysNothing(a) && saysNothing(b)))
  );
}

/** Whether the status has nothing of resources. */
function saysNothing({ status }: Pod): boolean {
  if (status === undefined) return true;
  for (const { type } of status.conditions ?? []) if (type === 'PodResizePending') return false;
  return (
    status.containerStatuses === undefined &&
    status.initContainerStatuses === undefined &&
    status.resources === undefined &&
    status.allocatedResources === undefined
  );
}

function sameContainers(a: readonly Container[], b: readonly Container[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++)
    if (a[i]?.name !== b[i]?.name || !sameJson(a[i]?.resources, b[i]?.resources)) return false;
  return true;
}

/** Everything that the sums follow from. */
function textOf({ spec, status }: Pod): string {
  let text = '';
  for (const { name, resources } of spec.containers) text += `${name} ${JSON.stringify(resources)};`;
  for (const { name, resources, restartPolicy = '' } of spec.initContainers ?? [])
    text += `init ${name} ${restartPolicy} ${JSON.stringify(resources)};`;
  if (spec.overhead !== undefined || spec.resources !== undefined)
    text += JSON.stringify([spec.overhead, spec.resources]);
  if (status === undefined) return text;
  // Resources that were granted, and a resize that cannot be done.
  for (const list of [status.containerStatuses, status.initContainerStatuses])
    for (const { name, resources, allocatedResources } of list ?? [])
      if (resources !== undefined || allocatedResources !== undefined)
        text += `status ${name} ${JSON.stringify([resources, allocatedResources])};`;
  if (status.resources !== undefined || status.allocatedResources !== undefined)
    text += JSON.stringify([status.resources, status.allocatedResources]);
  for (const { type, reason = '' } of status.conditions ?? [])
    if (type === 'PodResizePending') text += `resize ${reason}`;
  return text;
}

function compute(pod: Pod): PodResources {
  const requests = new Map<string, number>();
  for (const [resource, quantity] of podRequests(pod, { useStatus: true })) {
    const amount = Number(resource === 'cpu' ? quantity.milliValue() : quantity.value());
    if (amount !== 0) requests.set(resource, amount);
  }
  const nonZero = nonZeroRequests(pod, { useStatus: true });
  const nonZeroCpu = Number(nonZero.get('cpu')?.milliValue() ?? 0);
  const nonZeroMemory = Number(nonZero.get('memory')?.value() ?? 0);
  const key = `${JSON.stringify([...requests])} ${nonZeroCpu} ${nonZeroMemory}`;
  const list = Array.from(requests, ([resource, amount]) => ({ resource, amount }));
  return { requests, list, key, nonZeroCpu, nonZeroMemory };
}
