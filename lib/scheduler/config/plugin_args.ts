/** `pluginConfig` of a profile: the arguments of the plugins that take any. */
import { labelKeyProblem, labelValueProblem } from '../../api/label_syntax.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import { ConfigError, decodeConfig, encodeConfig } from '../../component/config/document.ts';
import type { Infer, Problem } from '../../component/config/schema.ts';
import { isObject } from '../../component/config/schema.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { NodeAffinityArgs } from '../plugins/node_affinity.ts';
import type { NodeResourcesFitArgs } from '../plugins/node_resources_fit.ts';
import type { PodTopologySpreadArgs } from '../plugins/pod_topology_spread.ts';
import type { PluginArgs } from '../plugins/registry.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import { SCORING_GATE } from '../plugins/volume_binding.ts';
import { DEFAULT_STORAGE_SHAPE } from '../volumes/storage_score.ts';
import type { NodeSelectorTermArgs, Shape } from './plugin_args_schemas.ts';
import * as kinds from './plugin_args_schemas.ts';
import type { ProfileConfig } from './scheduler_config.ts';

/** Feature gates. */
export type Gates = NonNullable<PluginHandle['gates']>;

interface Arguments {
  /** As the plugin takes them. */
  readonly args: PluginArgs;
  /** As a file would give them, complete. */
  readonly shown: Readonly<Record<string, unknown>>;
}

/** @param where names file and field, for messages. @throws ConfigError */
type Reader = (given: unknown, where: string, gates: Gates | undefined) => Arguments;

function reader<T>(kind: ConfigKind<T>, argsOf: (decoded: T, where: string) => PluginArgs): Reader {
  return (given, where) => {
    const decoded = decodeConfig(withKind(given, kind), where, [kind]);
    return { args: argsOf(decoded, where), shown: encodeConfig(decoded, kind) };
  };
}

/** In the file the type of the arguments may be left out; the plugin's name implies it. */
function withKind(given: unknown, { apiVersion, kind }: ConfigKind<unknown>): unknown {
  return given === undefined || given === null || isObject(given) ? { apiVersion, kind, ...given } : given;
}

/** By plugin, those that take arguments. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['DefaultPreemption', reader(kinds.PREEMPTION, preemptionArgsOf)],
  ['DynamicResources', reader(kinds.DYNAMIC_RESOURCES, () => ({}))],
  ['InterPodAffinity', reader(kinds.INTER_POD_AFFINITY, (args) => ({ InterPodAffinity: args }))],
  ['NodeAffinity', reader(kinds.AFFINITY, (args, where) => ({ NodeAffinity: affinityArgsOf(args, where) }))],
  [
    'NodeResourcesBalancedAllocation',
    reader(kinds.BALANCED, (args, where) => {
      const names = args.resources.map(({ name }) => name);
      const twice = names.findIndex((name, i) => names.indexOf(name) < i);
      if (twice >= 0) fail(where, `resources[${twice}].name`, `got "${names[twice]}" a second time`);
      return { NodeResourcesBalancedAllocation: args };
    }),
  ],
  ['NodeResourcesFit', reader(kinds.FIT, (args, where) => ({ NodeResourcesFit: fitArgsOf(args, where) }))],
  [
    'PodTopologySpread',
    reader(kinds.SPREAD, (args, where) => ({ PodTopologySpread: spreadArgsOf(args, where) })),
  ],
  ['VolumeBinding', volumeBindingArguments],
]);

/**
 * @param source names the file, for messages
 * @returns the arguments, the names of configured plugins that have none or are not there, and what was given to plugins
 *   that are not in-tree, by name
 * @throws ConfigError
 */
export function pluginArgs(
  profile: ProfileConfig,
  source: string,
  gates?: Gates,
): {
  readonly args: PluginArgs;
  readonly idle: readonly string[];
  readonly own: ReadonlyMap<string, unknown>;
} {
  let args: PluginArgs = {};
  const idle: string[] = [];
  const own = new Map<string, unknown>();
  for (const [i, { name, args: given }] of profile.pluginConfig.entries()) {
    const read = READERS.get(name);
    if (read !== undefined) args = { ...args, ...read(given, whereIs(profile, i, source), gates).args };
    else if (KNOWN_PLUGINS.includes(name)) idle.push(name);
    else own.set(name, given);
  }
  return { args, idle, own };
}

/** `pluginConfig` with the arguments of every in-tree plugin that takes any, by name. @throws ConfigError */
export function completeArgs(
  profile: ProfileConfig,
  source: string,
  gates: Gates | undefined,
): ProfileConfig['pluginConfig'] {
  const given = new Map(profile.pluginConfig.map((one, i) => [one.name, { ...one, i }]));
  const names = [...READERS.keys(), ...[...given.keys()].filter((name) => !READERS.has(name))];
  return names.map((name) => {
    const one = given.get(name);
    const read = READERS.get(name);
    if (read === undefined) return { name, args: one?.args };
    return { name, args: read(one?.args, whereIs(profile, one?.i ?? 0, source), gates).shown };
  });
}

function whereIs({ schedulerName }: ProfileConfig, i: number, source: string): string {
  return `${source}: field "profiles[${schedulerName}].pluginConfig[${i}].args"`;
}

function fail(where: string, path: string, message: string): never {
  throw new ConfigError(where, [{ path, message }]);
}

function preemptionArgsOf(args: Infer<typeof kinds.PREEMPTION.schema>, where: string): PluginArgs {
  if (args.minCandidateNodesPercentage === 0 && args.minCandidateNodesAbsolute === 0)
    fail(where, 'minCandidateNodesPercentage', 'want more than 0 while minCandidateNodesAbsolute is 0');
  return { DefaultPreemption: args };
}

