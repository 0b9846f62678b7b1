/** `pluginConfig` of a profile: the arguments of the plugins that take any. */
import { ConfigError, decodeConfig } from '../../component/config/document.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import type { Infer } from '../../component/config/schema.ts';
import {
  boolean,
  choice,
  integer,
  isObject,
  json,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import type { InterPodAffinityArgs } from '../plugins/inter_pod_affinity.ts';
import type { NodeAffinityArgs } from '../plugins/node_affinity.ts';
import type { BalancedAllocationArgs } from '../plugins/node_resources_balanced_allocation.ts';
import type { NodeResourcesFitArgs } from '../plugins/node_resources_fit.ts';
import type { PodTopologySpreadArgs } from '../plugins/pod_topology_spread.ts';
import type { DefaultPreemptionArgs } from '../preemption/default_preemption.ts';
import type { PluginArgs } from '../plugins/registry.ts';
import { MAX_SHAPE_SCORE } from '../plugins/scoring_strategy.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { ProfileConfig } from './scheduler_config.ts';

const apiVersion = 'kubescheduler.config.k8s.io/v1';

const resource = object({
  name: refine(string(), 'the name of a resource', (s) => s !== ''),
  weight: withDefault(integer({ min: 1, max: 100 }), 1),
});
const CPU_AND_MEMORY = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
];
const fitArgs = object({
  ignoredResources: withDefault(list(string()), []),
  ignoredResourceGroups: withDefault(
    list(
      refine(string(), 'the prefix of a resource name, without a slash', (s) => s !== '' && !s.includes('/')),
    ),
    [],
  ),
  scoringStrategy: object({
    type: withDefault(
      choice(['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']),
      'LeastAllocated',
    ),
    resources: withDefault(list(resource), CPU_AND_MEMORY),
    requestedToCapacityRatio: optional(
      object({
        shape: withDefault(
          list(
            object({
              utilization: integer({ min: 0, max: 100 }),
              score: integer({ min: 0, max: MAX_SHAPE_SCORE }),
            }),
          ),
          [],
        ),
      }),
    ),
  }),
});
const FIT = { apiVersion, kind: 'NodeResourcesFitArgs', schema: fitArgs };

const balancedArgs = object({
  resources: withDefault(
    list(
      object({
        name: refine(string(), 'the name of a resource', (s) => s !== ''),
        weight: withDefault(integer({ min: 1, max: 1 }), 1),
      }),
    ),
    CPU_AND_MEMORY,
  ),
});
const BALANCED: ConfigKind<BalancedAllocationArgs> = {
  apiVersion,
  kind: 'NodeResourcesBalancedAllocationArgs',
  schema: balancedArgs,
};

const expression = object({
  key: string(),
  operator: string({ oneOf: ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] }),
  values: withDefault(list(string()), []),
});
const term = object({
  matchExpressions: withDefault(list(expression), []),
  matchFields: withDefault(list(expression), []),
});
const affinityArgs = object({
  addedAffinity: optional(
    object({
      requiredDuringSchedulingIgnoredDuringExecution: optional(object({ nodeSelectorTerms: list(term) })),
      preferredDuringSchedulingIgnoredDuringExecution: optional(
        list(object({ weight: integer({ min: 1, max: 100 }), preference: term })),
      ),
    }),
  ),
});
const AFFINITY = { apiVersion, kind: 'NodeAffinityArgs', schema: affinityArgs };

const preemptionArgs = object({
  minCandidateNodesPercentage: withDefault(integer({ min: 0, max: 100 }), 10),
  minCandidateNodesAbsolute: withDefault(integer({ min: 0 }), 100),
});
const PREEMPTION: ConfigKind<DefaultPreemptionArgs> = {
  apiVersion,
  kind: 'DefaultPreemptionArgs',
  schema: preemptionArgs,
};

const interPodAffinityArgs = object({
  hardPodAffinityWeight: withDefault(integer({ min: 0, max: 100 }), 1),
  ignorePreferredTermsOfExistingPods: withDefault(boolean(), false),
});
const INTER_POD_AFFINITY: ConfigKind<InterPodAffinityArgs> = {
  apiVersion,
  kind: 'InterPodAffinityArgs',
  schema: interPodAffinityArgs,
};

const bindingArgs = object({
  bindTimeoutSeconds: withDefault(integer({ min: 0 }), 600),
  /** Has no effect while the score by storage capacity is not on (a feature gate of the stock scheduler). */
  shape: withDefault(list(json()), []),
});
const VOLUME_BINDING: ConfigKind<Infer<typeof bindingArgs>> = {
  apiVersion,
  kind: 'VolumeBindingArgs',
  schema: bindingArgs,
};

const spreadArgs = object({
  defaultConstraints: withDefault(
    list(
      object({
        topologyKey: refine(string(), 'the key of a node label', (s) => s !== ''),
        maxSkew: integer({ min: 1 }),
        whenUnsatisfiable: string({ oneOf: ['DoNotSchedule', 'ScheduleAnyway'] }),
        minDomains: optional(integer({ min: 1 })),
        nodeAffinityPolicy: optional(string({ oneOf: ['Honor', 'Ignore'] })),
        nodeTaintsPolicy: optional(string({ oneOf: ['Honor', 'Ignore'] })),
      }),
    ),
    [],
  ),
  defaultingType: withDefault(choice(['System', 'List']), 'System'),
});
const SPREAD = { apiVersion, kind: 'PodTopologySpreadArgs', schema: spreadArgs };

