/** `ts-kube-proxy ui`: the page of a running proxy in the browser. */
import { errorMessage } from '../../base/errors.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { servePage } from '../../component/ui/page_command.ts';

const uiFlags = defineFlags({
  server: flag.string({ default: '127.0.0.1:10249', help: 'Metrics address of the proxy that is shown.' }),
  port: flag.int({ default: 8249, help: 'Where to serve the page, on 127.0.0.1; 0: any free port.' }),
  help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
});

const USAGE = 'Usage:\n  ts-kube-proxy ui [flags]\n\nServes until it is interrupted.\n';

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export async function uiCommand(args: readonly string[]): Promise<number> {
  let server: string;
  let port: number;
  try {
    const { values, args: more } = parseFlags(uiFlags, args);
    if (values.help) {
      process.stdout.write(`${USAGE}\n${flagUsage(uiFlags)}`);
      return 0;
    }
    if (more.length > 0) throw new FlagError(`want no arguments, got ${more.join(' ')}`);
    ({ server, port } = values);
    if (!URL.canParse(`http://${server}`) || /[/?#@]/.test(server))
      throw new FlagError(`--server: got ${JSON.stringify(server)}, want HOST:PORT`);
  } catch (err) {
    process.stderr.write(`Error: ${errorMessage(err)}\n`);
    return 2;
  }
  return servePage({
    config: { server: `http://${server}`, tls: {}, auth: {} },
    userAgent: 'ts-kube-proxy-ui',
    port,
  });
}
