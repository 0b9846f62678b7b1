/**
 * What the API server and the kubelet would have filled in, for objects that were written by hand. Nothing changes for
 * objects from a server.
 */
import type { Container, Node, Pod, PodSpec, PriorityClass, RuntimeClass } from '../../api/types.ts';
import { InputError } from './documents.ts';

const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);

/** Where the classes are found that pods name. */
export interface Classes {
  of(kind: 'PriorityClass'): readonly PriorityClass[];
  get(kind: 'PriorityClass', name: string): PriorityClass | undefined;
  get(kind: 'RuntimeClass', name: string): RuntimeClass | undefined;
}

/** @throws InputError for a priority class that does not exist */
export function completePod(pod: Pod, given: Classes, where: string): Pod {
  const { spec } = pod;
  const overhead = overheadOf(spec, given);
  return {
    ...pod,
    spec: {
      ...spec,
      ...priorityOf(spec, given, where),
      ...(overhead === undefined ? {} : { overhead }),
      containers: spec.containers.map((c) => completeContainer(c, spec)),
      ...(spec.initContainers === undefined
        ? {}
        : { initContainers: spec.initContainers.map((c) => completeContainer(c, spec)) }),
    },
  };
}

/** Requests that are left out are the limits; ports of pods in the node's network are taken on the node. */
function completeContainer(container: Container, { hostNetwork }: PodSpec): Container {
  const { resources, ports } = container;
  const requests = { ...resources?.limits, ...resources?.requests };
  const isTaken = hostNetwork === true && ports !== undefined;
  return {
    ...container,
    ...(resources === undefined ? {} : { resources: { ...resources, requests } }),
    ...(isTaken ? { ports: ports.map((p) => ({ ...p, hostPort: p.hostPort ?? p.containerPort })) } : {}),
  };
}

function priorityOf(spec: PodSpec, given: Classes, where: string): Partial<PodSpec> {
  if (spec.priority !== undefined) return {};
  const { priorityClassName: name = '' } = spec;
  const byDefault = given.of('PriorityClass').find((c) => c.globalDefault === true);
  const found = name === '' ? byDefault : given.get('PriorityClass', name);
  const value = found?.value ?? SYSTEM_CLASSES.get(name);
  if (value === undefined && name !== '')
    throw new InputError(
      `${where}: field "spec.priorityClassName": no PriorityClass with name ${name} was found among the objects given`,
    );
  const { preemptionPolicy } = spec;
  const policy = preemptionPolicy ?? found?.preemptionPolicy;
  return { priority: value ?? 0, ...(policy === undefined ? {} : { preemptionPolicy: policy }) };
}

function overheadOf(spec: PodSpec, given: Classes): PodSpec['overhead'] {
  const { runtimeClassName, overhead } = spec;
  return overhead ?? given.get('RuntimeClass', runtimeClassName ?? '')?.overhead?.podFixed;
}

/** A node of which only the capacity is known has all of it to give. */
export function completeNode(node: Node): Node {
  const { metadata, status } = node;
  const labels = { 'kubernetes.io/hostname': metadata.name, ...metadata.labels };
  const allocatable = status?.allocatable ?? status?.capacity;
  return {
    ...node,
    metadata: { ...metadata, labels },
    status: { ...status, ...(allocatable === undefined ? {} : { allocatable }) },
  };
}
