/** `ts-scheduler explain POD`: asks a running scheduler why a pod is where it is, or waits. */
import { errorMessage } from '../../base/errors.ts';
import { ApiError } from '../../client/errors.ts';
import type { ClientConfig } from '../../client/kubeconfig.ts';
import { createClient } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { debugServerConfig, debugServerFlags } from './debug_server.ts';
import { EXPLAIN_PREFIX } from './explain_prefix.ts';

const explainFlags = defineFlags({
  namespace: flag.string({ shorthand: 'n', default: 'default', help: 'Namespace of the pod.' }),
  output: flag.string({ shorthand: 'o', default: 'text', help: 'Form of the answer: text or json.' }),
  ...debugServerFlags,
  help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
});

const USAGE = 'Usage:\n  ts-scheduler explain [flags] POD\n  ts-scheduler explain [flags] NAMESPACE/POD\n';

/** @returns the exit code: 0; 1 when there is no answer; 2 for a wrong command line */
export async function explainCommand(
  args: readonly string[],
  out: (text: string) => void = (text) => void process.stdout.write(text),
  complain: (text: string) => void = (text) => void process.stderr.write(text),
): Promise<number> {
  let path: string;
  let format: string;
  let config: ClientConfig;
  try {
    const { values, args: pods } = parseFlags(explainFlags, args);
    if (values.help) {
      out(`${USAGE}\n${flagUsage(explainFlags)}`);
      return 0;
    }
    path = pathOf(pods, values.namespace);
    format = values.output;
    if (format !== 'text' && format !== 'json')
      throw new FlagError(`--output: got ${JSON.stringify(format)}, want text or json`);
    config = debugServerConfig(values.server, values.kubeconfig, values['certificate-authority']);
  } catch (err) {
    complain(`Error: ${errorMessage(err)}\n`);
    return 2;
  }
  const client = createClient(config, { userAgent: 'ts-scheduler-explain', qps: 0 });
  try {
    out(await client.requestText({ method: 'GET', path, query: { format } }));
    return 0;
  } catch (err) {
    complain(`Error: ${err instanceof ApiError ? err.message : `${config.server}: ${errorMessage(err)}`}\n`);
    return 1;
  } finally {
    await client.close();
  }
}

function pathOf(pods: readonly string[], namespace: string): string {
  const [pod, ...more] = pods;
  if (pod === undefined || more.length > 0) throw new FlagError(`want one pod, got ${pods.length}\n${USAGE}`);
  const parts = pod.split('/');
  const [ns, name] = parts.length === 1 ? [namespace, pod] : parts;
  if (ns === undefined || ns === '' || name === undefined || name === '' || parts.length > 2)
    throw new FlagError(`pod: got ${JSON.stringify(pod)}, want NAME or NAMESPACE/NAME`);
  return `${EXPLAIN_PREFIX}${encodeURIComponent(ns)}/${encodeURIComponent(name)}`;
}
