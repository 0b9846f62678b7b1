/**
 * The cluster's network. A namespace of its own holds the switch (a bridge), so that neither the host's packet
 * filters nor those of other software on it see the nodes' traffic; one cable leads from it to the host, one to each
 * node. Removing the namespaces removes every interface, route and rule in them, and the host's end of the cable.
 */
import { existsSync, readdirSync } from 'node:fs';
import type { AddressPlan, NodeAddress } from './address_plan.ts';
import { run } from './program.ts';

const NETNS_DIR = '/run/netns';
const PREFIX = 'tsk-';
const SWITCH_PORT = 'host';

/** Name of the namespace that holds the switch. No cluster's name holds a dot, so the names of two never meet. */
export const switchNamespace = (cluster: string): string => `${PREFIX}${cluster}.switch`;
export const nodeNamespace = (cluster: string, node: string): string => `${PREFIX}${cluster}.${node}`;
export const namespaceFile = (namespace: string): string => `${NETNS_DIR}/${namespace}`;

/** All network namespaces of a cluster that exist, recorded or not. */
export function clusterNamespaces(cluster: string): string[] {
  if (!existsSync(NETNS_DIR)) return [];
  return readdirSync(NETNS_DIR).filter((name) => name.startsWith(`${PREFIX}${cluster}.`));
}

/** The `ip -batch` lines that make up the switch and the host's end, which is up when all of them were carried out. */
export function switchCommands(plan: AddressPlan): { inSwitch: string[]; onHost: string[] } {
  const length = plan.machineNetwork.split('/')[1];
  return {
    inSwitch: [
      'link set lo up',
      'link add switch type bridge',
      `address add ${plan.gateway}/${length} dev switch`,
      'link set switch up',
      `link set ${SWITCH_PORT} master switch`,
      `link set ${SWITCH_PORT} up`,
    ],
    onHost: [
      `address add ${plan.host}/${length} dev ${plan.hostInterface}`,
      `link set ${plan.hostInterface} up`,
    ],
  };
}

/** The lines that make up one node's end, which has its default route when all of them were carried out. */
export function nodeCommands(plan: AddressPlan, node: NodeAddress): { inSwitch: string[]; inNode: string[] } {
  const length = plan.machineNetwork.split('/')[1];
  return {
    inSwitch: [`link set ${node.port} master switch`, `link set ${node.port} up`],
    inNode: [
      'link set lo up',
      `address add ${node.address}/${length} dev eth0`,
      'link set eth0 up',
      `route replace default via ${plan.gateway}`,
    ],
  };
}

/** Routes to the pods of every node but `self` (`undefined`: the host, which also reaches services by the first node). */
export function routeCommands(plan: AddressPlan, self: NodeAddress | undefined): string[] {
  const pods = plan.nodes
    .filter((node) => node.name !== self?.name)
    .map((node) => `route replace ${node.podNetwork} via ${node.address}`);
  const first = plan.nodes[0];
  const services =
    self === undefined && first !== undefined
      ? [`route replace ${plan.serviceNetwork} via ${first.address}`]
      : [];
  return [...pods, ...services];
}

/** Builds what is missing of the switch and the host's end. Returns whether anything was. */
export async function ensureSwitch(cluster: string, plan: AddressPlan): Promise<boolean> {
  const namespace = switchNamespace(cluster);
  // A run that was killed may have left a part of it.
  const link = (await links()).get(plan.hostInterface);
  if (existsSync(namespaceFile(namespace)) && link?.includes('UP') === true) return false;
  if (link !== undefined) await batch(undefined, [`link delete ${plan.hostInterface}`]);
  await removeNamespace(namespace);
  await run(['ip', 'netns', 'add', namespace]);
  await batch(undefined, [
    `link add ${plan.hostInterface} type veth peer name ${SWITCH_PORT} netns ${namespace}`,
  ]);
  const { inSwitch, onHost } = switchCommands(plan);
  await batch(namespace, inSwitch);
  await batch(undefined, onHost);
  return true;
}

/** Builds what is missing of a node's namespace and cable. Returns whether anything was. */
export async function ensureNodeNetwork(
  cluster: string,
  plan: AddressPlan,
  node: NodeAddress,
): Promise<boolean> {
  const [namespace, theSwitch] = [nodeNamespace(cluster, node.name), switchNamespace(cluster)];
  const there = existsSync(namespaceFile(namespace));
  const plugged = (await links(theSwitch)).has(node.port);
  if (there && plugged && (await run(['ip', '-n', namespace, 'route', 'show', 'default'])) !== '')
    return false;
  if (plugged) await batch(theSwitch, [`link delete ${node.port}`]);
  await removeNamespace(namespace);
  await run(['ip', 'netns', 'add', namespace]);
  await batch(theSwitch, [`link add ${node.port} type veth peer name eth0 netns ${namespace}`]);
  const { inSwitch, inNode } = nodeCommands(plan, node);
  await batch(theSwitch, inSwitch);
  await batch(namespace, inNode);
  return true;
}

/** Sets the routes between the pod networks, and from the host to pods and services. */
export async function ensureRoutes(cluster: string, plan: AddressPlan): Promise<void> {
  await batch(undefined, routeCommands(plan, undefined));
  await Promise.all(
    plan.nodes.map((node) => batch(nodeNamespace(cluster, node.name), routeCommands(plan, node))),
  );
}

/** Removes a namespace's name; the namespace ends with its last process. */
export async function removeNamespace(namespace: string): Promise<void> {
  if (existsSync(namespaceFile(namespace))) await run(['ip', 'netns', 'delete', namespace]);
}

export async function interfaceExists(name: string): Promise<boolean> {
  return (await links()).has(name);
}

/** The flags of each interface by its name. */
async function links(namespace?: string): Promise<Map<string, readonly string[]>> {
  const output = await run([
    'ip',
    ...(namespace === undefined ? [] : ['-n', namespace]),
    '-o',
    'link',
    'show',
  ]);
  return parseLinks(output);
}

/** Parses `ip -o link show`: `7: tsk0@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu ...`. */
export function parseLinks(output: string): Map<string, readonly string[]> {
  return new Map(
    output.split('\n').flatMap((line) => {
      const [, name, flags] = /^\d+: ([^:@]+)[^<]*<([^>]*)>/.exec(line) ?? [];
      return name === undefined || flags === undefined ? [] : [[name, flags.split(',')]];
    }),
  );
}

async function batch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run(['ip', ...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'], {
    stdin: `${lines.join('\n')}\n`,
  });
}
