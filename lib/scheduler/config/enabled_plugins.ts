/** Which plugins a profile runs, at which points, with which weight, in which order. */
import type { EnabledPlugin, Plugin } from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import { ProfileError } from '../framework/profile.ts';
import type { PluginArgs } from '../plugins/registry.ts';
import { createInTree, UNWEIGHTED } from '../plugins/registry.ts';
import { IN_TREE_POINTS } from './in_tree_points.ts';
import type { Point, ProfileConfig } from './scheduler_config.ts';
import { POINTS } from './scheduler_config.ts';

/** The method that stands for a point of the config file. */
const METHODS: Partial<Record<Point, readonly string[]>> = {
  preEnqueue: ['preEnqueue'],
  queueSort: ['compare'],
  preFilter: ['preFilter'],
  filter: ['filter'],
  postFilter: ['postFilter'],
  preScore: ['preScore'],
  score: ['score'],
  reserve: ['reserve', 'unreserve'],
  permit: ['permit'],
  preBind: ['preBind'],
  bind: ['bind'],
  postBind: ['postBind'],
};

/**
 * The in-tree plugins of a complete profile (see {@link completeProfile}): those of `multiPoint` where a single point does
 * not disable them, and at single points those that are enabled there.
 *
 * @returns in the order of `multiPoint`
 * @throws ProfileError for a plugin enabled at a point that it does not have
 */
export function enabledPlugins(
  profile: ProfileConfig,
  args: PluginArgs,
  handle: PluginHandle,
): EnabledPlugin[] {
  const sets = [profile.plugins.multiPoint, ...POINTS.map((point) => profile.plugins[point])];
  const names = new Set(sets.flatMap(({ enabled }) => enabled.map((ref) => ref.name)));
  return Array.from(names).flatMap((name) => {
    const plugin = createInTree(name, args, handle);
    if (plugin === undefined) return [];
    const everywhere = refers(profile.plugins.multiPoint.enabled, name, false);
    return atItsPoints(profile, { plugin, weight: UNWEIGHTED }, everywhere) ?? [];
  });
}

/**
 * As {@link enabledPlugins}, of a plugin that is not in-tree: it acts only where it is named, unless `everywhere`.
 *
 * @throws ProfileError
 */
export function enabledOwn(
  profile: ProfileConfig,
  own: EnabledPlugin,
  everywhere: boolean,
): EnabledPlugin | undefined {
  return atItsPoints(
    profile,
    own,
    everywhere || refers(profile.plugins.multiPoint.enabled, own.plugin.name, false),
  );
}

/** By method, the plugins that the profile enables at that single point: they go before all others, in that order. */
export function firstAtPoints({ plugins }: ProfileConfig): ReadonlyMap<string, readonly string[]> {
  return new Map(
    POINTS.flatMap((point) =>
      (METHODS[point] ?? []).map(
        (method) => [method, plugins[point].enabled.map(({ name }) => name)] as const,
      ),
    ),
  );
}

/** Whether the profile enables or disables the plugin by its name anywhere. */
export function isNamed(plugins: ProfileConfig['plugins'], name: string): boolean {
  return [...POINTS, 'multiPoint' as const].some((point) =>
    [...plugins[point].enabled, ...plugins[point].disabled].some((ref) => ref.name === name),
  );
}

function atItsPoints(
  { plugins, schedulerName }: ProfileConfig,
  { plugin, weight }: EnabledPlugin,
  everywhere: boolean,
): EnabledPlugin | undefined {
  const off = POINTS.filter((point) => {
    if (!refers(plugins[point].enabled, plugin.name, false))
      return !everywhere || refers(plugins[point].disabled, plugin.name);
    const its = pointsOf(plugin);
    if (!its.includes(point))
      throw new ProfileError(
        `profile "${schedulerName}": plugins.${point}.enabled: plugin "${plugin.name}" has no such point, it has ${its.join(', ')}`,
      );
    return false;
  });
  if (off.length === POINTS.length) return undefined;
  const weights = [plugins.score, plugins.multiPoint].map(
    ({ enabled }) => enabled.find((ref) => ref.name === plugin.name)?.weight,
  );
  // Where a point names the plugin, its weight there counts, and none is the usual one.
  const chosen = weights.find((w) => w !== undefined) ?? 0;
  return { plugin: without(plugin, off), weight: chosen > 0 ? chosen : weight };
}

function pointsOf(plugin: Plugin): readonly Point[] {
  return (
    IN_TREE_POINTS[plugin.name] ??
    POINTS.filter((point) => METHODS[point]?.some((method) => method in plugin) === true)
  );
}

function refers(refs: readonly { readonly name: string }[], name: string, all = true): boolean {
  return refs.some((ref) => ref.name === name || (all && ref.name === '*'));
}

/** The plugin with the methods of the given points hidden. */
function without(plugin: Plugin, points: readonly Point[]): Plugin {
  const hidden = new Set(points.flatMap((point) => METHODS[point] ?? []));
  if (hidden.size === 0) return plugin;
  return new Proxy(plugin, {
    has: (target, key) => !(typeof key === 'string' && hidden.has(key)) && Reflect.has(target, key),
    get: (target, key): unknown =>
      typeof key === 'string' && hidden.has(key) ? undefined : Reflect.get(target, key),
  });
}
