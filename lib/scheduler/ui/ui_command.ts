/** `ts-scheduler ui`: the page of a running scheduler in the browser, with the credentials of a kubeconfig. */
import type { AddressInfo } from 'node:net';
import { errorMessage } from '../../base/errors.ts';
import type { ClientConfig } from '../../client/kubeconfig.ts';
import { createClient } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { pageProxy } from '../../component/ui/page_proxy.ts';
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
  const client = createClient(config, { userAgent: 'ts-scheduler-ui', qps: 0 });
  const proxy = pageProxy(client, '/ui');
  try {
    await new Promise<void>((resolve, reject) => {
      proxy.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
  } catch (err) {
    process.stderr.write(`Error: --port: ${errorMessage(err)}\n`);
    return 1;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
  const { port: served } = proxy.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${served}/ui shows ${config.server}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  proxy.closeAllConnections();
  proxy.close();
  await client.close();
  return 0;
}