function fitArgsOf(decoded: Infer<typeof kinds.FIT.schema>, where: string): NodeResourcesFitArgs {
  const { type, resources, requestedToCapacityRatio } = decoded.scoringStrategy;
  const path = 'scoringStrategy.requestedToCapacityRatio';
  if (type !== 'RequestedToCapacityRatio') {
    if (requestedToCapacityRatio !== undefined) fail(where, path, `want none for the type ${type}`);
    return { ...decoded, scoringStrategy: { type, resources } };
  }
  const { shape = [] } = requestedToCapacityRatio ?? {};
  if (shape.length === 0) fail(where, `${path}.shape`, `want at least one point for the type ${type}`);
  checkShape(shape, where, `${path}.shape`);
  return { ...decoded, scoringStrategy: { type, resources, shape } };
}

function checkShape(shape: Shape, where: string, path: string): void {
  for (const [i, { utilization }] of shape.entries()) {
    const before = shape[i - 1]?.utilization ?? -1;
    if (utilization <= before)
      fail(
        where,
        `${path}[${i}].utilization`,
        `got ${utilization} after ${before}, want each higher than the one before`,
      );
  }
}

function volumeBindingArguments(given: unknown, where: string, gates: Gates | undefined): Arguments {
  const kind = kinds.VOLUME_BINDING;
  const decoded = decodeConfig(withKind(given, kind), where, [kind]);
  const scores = gates?.enabled(SCORING_GATE) === true;
  const { bindTimeoutSeconds, shape = [] } = decoded;
  if (!scores) {
    if (decoded.shape !== undefined)
      fail(where, 'shape', `want none, or the feature gate ${SCORING_GATE} turned on`);
    return { args: { VolumeBinding: { bindTimeoutSeconds } }, shown: encodeConfig(decoded, kind) };
  }
  checkShape(shape, where, 'shape');
  const args = { bindTimeoutSeconds, shape: shape.length > 0 ? shape : DEFAULT_STORAGE_SHAPE };
  return { args: { VolumeBinding: args }, shown: encodeConfig(args, kind) };
}

function spreadArgsOf(decoded: Infer<typeof kinds.SPREAD.schema>, where: string): PodTopologySpreadArgs {
  const { defaultConstraints, defaultingType } = decoded;
  if (defaultingType === 'System' && defaultConstraints.length > 0)
    fail(where, 'defaultConstraints', 'want none while defaultingType is System');
  const seen = new Set<string>();
  for (const [i, { topologyKey, whenUnsatisfiable }] of defaultConstraints.entries()) {
    const pair = `${topologyKey}, ${whenUnsatisfiable}`;
    if (seen.has(pair)) fail(where, `defaultConstraints[${i}]`, `got {${pair}} a second time`);
    seen.add(pair);
  }
  return {
    defaultingType,
    defaultConstraints: defaultConstraints.map(
      ({ topologyKey, maxSkew, whenUnsatisfiable, minDomains, nodeAffinityPolicy, nodeTaintsPolicy }) => ({
        topologyKey,
        maxSkew,
        whenUnsatisfiable,
        ...(minDomains === undefined ? {} : { minDomains }),
        ...(nodeAffinityPolicy === undefined ? {} : { nodeAffinityPolicy }),
        ...(nodeTaintsPolicy === undefined ? {} : { nodeTaintsPolicy }),
      }),
    ),
  };
}

function affinityArgsOf(
  { addedAffinity }: Infer<typeof kinds.AFFINITY.schema>,
  where: string,
): NodeAffinityArgs {
  if (addedAffinity === undefined) return {};
  const required = addedAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = addedAffinity.preferredDuringSchedulingIgnoredDuringExecution;
  const problems: Problem[] = [];
  const path = (kind: string): string => `addedAffinity.${kind}DuringSchedulingIgnoredDuringExecution`;
  for (const [i, term] of required?.nodeSelectorTerms.entries() ?? [])
    problems.push(...termProblems(term, `${path('required')}.nodeSelectorTerms[${i}]`));
  for (const [i, { preference }] of preferred?.entries() ?? [])
    problems.push(...termProblems(preference, `${path('preferred')}[${i}].preference`));
  if (problems.length > 0) throw new ConfigError(where, problems);
  return {
    addedAffinity: {
      ...(required === undefined ? {} : { requiredDuringSchedulingIgnoredDuringExecution: required }),
      ...(preferred === undefined ? {} : { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
    },
  };
}

function* termProblems({ matchExpressions }: NodeSelectorTermArgs, path: string): Generator<Problem> {
  for (const [i, { key, operator, values }] of matchExpressions.entries()) {
    const at = `${path}.matchExpressions[${i}]`;
    const problem = labelKeyProblem(key);
    if (problem !== undefined) yield { path: `${at}.key`, message: `got "${key}", ${problem}` };
    const wanted = valuesWanted(operator, values);
    if (wanted !== undefined)
      yield {
        path: `${at}.values`,
        message: `got ${JSON.stringify(values)}, want ${wanted} for the operator ${operator}`,
      };
    for (const [j, value] of values.entries()) {
      const wrong = labelValueProblem(value);
      if (wrong !== undefined) yield { path: `${at}.values[${j}]`, message: `got "${value}", ${wrong}` };
    }
  }
}

/** Undefined when the values are right. */
function valuesWanted(operator: string, values: readonly string[]): string | undefined {
  if (operator === 'In' || operator === 'NotIn') return values.length > 0 ? undefined : 'at least one';
  if (operator === 'Exists' || operator === 'DoesNotExist') return values.length === 0 ? undefined : 'none';
  return values.length === 1 && /^-?\d+$/.test(values[0] ?? '') ? undefined : 'exactly one whole number';
}
