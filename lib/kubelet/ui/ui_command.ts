/** `ts-kubelet ui`: the page of a node's kubelet in the browser, asked for through the apiserver with the credentials of a kubeconfig. */
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError } from '../../component/flags.ts';
import { pageCommand } from '../../component/ui/page_command.ts';

const uiFlags = defineFlags({
  kubeconfig: flag.string({
    help: 'Kubeconfig of somebody who may get nodes/proxy; default $KUBECONFIG, else the service account of the pod.',
  }),
  context: flag.string({ help: 'Context of the kubeconfig; default its current one.' }),
  node: flag.string({ help: 'Node whose pods are shown.' }),
});

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export function uiCommand(args: readonly string[]): Promise<number> {
  return pageCommand(args, {
    program: 'ts-kubelet',
    required: '--node NODE',
    flags: uiFlags,
    defaultPort: 8250,
    page({ node, kubeconfig, context }) {
      if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(node))
        throw new FlagError(`--node: got ${JSON.stringify(node)}, want the name of a node`);
      const path = kubeconfig === '' ? (process.env['KUBECONFIG'] ?? '') : kubeconfig;
      return {
        config: loadKubeconfig({ path, ...(context === '' ? {} : { context }) }),
        below: `/api/v1/nodes/${node}/proxy`,
      };
    },
  });
}
