/** The configuration with everything filled in that a file may leave out, as `--write-config-to` and /configz show it. */
import { defaultRefs } from '../plugins/registry.ts';
import { completeArgs } from './plugin_args.ts';
import type { Gates } from './plugin_args.ts';
import type { ProfileConfig, SchedulerConfig } from './scheduler_config.ts';
import { DEFAULT_PROFILE } from './scheduler_config.ts';

/**
 * Every profile, at least one, is complete. Completing once more changes nothing.
 *
 * @param source names the file, for messages
 * @throws ConfigError for wrong arguments of a plugin
 */
export function completeConfig(config: SchedulerConfig, source: string, gates?: Gates): SchedulerConfig {
  const profiles = config.profiles.length > 0 ? config.profiles : [DEFAULT_PROFILE];
  return { ...config, profiles: profiles.map((profile) => completeProfile(profile, source, gates)) };
}

/**
 * `multiPoint.enabled` names every plugin that is on by default, but those that it disables: an own entry for one of them
 * takes its place, others come after. `pluginConfig` holds the arguments of every plugin that takes any, by name.
 *
 * @throws ConfigError
 */
export function completeProfile(profile: ProfileConfig, source: string, gates?: Gates): ProfileConfig {
  const { multiPoint } = profile.plugins;
  const isOff = (name: string): boolean =>
    multiPoint.disabled.some((ref) => ref.name === name || ref.name === '*');
  const own = new Map(multiPoint.enabled.map((ref) => [ref.name, ref]));
  const enabled = defaultRefs(gates)
    .filter(({ name }) => !isOff(name))
    .map((ref) => own.get(ref.name) ?? ref);
  const known = new Set(enabled.map(({ name }) => name));
  return {
    ...profile,
    plugins: {
      ...profile.plugins,
      multiPoint: {
        ...multiPoint,
        enabled: [...enabled, ...multiPoint.enabled.filter(({ name }) => !known.has(name))],
      },
    },
    pluginConfig: completeArgs(profile, source, gates),
  };
}
