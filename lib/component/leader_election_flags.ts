/** The flags of leader election. */
import { flag } from './flag_types.ts';
import { defineFlags } from './flags.ts';

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
