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
import type { NodeResourcesFitArgs } from '../plugins/node_resources_fit.ts';
import type { PodTopologySpreadArgs } from '../plugins/pod_topology_spread.ts';
import type { DefaultPreemptionArgs } from '../preemption/default_preemption.ts';
import type { PluginArgs } from '../plugins/registry.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { ProfileConfig } from './scheduler_config.ts';

const apiVersion = 'kubescheduler.config.k8s.io/v1';

const resource = object({
  name: refine(string(), 'the name of a resource', (s) => s !== ''),
  weight: withDefault(integer({ min: 1, max: 100 }), 1),
});
const fitArgs = object({
  ignoredResources: withDefault(list(string()), []),
  ignoredResourceGroups: withDefault(
    list(
      refine(string(), 'the prefix of a resource name, without a slash', (s) => s !== '' && !s.includes('/')),
    ),
    [],
  ),
  scoringStrategy: object({
    type: withDefault(choice(['LeastAllocated', 'MostAllocated']), 'LeastAllocated'),
    resources: withDefault(list(resource), [
      { name: 'cpu', weight: 1 },
      { name: 'memory', weight: 1 },
    ]),
  }),
});
const FIT: ConfigKind<NodeResourcesFitArgs> = { apiVersion, kind: 'NodeResourcesFitArgs', schema: fitArgs };

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
      args = { ...args, NodeResourcesFit: decodeConfig(typed ?? {}, where, [FIT]) };
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
