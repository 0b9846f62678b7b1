/** The profiles that a configuration describes, with their plugins made. */
import type { Log } from '../../base/log.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { Profile } from '../framework/plugin.ts';
import { createProfile } from '../framework/profile.ts';
import { enabledPlugins } from './enabled_plugins.ts';
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
 * @throws ConfigError, ProfileError
 */
export function createProfiles(
  config: SchedulerConfig,
  source: string,
  handleOf: (schedulerName: string) => PluginHandle,
  log: Log,
): ReadonlyMap<string, Profile> {
  const ignored = config.extenders.flatMap((extender) =>
    extender.managedResources.filter((r) => r.ignoredByScheduler).map((r) => r.name),
  );
  return new Map(
    profilesIn(config).map((profile) => {
      const { schedulerName } = profile;
      const { args, idle } = pluginArgs(profile, source);
      for (const plugin of idle)
        log.warn('Arguments of this plugin have no effect yet', { profile: schedulerName, plugin });
      const fit = args.NodeResourcesFit;
      const withIgnored =
        ignored.length === 0
          ? args
          : {
              ...args,
              NodeResourcesFit: { ...fit, ignoredResources: [...(fit?.ignoredResources ?? []), ...ignored] },
            };
      const plugins = enabledPlugins(profile, withIgnored, handleOf(schedulerName));
      const percentage = profile.percentageOfNodesToScore ?? config.percentageOfNodesToScore;
      return [schedulerName, createProfile(schedulerName, plugins, percentage)];
    }),
  );
}

function profilesIn(config: SchedulerConfig): SchedulerConfig['profiles'] {
  return config.profiles.length > 0 ? config.profiles : [DEFAULT_PROFILE];
}
