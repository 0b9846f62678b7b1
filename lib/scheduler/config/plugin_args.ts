/** `pluginConfig` of a profile: the arguments of the plugins that take any. */
import { decodeConfig } from '../../component/config/document.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import {
  choice,
  integer,
  isObject,
  list,
  object,
  optional,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import type { NodeAffinityArgs } from '../plugins/node_affinity.ts';
import type { NodeResourcesFitArgs } from '../plugins/node_resources_fit.ts';
import type { PluginArgs } from '../plugins/registry.ts';
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

/**
 * @param source names the file, for messages
 * @returns the arguments, and the names of configured plugins whose arguments do not act yet
 * @throws ConfigError
 */
export function pluginArgs(
  profile: ProfileConfig,
  source: string,
): { readonly args: PluginArgs; readonly idle: readonly string[] } {
  let args: PluginArgs = {};
  const idle: string[] = [];
  for (const [i, { name, args: given }] of profile.pluginConfig.entries()) {
    const where = `${source}: field "profiles[${profile.schedulerName}].pluginConfig[${i}].args"`;
    // In the file the type of the arguments may be left out; the plugin's name implies it.
    const typed = isObject(given) ? { apiVersion, kind: `${name}Args`, ...given } : given;
    if (name === 'NodeResourcesFit')
      args = { ...args, NodeResourcesFit: decodeConfig(typed ?? {}, where, [FIT]) };
    else if (name === 'NodeAffinity')
      args = { ...args, NodeAffinity: definedOnly(decodeConfig(typed ?? {}, where, [AFFINITY])) };
    else idle.push(name);
  }
  return { args, idle };
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
