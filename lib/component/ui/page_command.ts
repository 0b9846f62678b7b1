/** What the `ui` subcommands have in common: the page of a daemon at a loopback address until they are interrupted. */
import type { AddressInfo } from 'node:net';
import { errorMessage } from '../../base/errors.ts';
import type { ClientConfig } from '../../client/client_config.ts';
import type { ApiClient } from '../../client/client.ts';
import { createClient } from '../../client/kubeconfig.ts';
import { flag } from '../flag_types.ts';
import {
  defineFlags,
  FlagError,
  flagUsage,
  parseFlags,
  type FlagDefinitions,
  type FlagValues,
} from '../flags.ts';
import { pageProxy } from './page_proxy.ts';

interface ServedPage {
  /** Where the daemon is, and as whom it is asked. */
  readonly config: ClientConfig;
  readonly userAgent: string;
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** Path of the server below which the daemon is, as that of a node's proxy; default: the daemon is asked itself. */
  readonly below?: string;
}

/** A `ui` subcommand: what it has beside `--port` and `--help`. */
export interface PageCommand<D extends FlagDefinitions> {
  /** As in `ts-scheduler`. */
  readonly program: string;
  /** Flags that have to be given, as the usage shows them. */
  readonly required?: string;
  readonly flags: D;
  readonly defaultPort: number;
  /** Which page that is. @throws FlagError for a wrong value */
  readonly page: (values: FlagValues<D>) => Pick<ServedPage, 'config' | 'below'>;
}

/** @returns the exit code: 0; 1 when the port cannot be had; 2 for a wrong command line */
export async function pageCommand<D extends FlagDefinitions>(
  args: readonly string[],
  { program, required, flags, defaultPort, page }: PageCommand<D>,
): Promise<number> {
  const common = defineFlags({
    port: flag.int({
      default: defaultPort,
      help: 'Where to serve the page, on 127.0.0.1; 0: any free port.',
    }),
    help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
  });
  const all = { ...flags, ...common };
  let served: ServedPage;
  try {
    const { values, args: more } = parseFlags(all, args);
    if (values.help) {
      const line = ['ui', ...(required === undefined ? [] : [required]), '[flags]'].join(' ');
      process.stdout.write(
        `Usage:\n  ${program} ${line}\n\nServes until it is interrupted.\n\n${flagUsage(all)}`,
      );
      return 0;
    }
    if (more.length > 0) throw new FlagError(`want no arguments, got ${more.join(' ')}`);
    served = { ...page(values), userAgent: `${program}-ui`, port: values.port };
  } catch (err) {
    process.stderr.write(`Error: ${errorMessage(err)}\n`);
    return 2;
  }
  return servePage(served);
}

/** Serves `/ui` of a daemon. @returns the exit code: 0 after an interruption, 1 when the port cannot be had */
async function servePage({ config, userAgent, port, below = '' }: ServedPage): Promise<number> {
  const client = createClient(config, { userAgent, qps: 0 });
  const proxy = pageProxy(below === '' ? client : throughProxy(client, below), '/ui');
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
  process.stdout.write(`http://127.0.0.1:${served}/ui shows ${config.server}${below}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  proxy.closeAllConnections();
  proxy.close();
  await client.close();
  return 0;
}

/** Asks below a path of the apiserver, which puts that path before the links of the documents that pass through. */
export function throughProxy(
  client: Pick<ApiClient, 'requestText'>,
  below: string,
): Pick<ApiClient, 'requestText'> {
  return {
    async requestText(request) {
      const answer = await client.requestText({ ...request, path: `${below}${request.path}` });
      return answer.startsWith('<!doctype html>') || answer.startsWith('<html')
        ? answer.replaceAll(`${below}/`, '/')
        : answer;
    },
  };
}
