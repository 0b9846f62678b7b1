/**
 * The addresses of one cluster: a pure function of its slot number, so that several clusters stand side by side
 * on one machine without asking one another.
 */

/** How many clusters one machine can hold, and how many nodes one cluster. */
export const MAX_SLOTS = 100;
export const MAX_NODES = 50;

/** Addresses and interface names of one cluster. */
export interface AddressPlan {
  readonly slot: number;
  /** Everything below lies in this /16. */
  readonly clusterNetwork: string;
  /** The network that the host, the switch and the nodes share. */
  readonly machineNetwork: string;
  /** The host's own address there: the control plane listens on it. */
  readonly host: string;
  /** The switch's address: default gateway of the nodes; it knows no way out, so stray packets fail at once. */
  readonly gateway: string;
  readonly serviceNetwork: string;
  /** ClusterIP of the Service `default/kubernetes`: the first of the service network. */
  readonly apiserverService: string;
  /** ClusterIP of the cluster DNS: the tenth of the service network. */
  readonly dnsService: string;
  readonly podNetwork: string;
  /** The host's interface towards the switch (at most 15 characters). */
  readonly hostInterface: string;
  readonly nodes: readonly NodeAddress[];
}

/** Addresses of one node. */
export interface NodeAddress {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly podNetwork: string;
  /** Name of the switch's port to this node (at most 15 characters). */
  readonly port: string;
}

/** Lays out the cluster in `slot` (0..99) with `nodeCount` (0..50) nodes. */
export function addressPlan(slot: number, nodeCount: number): AddressPlan {
  if (!Number.isInteger(slot) || slot < 0 || slot >= MAX_SLOTS)
    throw new RangeError(`slot: got ${slot}, want 0 to ${MAX_SLOTS - 1}`);
  if (!Number.isInteger(nodeCount) || nodeCount < 0 || nodeCount > MAX_NODES)
    throw new RangeError(`nodes: got ${nodeCount}, want 0 to ${MAX_NODES}`);
  const base = `10.${100 + slot}`;
  const nodes = Array.from({ length: nodeCount }, (_, index) => nodeAddress(slot, index));
  return {
    slot,
    clusterNetwork: `${base}.0.0/16`,
    machineNetwork: `${base}.0.0/24`,
    host: `${base}.0.1`,
    gateway: `${base}.0.254`,
    serviceNetwork: `${base}.16.0/20`,
    apiserverService: `${base}.16.1`,
    dnsService: `${base}.16.10`,
    podNetwork: `${base}.64.0/18`,
    hostInterface: `tsk${slot}`,
    nodes,
  };
}

/** Addresses of the node number `index` (0-based): `node-1` is the first. */
export function nodeAddress(slot: number, index: number): NodeAddress {
  const base = `10.${100 + slot}`;
  return {
    name: `node-${index + 1}`,
    index,
    address: `${base}.0.${11 + index}`,
    podNetwork: `${base}.${64 + index}.0/24`,
    port: `node-${index + 1}`,
  };
}

/** Says in one sentence why `name` cannot be a cluster's name, or `undefined` when it can. */
export function clusterNameProblem(name: string): string | undefined {
  if (/^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) return undefined;
  return `--name: got ${JSON.stringify(name)}, want 1 to 20 lower-case letters, digits and dashes, with no dash at either end`;
}