/**
 * @param source names the file, for messages
 * @returns the arguments, the names of configured plugins whose arguments do not act yet, and what was given to plugins that
 *   are not in-tree, by name
 * @throws ConfigError
 */
export function pluginArgs(
  profile: ProfileConfig,
  source: string,
): {
  readonly args: PluginArgs;
  readonly idle: readonly string[];
  readonly own: ReadonlyMap<string, unknown>;
} {
  let args: PluginArgs = {};
  const idle: string[] = [];
  const own = new Map<string, unknown>();
  for (const [i, { name, args: given }] of profile.pluginConfig.entries()) {
    const where = `${source}: field "profiles[${profile.schedulerName}].pluginConfig[${i}].args"`;
    // In the file the type of the arguments may be left out; the plugin's name implies it.
    const typed = isObject(given) ? { apiVersion, kind: `${name}Args`, ...given } : given;
    if (name === 'NodeResourcesFit')
      args = { ...args, NodeResourcesFit: fitArgsOf(decodeConfig(typed ?? {}, where, [FIT]), where) };
    else if (name === 'NodeResourcesBalancedAllocation')
      args = { ...args, NodeResourcesBalancedAllocation: decodeConfig(typed ?? {}, where, [BALANCED]) };
    else if (name === 'NodeAffinity')
      args = { ...args, NodeAffinity: definedOnly(decodeConfig(typed ?? {}, where, [AFFINITY])) };
    else if (name === 'DefaultPreemption')
      args = { ...args, DefaultPreemption: decodeConfig(typed ?? {}, where, [PREEMPTION]) };
    else if (name === 'InterPodAffinity')
      args = { ...args, InterPodAffinity: decodeConfig(typed ?? {}, where, [INTER_POD_AFFINITY]) };
    else if (name === 'PodTopologySpread')
      args = { ...args, PodTopologySpread: spreadArgsOf(decodeConfig(typed ?? {}, where, [SPREAD]), where) };
    else if (name === 'VolumeBinding')
      args = { ...args, VolumeBinding: decodeConfig(typed ?? {}, where, [VOLUME_BINDING]) };
    else if (KNOWN_PLUGINS.includes(name)) idle.push(name);
    else own.set(name, given);
  }
  return { args, idle, own };
}

function fitArgsOf(decoded: Infer<typeof fitArgs>, where: string): NodeResourcesFitArgs {
  const { type, resources, requestedToCapacityRatio } = decoded.scoringStrategy;
  if (type !== 'RequestedToCapacityRatio') return { ...decoded, scoringStrategy: { type, resources } };
  const { shape = [] } = requestedToCapacityRatio ?? {};
  const path = 'scoringStrategy.requestedToCapacityRatio.shape';
  if (shape.length === 0)
    throw new ConfigError(where, [{ path, message: `want at least one point for the type ${type}` }]);
  for (const [i, { utilization }] of shape.entries()) {
    const before = shape[i - 1]?.utilization ?? -1;
    if (utilization > before) continue;
    const message = `got ${utilization} after ${before}, want each higher than the one before`;
    throw new ConfigError(where, [{ path: `${path}[${i}].utilization`, message }]);
  }
  return { ...decoded, scoringStrategy: { type, resources, shape } };
}

function spreadArgsOf(decoded: Infer<typeof spreadArgs>, where: string): PodTopologySpreadArgs {
  const { defaultConstraints, defaultingType } = decoded;
  if (defaultingType === 'System' && defaultConstraints.length > 0)
    throw new ConfigError(where, [
      { path: 'defaultConstraints', message: 'want none while defaultingType is System' },
    ]);
  return {
    defaultingType,
    defaultConstraints: defaultConstraints.map(
      ({ minDomains, nodeAffinityPolicy, nodeTaintsPolicy, ...constraint }) => ({
        ...constraint,
        ...(minDomains === undefined ? {} : { minDomains }),
        ...(nodeAffinityPolicy === undefined ? {} : { nodeAffinityPolicy }),
        ...(nodeTaintsPolicy === undefined ? {} : { nodeTaintsPolicy }),
      }),
    ),
  };
}

type DecodedAffinity = NonNullable<
  typeof AFFINITY.schema extends { decode(...a: never[]): infer T } ? T : never
>;

function definedOnly({ addedAffinity }: DecodedAffinity): NodeAffinityArgs {
  if (addedAffinity === undefined) return {};
  const required = addedAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = addedAffinity.preferredDuringSchedulingIgnoredDuringExecution;
  return {
    addedAffinity: {
      ...(required === undefined ? {} : { requiredDuringSchedulingIgnoredDuringExecution: required }),
      ...(preferred === undefined ? {} : { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
    },
  };
}
