import { daemonMain } from '../../lib/component/daemon_main.ts';
import { schedulerFlags } from '../../lib/scheduler/flags.ts';

void daemonMain({
  program: 'ts-scheduler',
  component: 'kube-scheduler',
  description:
    'Assigns pods to nodes: drop-in replacement for kube-scheduler, configured by the same flags and files.',
  flags: schedulerFlags,
  load: () => import('../../lib/scheduler/daemon.ts'),
});
