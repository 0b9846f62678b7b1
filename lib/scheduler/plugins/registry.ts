/** The in-tree plugins by name, with the weights and the order of the default profile. */
import type { Plugin } from '../framework/plugin.ts';
import { imageLocality } from './image_locality.ts';
import type { NodeAffinityArgs } from './node_affinity.ts';
import { nodeAffinity } from './node_affinity.ts';
import { nodeName } from './node_name.ts';
import { nodePorts } from './node_ports.ts';
import { nodeResourcesBalancedAllocation } from './node_resources_balanced_allocation.ts';
import type { NodeResourcesFitArgs } from './node_resources_fit.ts';
import { nodeResourcesFit } from './node_resources_fit.ts';
import { nodeUnschedulable } from './node_unschedulable.ts';
import { prioritySort } from './priority_sort.ts';
import { schedulingGates } from './scheduling_gates.ts';
import { taintToleration } from './taint_toleration.ts';

/** `pluginConfig` of a profile, decoded. */
export interface PluginArgs {
  readonly NodeAffinity?: NodeAffinityArgs;
  readonly NodeResourcesFit?: NodeResourcesFitArgs;
}

export interface EnabledPlugin {
  readonly plugin: Plugin;
  /** Factor of its score; 0 where it does not score. */
  readonly weight: number;
}

/** Upstream's plugins whose work this scheduler does not do yet; config files may name them. */
const NOT_YET: readonly string[] = [
  'DefaultPreemption',
  'DynamicResources',
  'GangScheduling',
  'InterPodAffinity',
  'NodeDeclaredFeatures',
  'NodeVolumeLimits',
  'PodTopologySpread',
  'VolumeBinding',
  'VolumeRestrictions',
  'VolumeZone',
];

/** Plugins and weights of a profile that changes nothing; the binder comes from the caller. */
export function defaultPlugins(args: PluginArgs = {}): EnabledPlugin[] {
  return [
    { plugin: schedulingGates, weight: 0 },
    { plugin: prioritySort, weight: 0 },
    { plugin: nodeUnschedulable, weight: 0 },
    { plugin: nodeName, weight: 0 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity(args.NodeAffinity), weight: 2 },
    { plugin: nodePorts, weight: 0 },
    { plugin: nodeResourcesFit(args.NodeResourcesFit), weight: 1 },
    { plugin: nodeResourcesBalancedAllocation, weight: 1 },
    { plugin: imageLocality, weight: 1 },
  ];
}

/** Every name that a config file may use. */
export const KNOWN_PLUGINS: readonly string[] = [
  ...defaultPlugins().map((p) => p.plugin.name),
  'DefaultBinder',
  ...NOT_YET,
].sort();
