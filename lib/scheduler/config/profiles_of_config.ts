/** The profiles that a configuration describes, with their plugins made. */
import type { Log } from '../../base/log.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Profile } from '../framework/plugin.ts';
import { createProfile } from '../framework/profile.ts';
import type { OwnPlugins } from '../own_plugins/own_plugins.ts';
import { createOwnPlugin } from '../own_plugins/own_plugins.ts';
import { completeConfig } from './complete_config.ts';
import { enabledOwn, enabledPlugins, firstAtPoints, isNamed } from './enabled_plugins.ts';
import { pluginArgs } from './plugin_args.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { ProfileConfig, SchedulerConfig } from './scheduler_config.ts';
import { DEFAULT_PROFILE, POINTS } from './scheduler_config.ts';

/** The names under which the configuration schedules. */
export function schedulerNames({ profiles }: SchedulerConfig): readonly string[] {
  return (profiles.length > 0 ? profiles : [DEFAULT_PROFILE]).map((profile) => profile.schedulerName);
}

/**
 * @param source names the file, for messages
 * @param handleOf what the plugins of that schedulerName are given
 * @param own plugins beside the in-tree ones; one that no profile names is in all of them
 * @throws ConfigError, ProfileError, PluginLoadError
 */
export function createProfiles(
  given: SchedulerConfig,
  source: string,
  handleOf: (schedulerName: string) => PluginHandle,
  log: Log,
  own?: OwnPlugins,
): ReadonlyMap<string, Profile> {
  const [name = DEFAULT_PROFILE.schedulerName] = schedulerNames(given);
  const config = completeConfig(given, source, handleOf(name).gates);
  const unnamed = new Set(
    (own?.definitions ?? [])
      .map((definition) => definition.name)
      .filter((plugin) => !config.profiles.some(({ plugins }) => isNamed(plugins, plugin))),
  );
  const ignored = config.extenders.flatMap((extender) =>
    extender.managedResources.filter((r) => r.ignoredByScheduler).map((r) => r.name),
  );
  return new Map(
    config.profiles.map((profile) => {
      const { schedulerName } = profile;
      const handle = handleOf(schedulerName);
      const { args, idle, own: ownArgs } = pluginArgs(profile, source, handle.gates);
      const owned = new Set(own?.definitions.map((definition) => definition.name));
      for (const plugin of [...idle, ...[...ownArgs.keys()].filter((key) => !owned.has(key))])
        log.warn('Arguments have no effect: there is no such plugin, or it takes none', {
          profile: schedulerName,
          plugin,
        });
      for (const plugin of unknownDisabled(profile, owned))
        log.warn('Disabled, but there is no such plugin', { profile: schedulerName, plugin });
      const fit = args.NodeResourcesFit;
      const withIgnored =
        ignored.length === 0
          ? args
          : {
              ...args,
              // As in the stock scheduler, those of extenders take the place of those in the arguments.
              NodeResourcesFit: { ...fit, ignoredResources: ignored },
            };
      const plugins = enabledPlugins(profile, withIgnored, handle);
      for (const definition of own?.definitions ?? []) {
        if (!unnamed.has(definition.name) && !isNamed(profile.plugins, definition.name)) continue;
        const made = createOwnPlugin(definition, ownArgs.get(definition.name), handle, own?.guard ?? {});
        const enabled = enabledOwn(profile, made, unnamed.has(definition.name));
        if (enabled !== undefined) plugins.push(enabled);
      }
      const percentage = profile.percentageOfNodesToScore ?? config.percentageOfNodesToScore;
      const order = firstAtPoints(profile);
      return [schedulerName, createProfile(schedulerName, plugins, { percentage, order })];
    }),
  );
}

function unknownDisabled({ plugins }: ProfileConfig, own: ReadonlySet<string>): ReadonlySet<string> {
  const names = [...POINTS, 'multiPoint' as const].flatMap((point) =>
    plugins[point].disabled.map((ref) => ref.name),
  );
  return new Set(names.filter((name) => name !== '*' && !own.has(name) && !KNOWN_PLUGINS.includes(name)));
}
