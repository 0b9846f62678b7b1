/** The profiles that a configuration describes, with their plugins made. */
import type { Log } from '../../base/log.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Profile } from '../framework/plugin.ts';
import { createProfile } from '../framework/profile.ts';
import type { OwnPlugins } from '../own_plugins/own_plugins.ts';
import { createOwnPlugin } from '../own_plugins/own_plugins.ts';
import { enabledOwn, enabledPlugins, isNamed } from './enabled_plugins.ts';
import { pluginArgs } from './plugin_args.ts';
import type { SchedulerConfig } from './scheduler_config.ts';
import { DEFAULT_PROFILE } from './scheduler_config.ts';

/** The names under which the configuration schedules. */
export function schedulerNames(config: SchedulerConfig): readonly string[] {
  return profilesIn(config).map((profile) => profile.schedulerName);
}

/**
 * @param source names the file, for messages
 * @param handleOf what the plugins of that schedulerName are given
 * @param own plugins beside the in-tree ones; one that no profile names is in all of them
 * @throws ConfigError, ProfileError, PluginLoadError
 */
export function createProfiles(
  config: SchedulerConfig,
  source: string,
  handleOf: (schedulerName: string) => PluginHandle,
  log: Log,
  own?: OwnPlugins,
): ReadonlyMap<string, Profile> {
  const unnamed = new Set(
    (own?.definitions ?? [])
      .map((definition) => definition.name)
      .filter((name) => !profilesIn(config).some(({ plugins }) => isNamed(plugins, name))),
  );
  const ignored = config.extenders.flatMap((extender) =>
    extender.managedResources.filter((r) => r.ignoredByScheduler).map((r) => r.name),
  );
  return new Map(
    profilesIn(config).map((profile) => {
      const { schedulerName } = profile;
      const { args, idle, own: ownArgs } = pluginArgs(profile, source);
      const handle = handleOf(schedulerName);
      for (const plugin of idle)
        log.warn('Arguments of this plugin have no effect yet', { profile: schedulerName, plugin });
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
      return [schedulerName, createProfile(schedulerName, plugins, percentage)];
    }),
  );
}

function profilesIn(config: SchedulerConfig): SchedulerConfig['profiles'] {
  return config.profiles.length > 0 ? config.profiles : [DEFAULT_PROFILE];
}
