import { daemonMain } from '../../lib/component/daemon_main.ts';
import { kubeletFlags } from '../../lib/kubelet/flags.ts';

void daemonMain({
  program: 'ts-kubelet',
  component: 'kubelet',
  description:
    'Runs the pods of one node: drop-in replacement for the kubelet. Pods come from the apiserver and from static files; ' +
    'containers are run by the runtime behind --container-runtime-endpoint (CRI).',
  flags: kubeletFlags,
  commands: {
    explain: async (args) => {
      const { explainCommand } = await import('../../lib/kubelet/explain/explain_command.ts');
      return explainCommand(args);
    },
    ui: async (args) => {
      const { uiCommand } = await import('../../lib/kubelet/ui/ui_command.ts');
      return uiCommand(args);
    },
  },
  load: () => import('../../lib/kubelet/daemon.ts'),
});
