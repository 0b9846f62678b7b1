/** The node's status as this kubelet would have it, and the patch that brings the API there. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeCondition, NodeStatus } from '../../api/types.ts';
import type { NodeFacts } from '../contracts.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';
import { nodeAllocatable, nodeCapacity, type Reservations } from './capacity.ts';
import type { Machine } from './machine.ts';

type NodeAddress = NonNullable<NodeStatus['addresses']>[number];

export interface StatusInput {
  readonly machine: Machine;
  readonly config: Reservations & Pick<KubeletConfig, 'port' | 'nodeStatusMaxImages'>;
  readonly addresses: readonly NodeAddress[];
  readonly kubeletVersion: string;
  readonly runtimeVersion: string | undefined;
  readonly images: Awaited<ReturnType<NodeFacts['images']>>;
  readonly runtimeHandlers: ReturnType<NodeFacts['runtimeHandlers']>;
  /** Of the runtime as a whole, where it tells them. */
  readonly features?: ReturnType<NonNullable<NodeFacts['runtimeFeatures']>>;
  readonly volumesInUse: readonly string[];
  readonly conditions: readonly NodeCondition[];
  /** `status.capacity` as the API has it: others may add extended resources to it. */
  readonly knownCapacity?: NodeStatus['capacity'];
  /** What the scheduler and the apiserver ask for before they let pods that need it come here (KEP-5328). */
  readonly declaredFeatures?: readonly string[];
}

/** The parts of the status that belong to the kubelet. */
export type OwnStatus = Pick<
  NodeStatus,
  | 'capacity'
  | 'allocatable'
  | 'addresses'
  | 'daemonEndpoints'
  | 'nodeInfo'
  | 'images'
  | 'runtimeHandlers'
  | 'features'
  | 'volumesInUse'
  | 'conditions'
  | 'declaredFeatures'
>;

const MAX_NAMES_PER_IMAGE = 5;

export function nodeStatus(input: StatusInput): OwnStatus {
  const { machine, config } = input;
  return {
    capacity: nodeCapacity(machine, config),
    allocatable: { ...extendedResources(input.knownCapacity), ...nodeAllocatable(machine, config) },
    addresses: input.addresses,
    daemonEndpoints: { kubeletEndpoint: { Port: config.port } },
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: semanticVersion(input.runtimeVersion ?? ''),
      kubeletVersion: input.kubeletVersion,
      kubeProxyVersion: '', // the field is required but the kubelet knows no proxy
      operatingSystem: 'linux',
      architecture: machine.architecture,
      ...(machine.swapBytes > 0 ? { swap: { capacity: machine.swapBytes } } : {}),
    },
    images: imageList(input.images, config.nodeStatusMaxImages),
    runtimeHandlers: input.runtimeHandlers.map(({ name, features }) => ({ name, features })),
    ...(input.features === undefined ? {} : { features: input.features }),
    volumesInUse: input.volumesInUse,
    conditions: input.conditions,
    declaredFeatures: [...(input.declaredFeatures ?? [])],
  };
}

/**
 * Extended resources of a node: all that anybody has added to its capacity can be allocated. Their names have a domain
 * that is not Kubernetes' own.
 */
function extendedResources(resources: NodeStatus['capacity'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(resources).filter(([name]) => isExtended(name)));
}

function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
}

type Resources = 'capacity' | 'allocatable';

/** Huge pages of a size that the kernel had when it was booted before. */
function staleHugePages(resources: NodeStatus[Resources] = {}, own: OwnStatus[Resources]): readonly string[] {
  return Object.keys(resources).filter((name) => name.startsWith('hugepages-') && own?.[name] === undefined);
}

/** What the API has and no longer is: huge pages, and extended resources that are not in the capacity any more. */
function withdrawn(has: NodeStatus, own: OwnStatus): Readonly<Record<Resources, readonly string[]>> {
  const extended = Object.keys(has.allocatable ?? {}).filter(
    (name) => isExtended(name) && own.allocatable?.[name] === undefined,
  );
  return {
    capacity: staleHugePages(has.capacity, own.capacity),
    allocatable: [...staleHugePages(has.allocatable, own.allocatable), ...extended],
  };
}

/** Without what distributions add: `containerd://1.6.20~ds1` is `containerd://1.6.20`. */
function semanticVersion(text: string): string {
  return /^[^:]+:\/\/v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?/.exec(text)?.[0] ?? text;
}

/** The largest images first; `max` -1 means all. */
function imageList(images: StatusInput['images'], max: number): NonNullable<NodeStatus['images']> {
  const sorted = images.toSorted(
    (a, b) => b.sizeBytes - a.sizeBytes || compare(a.names[0] ?? '', b.names[0] ?? ''),
  );
  return (max < 0 ? sorted : sorted.slice(0, max)).map(({ names, sizeBytes }) => ({
    names: names.slice(0, MAX_NAMES_PER_IMAGE),
    sizeBytes,
  }));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether anything but heartbeat times differs from what the API has. */
export function statusChanged(node: Node, own: OwnStatus): boolean {
  const has = node.status ?? {};
  const { conditions = [], capacity = {}, allocatable = {}, ...rest } = own;
  const theirs = {
    addresses: has.addresses,
    daemonEndpoints: has.daemonEndpoints,
    nodeInfo: has.nodeInfo,
    images: has.images,
    runtimeHandlers: has.runtimeHandlers,
    // What a runtime before this one told stays until one tells anew.
    ...(own.features === undefined ? {} : { features: has.features }),
    volumesInUse: has.volumesInUse,
    declaredFeatures: has.declaredFeatures,
  };
  if (!sameJson(theirs, rest)) return true;
  // The capacity of extended resources is not ours to say.
  if (!containsAll(has.capacity, capacity) || !containsAll(has.allocatable, allocatable)) return true;
  if (Object.values(withdrawn(has, own)).some((names) => names.length > 0)) return true;
  return conditions.some((own) => {
    const theirs = has.conditions?.find((c) => c.type === own.type);
    return theirs?.status !== own.status || theirs.reason !== own.reason || theirs.message !== own.message;
  });
}

function containsAll(
  has: Readonly<Record<string, string>> | undefined,
  own: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(own).every(([name, text]) => has?.[name] === text);
}

// Empty lists and absent fields are the same: the server drops them.
function sameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(strip(a), strip(b));
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(strip);
  if (typeof value !== 'object' || value === null) return value === '' || value === false ? undefined : value;
  const kept = Object.entries(value)
    .map(([key, v]) => [key, strip(v)] as const)
    .filter(([, v]) => v !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/**
 * A strategic merge patch for the status subresource. Conditions of others stay (they merge by type); addresses are
 * replaced as a whole, because they may repeat a type.
 */
export function statusPatch(node: Pick<Node, 'status'>, own: OwnStatus): unknown {
  const gone = withdrawn(node.status ?? {}, own);
  const without = (key: Resources): object =>
    gone[key].length === 0
      ? {}
      : { [key]: { ...own[key], ...Object.fromEntries(gone[key].map((name) => [name, null])) } };
  return {
    status: {
      ...own,
      ...without('capacity'),
      ...without('allocatable'),
      addresses: [...(own.addresses ?? []), { $patch: 'replace' }],
    },
  };
}
