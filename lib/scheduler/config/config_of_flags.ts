/** The configuration that the command line gives: defaults, then the file or the deprecated flags. */
import { decodeConfig, loadConfigFile } from '../../component/config/document.ts';
import type { ParsedFlags } from '../../component/flags.ts';
import type { schedulerFlags } from '../flags.ts';
import { completeConfig } from './complete_config.ts';
import type { Gates } from './plugin_args.ts';
import type { SchedulerConfig } from './scheduler_config.ts';
import { SCHEDULER_CONFIG_KIND } from './scheduler_config.ts';
import { validate } from './scheduler_config_validation.ts';

/**
 * @param own names of plugins beside the in-tree ones
 * @returns complete: with every plugin and argument that is there by default
 * @throws ConfigError naming file and field
 */
export function configOf(
  flags: ParsedFlags<typeof schedulerFlags>,
  own: readonly string[] = [],
  gates?: Gates,
): SchedulerConfig {
  const { values } = flags;
  const source = values.config === '' ? 'command line' : values.config;
  const config = withElectionFlags(
    flags,
    values.config === '' ? fromFlags(flags) : loadConfigFile(values.config, [SCHEDULER_CONFIG_KIND]),
  );
  validate(config, source, own);
  return completeConfig(config, source, gates);
}

function fromFlags({ values }: ParsedFlags<typeof schedulerFlags>): SchedulerConfig {
  const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
  return decodeConfig(
    {
      apiVersion,
      kind,
      clientConnection: {
        kubeconfig: values.kubeconfig,
        contentType: values['kube-api-content-type'],
        qps: values['kube-api-qps'],
        burst: values['kube-api-burst'],
      },
      enableProfiling: values.profiling,
      enableContentionProfiling: values['contention-profiling'],
    },
    'command line',
    [SCHEDULER_CONFIG_KIND],
  );
}

/** Leader election flags count beside a file too, where they were given. */
function withElectionFlags(
  flags: ParsedFlags<typeof schedulerFlags>,
  config: SchedulerConfig,
): SchedulerConfig {
  const { values } = flags;
  const given = <T>(name: keyof typeof schedulerFlags, value: T, otherwise: T): T =>
    flags.isSet(name) ? value : otherwise;
  const file = config.leaderElection;
  return {
    ...config,
    leaderElection: {
      leaderElect: given('leader-elect', values['leader-elect'], file.leaderElect),
      leaseDuration: given(
        'leader-elect-lease-duration',
        values['leader-elect-lease-duration'],
        file.leaseDuration,
      ),
      renewDeadline: given(
        'leader-elect-renew-deadline',
        values['leader-elect-renew-deadline'],
        file.renewDeadline,
      ),
      retryPeriod: given('leader-elect-retry-period', values['leader-elect-retry-period'], file.retryPeriod),
      resourceLock: file.resourceLock,
      resourceName: given(
        'leader-elect-resource-name',
        values['leader-elect-resource-name'],
        file.resourceName,
      ),
      resourceNamespace: given(
        'leader-elect-resource-namespace',
        values['leader-elect-resource-namespace'],
        file.resourceNamespace,
      ),
    },
  };
}
