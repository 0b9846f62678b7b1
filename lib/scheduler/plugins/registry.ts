/** The in-tree plugins by name, with the weights and the order of the default profile. */
import { defaultBinder } from '../binding/bind_pod.ts';
import type { EnabledPlugin, Plugin } from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { DefaultPreemptionArgs } from '../preemption/default_preemption.ts';
import { defaultPreemption } from '../preemption/default_preemption.ts';
import { dynamicResources } from './dynamic_resources.ts';
import { imageLocality } from './image_locality.ts';
import type { InterPodAffinityArgs } from './inter_pod_affinity.ts';
import { interPodAffinity } from './inter_pod_affinity.ts';
import type { NodeAffinityArgs } from './node_affinity.ts';
import { nodeAffinity } from './node_affinity.ts';
import { nodeDeclaredFeatures } from './node_declared_features.ts';
import { nodeName } from './node_name.ts';
import { nodePorts } from './node_ports.ts';
import type { BalancedAllocationArgs } from './node_resources_balanced_allocation.ts';
import { nodeResourcesBalancedAllocation } from './node_resources_balanced_allocation.ts';
import type { NodeResourcesFitArgs } from './node_resources_fit.ts';
import { nodeResourcesFit } from './node_resources_fit.ts';
import { nodeVolumeLimits } from './node_volume_limits.ts';
import { nodeUnschedulable } from './node_unschedulable.ts';
import type { PodTopologySpreadArgs } from './pod_topology_spread.ts';
import { podTopologySpread } from './pod_topology_spread.ts';
import { prioritySort } from './priority_sort.ts';
import { schedulingGates } from './scheduling_gates.ts';
import { taintToleration } from './taint_toleration.ts';
import type { VolumeBindingArgs } from './volume_binding.ts';
import { volumeBinding } from './volume_binding.ts';
import { volumeRestrictions } from './volume_restrictions.ts';
import { volumeZone } from './volume_zone.ts';

/** `pluginConfig` of a profile, decoded. */
export interface PluginArgs {
  readonly DefaultPreemption?: DefaultPreemptionArgs;
  readonly InterPodAffinity?: InterPodAffinityArgs;
  readonly NodeAffinity?: NodeAffinityArgs;
  readonly NodeResourcesBalancedAllocation?: BalancedAllocationArgs;
  readonly NodeResourcesFit?: NodeResourcesFitArgs;
  readonly PodTopologySpread?: PodTopologySpreadArgs;
  readonly VolumeBinding?: VolumeBindingArgs;
}

interface Registered {
  readonly name: string;
  readonly weight: number;
  /** Feature gate without which there is no such plugin. */
  readonly gate?: string;
  readonly create: (args: PluginArgs, handle: PluginHandle) => Plugin;
}

const fixed = (plugin: Plugin, weight = 0): Registered => ({
  name: plugin.name,
  weight,
  create: () => plugin,
});

/** In the order in which the default profile asks them. */
const REGISTERED: readonly Registered[] = [
  fixed(schedulingGates),
  fixed(prioritySort),
  fixed(nodeUnschedulable),
  fixed(nodeName),
  fixed(taintToleration, 3),
  { name: 'NodeAffinity', weight: 2, create: (args) => nodeAffinity(args.NodeAffinity) },
  fixed(nodePorts),
  { name: 'NodeResourcesFit', weight: 1, create: (args) => nodeResourcesFit(args.NodeResourcesFit) },
  { name: 'VolumeRestrictions', weight: 0, create: (_args, handle) => volumeRestrictions(handle) },
  { name: 'NodeVolumeLimits', weight: 0, create: (_args, handle) => nodeVolumeLimits(handle) },
  { name: 'VolumeBinding', weight: 0, create: (args, handle) => volumeBinding(handle, args.VolumeBinding) },
  { name: 'VolumeZone', weight: 0, create: (_args, handle) => volumeZone(handle) },
  {
    name: 'PodTopologySpread',
    weight: 2,
    create: (args, handle) => podTopologySpread(handle, args.PodTopologySpread),
  },
  {
    name: 'InterPodAffinity',
    weight: 2,
    create: (args, handle) => interPodAffinity(handle, args.InterPodAffinity),
  },
  fixed(dynamicResources, 2),
  {
    name: 'DefaultPreemption',
    weight: 0,
    create: ({ DefaultPreemption: args }, handle) =>
      defaultPreemption(handle, {
        ...(args === undefined ? {} : { args }),
        ...(handle.random === undefined ? {} : { random: handle.random }),
      }),
  },
  {
    name: 'NodeResourcesBalancedAllocation',
    weight: 1,
    create: (args) => nodeResourcesBalancedAllocation(args.NodeResourcesBalancedAllocation),
  },
  { name: 'ImageLocality', weight: 1, create: (_args, handle) => imageLocality(handle) },
  { name: 'DefaultBinder', weight: 0, create: (_args, { client }) => defaultBinder(client) },
  {
    name: 'NodeDeclaredFeatures',
    weight: 0,
    gate: 'NodeDeclaredFeatures',
    create: (_args, handle) => nodeDeclaredFeatures(handle),
  },
];

/** Upstream's plugins whose work this scheduler does not do yet; config files may name them. */
const NOT_YET: readonly string[] = ['GangScheduling'];

/** Feature gates; absent: every gate has its default. */
type Gates = PluginHandle['gates'];

function available(gates: Gates): readonly Registered[] {
  return REGISTERED.filter(({ gate }) => gate === undefined || gates?.enabled(gate) !== false);
}

/** What a plugin's score counts where no weight is given, or 0. */
export const UNWEIGHTED = 1;

/** Names and weights of a profile that changes nothing, in the order in which it asks them. */
export function defaultRefs(gates: Gates): readonly { readonly name: string; readonly weight: number }[] {
  return available(gates).map(({ name, weight }) => ({ name, weight }));
}

/** The plugins of {@link defaultRefs}. */
export function defaultPlugins(handle: PluginHandle, args: PluginArgs = {}): EnabledPlugin[] {
  return available(handle.gates).map(({ weight, create }) => ({
    plugin: create(args, handle),
    weight: weight || UNWEIGHTED,
  }));
}

/** Undefined where there is no such in-tree plugin, or its feature gate is off. */
export function createInTree(name: string, args: PluginArgs, handle: PluginHandle): Plugin | undefined {
  return available(handle.gates)
    .find((registered) => registered.name === name)
    ?.create(args, handle);
}

/** Every name that a config file may use. */
export const KNOWN_PLUGINS: readonly string[] = [...REGISTERED.map((r) => r.name), ...NOT_YET].sort();
