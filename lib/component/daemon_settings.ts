/** What every daemon settles first, from its flags and its config file together: feature gates, log, hidden metrics. */
import type { Problem } from './config/schema.ts';
import { ConfigError } from './config/document.ts';
import { FeatureGates } from './feature_gates.ts';
import type { ParsedFlags } from './flags.ts';
import type { LoggingConfiguration } from './logging_config.ts';
import { effectiveLogging, loggingProblems, logSettings } from './logging_config.ts';
import type { loggingFlags } from './logging_flags.ts';
import type { RootLogger } from './logging.ts';
import { hiddenMetricsProblem } from './metrics_flags.ts';

export interface DaemonSettings {
  log: RootLogger;
  flags: ParsedFlags<typeof loggingFlags>;
  /** Named in errors: path of the config file, or `command line`. */
  source: string;
  /** Of file and flags joined. */
  featureGates: Iterable<readonly [string, boolean]>;
  /** Of the config file, where there is one. */
  logging?: LoggingConfiguration | undefined;
  /** Of the config file or the flag. */
  showHiddenMetricsForVersion?: string;
}

/**
 * Checks the settings and configures the log by them.
 *
 * @returns the feature gates
 * @throws FeatureGateError, ConfigError: nothing is changed then
 */
export function applyDaemonSettings(settings: DaemonSettings): FeatureGates {
  const { log, flags, source, featureGates, logging: file, showHiddenMetricsForVersion = '' } = settings;
  const gates = new FeatureGates();
  const warnings = gates.set(featureGates);
  const logging = effectiveLogging(flags, file);
  const problems: Problem[] = loggingProblems(logging, gates);
  const hidden = hiddenMetricsProblem(showHiddenMetricsForVersion);
  if (hidden !== undefined) problems.push({ path: 'showHiddenMetricsForVersion', message: hidden });
  if (problems.length > 0) throw new ConfigError(source, problems);
  log.configure(logSettings(logging));
  for (const warning of warnings) log.warn(warning);
  return gates;
}
