import { daemonMain } from '../../lib/component/daemon_main.ts';
import { proxyFlags } from '../../lib/proxy/flags.ts';

void daemonMain({
  program: 'ts-kube-proxy',
  component: 'kube-proxy',
  description:
    'Programs the packet filter of one node so that Services reach their endpoints: drop-in replacement for kube-proxy.',
  flags: proxyFlags,
  commands: {
    explain: async (args) => {
      const { explainCommand } = await import('../../lib/proxy/explain/explain_command.ts');
      return explainCommand(args);
    },
    ui: async (args) => {
      const { uiCommand } = await import('../../lib/proxy/ui/ui_command.ts');
      return uiCommand(args);
    },
  },
  load: () => import('../../lib/proxy/daemon.ts'),
});
