/** `ts-scheduler ui`: the page of a running scheduler in the browser, with the credentials of a kubeconfig. */
import { pageCommand } from '../../component/ui/page_command.ts';
import { debugServerConfig, debugServerFlags } from '../explain/debug_server.ts';

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export function uiCommand(args: readonly string[]): Promise<number> {
  return pageCommand(args, {
    program: 'ts-scheduler',
    flags: debugServerFlags,
    defaultPort: 8259,
    page: (values) => ({
      config: debugServerConfig(values.server, values.kubeconfig, values['certificate-authority']),
    }),
  });
}
