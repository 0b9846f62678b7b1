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
  const { plugins } = profile;
  const refers = (refs: readonly { readonly name: string }[], name: string): boolean =>
    refs.some((ref) => ref.name === name || ref.name === '*');
  const result: EnabledPlugin[] = [];
  for (const { plugin, weight } of defaultPlugins(handle, args)) {
    const { multiPoint, score } = plugins;
    const inMulti = multiPoint.enabled.find((ref) => ref.name === plugin.name);
    const everywhere = inMulti !== undefined || !refers(multiPoint.disabled, plugin.name);
    const off = POINTS.filter((point) => {
      const named = plugins[point].enabled.some((ref) => ref.name === plugin.name);
      if (named) return false;
      return !everywhere || refers(plugins[point].disabled, plugin.name);
    });
    if (off.length === POINTS.length) continue;
    const inScore = score.enabled.find((ref) => ref.name === plugin.name);
    const chosen = [inScore?.weight, inMulti?.weight].find((w) => w !== undefined && w > 0);
    result.push({ plugin: without(plugin, off), weight: chosen ?? weight });
  }
  return result;
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
