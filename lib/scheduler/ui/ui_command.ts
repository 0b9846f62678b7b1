/** `ts-scheduler ui`: the page of a running scheduler in the browser, with the credentials of a kubeconfig. */
import { errorMessage } from '../../base/errors.ts';
import type { ClientConfig } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { servePage } from '../../component/ui/page_command.ts';
import { debugServerConfig, debugServerFlags } from '../explain/debug_server.ts';

const uiFlags = defineFlags({
  ...debugServerFlags,
  port: flag.int({ default: 8259, help: 'Where to serve the page, on 127.0.0.1; 0: any free port.' }),
  help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
});

const USAGE = 'Usage:\n  ts-scheduler ui [flags]\n\nServes until it is interrupted.\n';

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export async function uiCommand(args: readonly string[]): Promise<number> {
  let config: ClientConfig;
  let port: number;
  try {
    const { values, args: more } = parseFlags(uiFlags, args);
    if (values.help) {
      process.stdout.write(`${USAGE}\n${flagUsage(uiFlags)}`);
      return 0;
    }
    if (more.length > 0) throw new FlagError(`want no arguments, got ${more.join(' ')}`);
    config = debugServerConfig(values.server, values.kubeconfig, values['certificate-authority']);
    port = values.port;
  } catch (err) {
    process.stderr.write(`Error: ${errorMessage(err)}\n`);
    return 2;
  }
  return servePage({ config, userAgent: 'ts-scheduler-ui', port });
}
