/** Further flags that several components share. */
import { featureGatesFlag } from './feature_gates.ts';
import { flag } from './flag_types.ts';
import { defineFlags } from './flags.ts';

const metrics = 'Metrics';

export const metricsFlags = defineFlags({
  'allow-metric-labels': flag.map({
    section: metrics,
    type: 'stringToString',
    help: 'Allowed label values by metric, "metric,label=\'value,value\'". Accepted; all values are shown.',
  }),
  'allow-metric-labels-manifest': flag.string({
    section: metrics,
    help: 'File with the mapping of --allow-metric-labels. Accepted; all values are shown.',
  }),
  'disabled-metrics': flag.strings({ section: metrics, help: 'Names of metrics not to show.' }),
  'show-hidden-metrics-for-version': flag.string({
    section: metrics,
    help: 'Version (major.minor) whose hidden metrics are to be shown. None are hidden.',
  }),
});

const gates = 'Feature gate';

export const featureFlags = defineFlags({
  'emulated-version': flag.strings({
    section: gates,
    help: 'Version to emulate, "kube=1.36". Only the own version can be.',
  }),
  'feature-gates': featureGatesFlag({
    section: gates,
    componentPrefix: true,
    help: 'Feature gates to turn on or off, "Name=true,Other=false". Unknown names are refused.',
  }),
  'min-compatibility-version': flag.strings({
    section: gates,
    help: 'Oldest version of the control plane to work with, "kube=1.35".',
  }),
});

const election = 'Leader election';

/** @param lockName name of the Lease */
export function leaderElectionFlags(lockName: string) {
  return defineFlags({
    'leader-elect': flag.bool({
      section: election,
      default: true,
      help: 'Work only while holding a Lease, so that of several replicas one works at a time.',
    }),
    'leader-elect-lease-duration': flag.duration({
      section: election,
      default: 15_000,
      help: 'How long others wait after the last renewal they saw before they take over.',
    }),
    'leader-elect-renew-deadline': flag.duration({
      section: election,
      default: 10_000,
      help: 'How long the leader tries to renew before it gives up; less than the lease duration.',
    }),
    'leader-elect-resource-lock': flag.choice(['leases'], {
      section: election,
      default: 'leases',
      help: 'Kind of object to hold.',
    }),
    'leader-elect-resource-name': flag.string({
      section: election,
      default: lockName,
      help: 'Name of the Lease.',
    }),
    'leader-elect-resource-namespace': flag.string({
      section: election,
      default: 'kube-system',
      help: 'Namespace of the Lease.',
    }),
    'leader-elect-retry-period': flag.duration({
      section: election,
      default: 2000,
      help: 'Time between attempts to get or renew the Lease.',
    }),
  });
}
