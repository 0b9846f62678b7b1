/** What a schema cannot say: rules between fields. */
import { labelKeyProblem } from '../../api/label_syntax.ts';
import { ConfigError } from '../../component/config/document.ts';
import type { Problem } from '../../component/config/schema.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { ProfileConfig, SchedulerConfig } from './scheduler_config.ts';
import { POINTS } from './scheduler_config.ts';

/** Replicas that try in turn spread their tries by so much. */
const RETRY_JITTER = 1.2;

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
  if (leaderElect && renewDeadline <= retryPeriod * RETRY_JITTER)
    problems.push({
      path: 'leaderElection.renewDeadline',
      message: `want more than ${RETRY_JITTER} times leaderElection.retryPeriod`,
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
      const wrong = extendedResourceProblem(name);
      if (wrong !== undefined)
        problems.push({ path: `${path}.managedResources`, message: `got "${name}", ${wrong}` });
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

function extendedResourceProblem(name: string): string | undefined {
  const [domain = '', ...rest] = name.split('/');
  if (rest.length === 0 || domain === 'kubernetes.io' || domain.endsWith('.kubernetes.io'))
    return 'want an extended resource, "domain/name" with a domain other than kubernetes.io';
  return labelKeyProblem(name);
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
      const enabled = new Set<string>();
      // One that is disabled need not be there: files outlive plugins.
      for (const [j, { name }] of profile.plugins[point].enabled.entries()) {
        const at = `${path}.plugins.${point}.enabled[${j}].name`;
        if (!known.includes(name))
          problems.push({ path: at, message: `no plugin "${name}": want one of ${known.join(', ')}` });
        if (enabled.has(name)) problems.push({ path: at, message: `got "${name}" a second time` });
        enabled.add(name);
      }
    }
    if (sortOf(profile) !== sortOf(config.profiles[0] ?? profile))
      problems.push({
        path: `${path}.plugins.queueSort`,
        message: 'want the same as in the first profile: all profiles share one queue',
      });
    const configured = new Set<string>();
    for (const [j, { name }] of profile.pluginConfig.entries()) {
      const at = `${path}.pluginConfig[${j}].name`;
      if (configured.has(name)) problems.push({ path: at, message: `"${name}" is configured twice` });
      configured.add(name);
    }
  }
}

function sortOf({ plugins: { queueSort } }: ProfileConfig): string {
  const names = (refs: typeof queueSort.enabled): string => refs.map(({ name }) => name).join();
  return `${names(queueSort.enabled)} but ${names(queueSort.disabled)}`;
}
