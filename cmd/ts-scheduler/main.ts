import { daemonMain } from '../../lib/component/daemon_main.ts';
import { schedulerFlags } from '../../lib/scheduler/flags.ts';

void daemonMain({
  program: 'ts-scheduler',
  component: 'kube-scheduler',
  description:
    'Assigns pods to nodes: drop-in replacement for kube-scheduler, configured by the same flags and files.',
  flags: schedulerFlags,
  commands: {
    explain: async (args) => {
      const { explainCommand } = await import('../../lib/scheduler/explain/explain_command.ts');
      return await explainCommand(args);
    },
    ui: async (args) => {
      const { uiCommand } = await import('../../lib/scheduler/ui/ui_command.ts');
      return await uiCommand(args);
    },
    simulate: async (args) => {
      const { simulateCommand } = await import('../../lib/scheduler/simulator/simulate_command.ts');
      return await simulateCommand(args);
    },
  },
  load: () => import('../../lib/scheduler/daemon.ts'),
});
