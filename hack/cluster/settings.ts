/** What was asked of a cluster, kept in its cluster.json so that later runs know. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { nodeAddress } from './address_plan.ts';
import { field } from './api.ts';
import type { Containerd, Flavour, ProxyMode, Swappable, UpOptions } from './options.ts';
import type { ClusterPaths } from './paths.ts';

export interface ClusterSettings {
  readonly name: string;
  readonly slot: number;
  readonly nodes: number;
  readonly flavours: Readonly<Record<Swappable, Flavour>>;
  readonly inCluster: boolean;
  /** Nodes can pull the images of the conformance suite from a registry. */
  readonly registry: boolean;
  readonly proxyMode: ProxyMode;
  readonly containerd: Containerd;
}

/** What the command line says, else what the cluster has, else the default. */
export function mergeSettings(
  options: UpOptions,
  known: ClusterSettings | undefined,
  slot: number,
): ClusterSettings {
  const flavour = (part: Swappable): Flavour => options.flavours[part] ?? known?.flavours[part] ?? 'ours';
  return {
    name: options.name,
    slot,
    nodes: options.nodes ?? known?.nodes ?? 2,
    flavours: { kubelet: flavour('kubelet'), proxy: flavour('proxy'), scheduler: flavour('scheduler') },
    inCluster: options.inCluster ?? known?.inCluster ?? false,
    registry: options.registry ?? known?.registry ?? false,
    proxyMode: options.proxyMode ?? known?.proxyMode ?? 'iptables',
    containerd: options.containerd ?? known?.containerd ?? 'distribution',
  };
}

/** Why `options` cannot be had of a cluster that stands, or `undefined`. */
export function changeProblem(options: UpOptions, known: ClusterSettings | undefined): string | undefined {
  if (known === undefined || options.containerd === undefined || options.containerd === known.containerd)
    return undefined;
  return (
    `--containerd: cluster ${known.name} runs the ${known.containerd} containerd, whose state the other may not read: ` +
    `run hack/down --name ${known.name} first, or give the cluster another name.`
  );
}

/** Validates the text of cluster.json; `undefined` when it is torn. */
export function parseSettings(text: string): ClusterSettings | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const [name, slot, nodes] = [field(value, 'name'), field(value, 'slot'), field(value, 'nodes')];
  if (typeof name !== 'string' || typeof slot !== 'number' || typeof nodes !== 'number') return undefined;
  const flavour = (part: Swappable): Flavour =>
    field(value, 'flavours', part) === 'stock' ? 'stock' : 'ours';
  return {
    name,
    slot,
    nodes,
    flavours: { kubelet: flavour('kubelet'), proxy: flavour('proxy'), scheduler: flavour('scheduler') },
    inCluster: field(value, 'inCluster') === true,
    registry: field(value, 'registry') === true,
    proxyMode: field(value, 'proxyMode') === 'nftables' ? 'nftables' : 'iptables',
    containerd: field(value, 'containerd') === 'pinned' ? 'pinned' : 'distribution',
  };
}

export function readSettings(paths: ClusterPaths): ClusterSettings | undefined {
  return existsSync(paths.clusterFile) ? parseSettings(readFileSync(paths.clusterFile, 'utf8')) : undefined;
}

/** Writes cluster.json with the addresses that other tools want to know. */
export function writeSettings(paths: ClusterPaths, settings: ClusterSettings): void {
  const nodes = Array.from({ length: settings.nodes }, (_, index) => nodeAddress(settings.slot, index));
  const text = `${JSON.stringify({ ...settings, nodeAddresses: nodes }, undefined, 2)}\n`;
  writeFileSync(`${paths.clusterFile}.new`, text);
  renameSync(`${paths.clusterFile}.new`, paths.clusterFile);
}
