/** `ts-kubelet ui`: the page of a node's kubelet in the browser, asked for through the apiserver with the credentials of a kubeconfig. */
import { errorMessage } from '../../base/errors.ts';
import type { ClientConfig } from '../../client/client_config.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { servePage } from '../../component/ui/page_command.ts';

const uiFlags = defineFlags({
  kubeconfig: flag.string({
    help: 'Kubeconfig of somebody who may get nodes/proxy; default $KUBECONFIG, else the service account of the pod.',
  }),
  context: flag.string({ help: 'Context of the kubeconfig; default its current one.' }),
  node: flag.string({ help: 'Node whose pods are shown.' }),
  port: flag.int({ default: 8250, help: 'Where to serve the page, on 127.0.0.1; 0: any free port.' }),
  help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
});

const USAGE = 'Usage:\n  ts-kubelet ui --node NODE [flags]\n\nServes until it is interrupted.\n';

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export async function uiCommand(args: readonly string[]): Promise<number> {
  let config: ClientConfig;
  let node: string;
  let port: number;
  try {
    const { values, args: more } = parseFlags(uiFlags, args);
    if (values.help) {
      process.stdout.write(`${USAGE}\n${flagUsage(uiFlags)}`);
      return 0;
    }
    if (more.length > 0) throw new FlagError(`want no arguments, got ${more.join(' ')}`);
    ({ node, port } = values);
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(node))
      throw new FlagError(`--node: got ${JSON.stringify(node)}, want the name of a node`);
    const path = values.kubeconfig === '' ? (process.env['KUBECONFIG'] ?? '') : values.kubeconfig;
    config = loadKubeconfig({ path, ...(values.context === '' ? {} : { context: values.context }) });
  } catch (err) {
    process.stderr.write(`Error: ${errorMessage(err)}\n`);
    return 2;
  }
  return servePage({ config, userAgent: 'ts-kubelet-ui', port, below: `/api/v1/nodes/${node}/proxy` });
}
