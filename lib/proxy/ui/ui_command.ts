/** `ts-kube-proxy ui`: the page of a running proxy in the browser. */
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError } from '../../component/flags.ts';
import { pageCommand } from '../../component/ui/page_command.ts';

const uiFlags = defineFlags({
  server: flag.string({ default: '127.0.0.1:10249', help: 'Metrics address of the proxy that is shown.' }),
});

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export function uiCommand(args: readonly string[]): Promise<number> {
  return pageCommand(args, {
    program: 'ts-kube-proxy',
    flags: uiFlags,
    defaultPort: 8249,
    page({ server }) {
      if (!URL.canParse(`http://${server}`) || /[/?#@]/.test(server))
        throw new FlagError(`--server: got ${JSON.stringify(server)}, want HOST:PORT`);
      return { config: { server: `http://${server}`, tls: {}, auth: {} } };
    },
  });
}
