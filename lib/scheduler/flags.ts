/** Command-line flags of the daemon. Kept free of heavy imports: it is loaded before `--version` is answered. */
import { flag } from '../component/flag_types.ts';
import { defineFlags } from '../component/flags.ts';
import { featureFlags } from '../component/feature_flags.ts';
import { informationFlags } from '../component/information_flags.ts';
import { leaderElectionFlags } from '../component/leader_election_flags.ts';
import { loggingFlags } from '../component/logging_flags.ts';
import { metricsFlags } from '../component/metrics_flags.ts';
import { delegatedAuthFlags, secureServingFlags } from '../component/serving_flags.ts';

const section = 'Deprecated';
const ignored = 'This flag is ignored if a config file is given in --config';

export const schedulerFlags = defineFlags({
  ...informationFlags,
  ...loggingFlags,
  ...metricsFlags,
  ...featureFlags,
  ...secureServingFlags({ port: 10259 }),
  ...delegatedAuthFlags,
  ...leaderElectionFlags('kube-scheduler'),
  config: flag.string({ help: 'Configuration file (KubeSchedulerConfiguration).' }),
  'plugin-module': flag.stringArray({
    section: 'Plugins',
    help: 'TypeScript or JavaScript module with scheduler plugins, which the configuration then names like any other. May be repeated.',
  }),
  master: flag.string({ help: 'Address of the apiserver, instead of that in the kubeconfig.' }),
  'write-config-to': flag.string({
    help: 'Write the configuration that results from file, flags and defaults to this file and exit.',
  }),
  kubeconfig: flag.string({
    section,
    deprecated: ignored,
    help: 'Kubeconfig file; left out: the service account of the pod.',
  }),
  'kube-api-burst': flag.int({
    bits: 32,
    default: 100,
    section,
    deprecated: ignored,
    help: 'Requests to the apiserver at once.',
  }),
  'kube-api-content-type': flag.string({
    default: 'application/vnd.kubernetes.protobuf',
    section,
    deprecated: ignored,
    help: 'Accepted for compatibility: JSON is used.',
  }),
  'kube-api-qps': flag.float({
    default: 50,
    section,
    deprecated: ignored,
    help: 'Requests a second to the apiserver.',
  }),
  profiling: flag.bool({
    default: true,
    section,
    deprecated: ignored,
    help: 'Accepted for compatibility: use --inspect of the runtime.',
  }),
  'contention-profiling': flag.bool({
    default: true,
    section,
    deprecated: ignored,
    help: 'Accepted for compatibility: there are no locks to profile.',
  }),
  'pod-max-in-unschedulable-pods-duration': flag.duration({
    default: 300_000,
    section,
    deprecated: 'it will be removed in a future release',
    help: 'A pod that no event helped is tried again after that long.',
  }),
});
