/** What a schema cannot say: rules between fields. */
import { ConfigError } from '../../component/config/document.ts';
import type { Problem } from '../../component/config/schema.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { SchedulerConfig } from './scheduler_config.ts';
import { POINTS } from './scheduler_config.ts';

/**
 * @param own names of plugins beside the in-tree ones
 * @throws ConfigError naming every field that is wrong
 */
export function validate(config: SchedulerConfig, source: string, own: readonly string[] = []): void {
  const problems: Problem[] = [];
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = config;
  if (max < initial)
    problems.push({
      path: 'podMaxBackoffSeconds',
      message: `got ${max}, want at least podInitialBackoffSeconds (${initial})`,
    });
  const { leaderElect, leaseDuration, renewDeadline, retryPeriod } = config.leaderElection;
  if (leaderElect && leaseDuration <= renewDeadline)
    problems.push({
      path: 'leaderElection.leaseDuration',
      message: 'want more than leaderElection.renewDeadline',
    });
  if (leaderElect && renewDeadline <= retryPeriod)
    problems.push({
      path: 'leaderElection.renewDeadline',
      message: 'want more than leaderElection.retryPeriod',
    });
  extenderProblems(config, problems);
  profileProblems(config, [...KNOWN_PLUGINS, ...own], problems);
  if (problems.length > 0) throw new ConfigError(source, problems);
}

function extenderProblems({ extenders }: SchedulerConfig, problems: Problem[]): void {
  const binders: string[] = [];
  const managed = new Set<string>();
  for (const [i, extender] of extenders.entries()) {
    const path = `extenders[${i}]`;
    if (extender.prioritizeVerb !== '' && extender.weight <= 0)
      problems.push({ path: `${path}.weight`, message: 'want a positive weight beside prioritizeVerb' });
    if (extender.bindVerb !== '') binders.push(path);
    for (const { name } of extender.managedResources) {
      if (managed.has(name))
        problems.push({
          path: `${path}.managedResources`,
          message: `${name} is managed by an earlier extender`,
        });
      managed.add(name);
    }
  }
  if (binders.length > 1)
    problems.push({
      path: 'extenders',
      message: `want at most one with bindVerb, got ${binders.join(', ')}`,
    });
}

function profileProblems(config: SchedulerConfig, known: readonly string[], problems: Problem[]): void {
  const names = new Map<string, number>();
  for (const [i, profile] of config.profiles.entries()) {
    const path = `profiles[${i}]`;
    const first = names.get(profile.schedulerName);
    if (first !== undefined)
      problems.push({
        path: `${path}.schedulerName`,
        message: `got "${profile.schedulerName}", which profiles[${first}] has already`,
      });
    names.set(profile.schedulerName, i);
    for (const point of [...POINTS, 'multiPoint'] as const) {
      for (const side of ['enabled', 'disabled'] as const) {
        for (const [j, { name }] of profile.plugins[point][side].entries()) {
          if (known.includes(name) || (side === 'disabled' && name === '*')) continue;
          problems.push({
            path: `${path}.plugins.${point}.${side}[${j}].name`,
            message: `no plugin "${name}": want one of ${known.join(', ')}`,
          });
        }
      }
    }
    const configured = new Set<string>();
    for (const [j, { name }] of profile.pluginConfig.entries()) {
      const at = `${path}.pluginConfig[${j}].name`;
      if (!known.includes(name))
        problems.push({ path: at, message: `no plugin "${name}": want one of ${known.join(', ')}` });
      if (configured.has(name)) problems.push({ path: at, message: `"${name}" is configured twice` });
      configured.add(name);
    }
  }
}
