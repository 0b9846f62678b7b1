/** Which plugins a profile runs, at which points, with which weight. */
import type { PluginArgs } from '../plugins/registry.ts';
import type { EnabledPlugin } from '../framework/plugin.ts';
import { defaultPlugins } from '../plugins/registry.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
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
 * Applies `plugins` of the profile to the default set: `multiPoint` first, then the single points, where disabling goes
 * before enabling. A plugin disabled at some points keeps the others.
 */
export function enabledPlugins(
  profile: ProfileConfig,
  args: PluginArgs,
  handle: PluginHandle,
): EnabledPlugin[] {
  return defaultPlugins(handle, args).flatMap((one) => {
    const { multiPoint } = profile.plugins;
    const inMulti = refers(multiPoint.enabled, one.plugin.name, false);
    const enabled = atItsPoints(profile, one, inMulti || !refers(multiPoint.disabled, one.plugin.name));
    return enabled === undefined ? [] : [enabled];
  });
}

/** As {@link enabledPlugins}, of a plugin that is not in-tree: it acts only where it is named, unless `everywhere`. */
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

/** Whether the profile enables or disables the plugin by its name anywhere. */
export function isNamed(plugins: ProfileConfig['plugins'], name: string): boolean {
  return [...POINTS, 'multiPoint' as const].some((point) =>
    [...plugins[point].enabled, ...plugins[point].disabled].some((ref) => ref.name === name),
  );
}

function atItsPoints(
  { plugins }: ProfileConfig,
  { plugin, weight }: EnabledPlugin,
  everywhere: boolean,
): EnabledPlugin | undefined {
  const off = POINTS.filter((point) => {
    if (refers(plugins[point].enabled, plugin.name, false)) return false;
    return !everywhere || refers(plugins[point].disabled, plugin.name);
  });
  if (off.length === POINTS.length) return undefined;
  const weights = [plugins.score, plugins.multiPoint].map(
    ({ enabled }) => enabled.find((ref) => ref.name === plugin.name)?.weight,
  );
  const chosen = weights.find((w) => w !== undefined && w > 0);
  return { plugin: without(plugin, off), weight: chosen ?? weight };
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
