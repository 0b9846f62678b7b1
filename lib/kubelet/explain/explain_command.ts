/** `ts-kubelet explain NAMESPACE/POD`: what the kubelet of the pod's node did with it and why. */
import type { Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { ApiClient } from '../../client/client.ts';
import { isForbidden, isNotFound } from '../../client/errors.ts';
import { createClient, loadKubeconfig } from '../../client/kubeconfig.ts';
import { PODS } from '../../client/resource.ts';
import { flag } from '../../component/flag_types.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import { explanationText, readExplanation } from './explanation_text.ts';

const explainFlags = defineFlags({
  kubeconfig: flag.string({
    section: 'Explain',
    help: 'Kubeconfig of somebody who may get pods and nodes/proxy; default $KUBECONFIG, else the service account of the pod.',
  }),
  context: flag.string({ section: 'Explain', help: 'Context of the kubeconfig; default its current one.' }),
  node: flag.string({
    section: 'Explain',
    help: 'Node to ask; default the one that the pod is on. For pods that are gone from the API.',
  }),
  output: flag.string({ section: 'Explain', shorthand: 'o', default: 'text', help: 'text or json.' }),
  help: flag.bool({ section: 'Explain', shorthand: 'h', help: 'Help for this command.' }),
});

export interface ExplainIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connect: (kubeconfig: string, context: string) => Pick<ApiClient, 'get' | 'request' | 'close'>;
}

const SYSTEM: ExplainIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  connect: (path, context) =>
    createClient(loadKubeconfig({ path, ...(context === '' ? {} : { context }) }), {
      userAgent: 'ts-kubelet-explain',
    }),
};

const USAGE = 'Usage:\n  ts-kubelet explain NAMESPACE/POD [flags]\n\n';

/** Resolves to the exit code: 0, or 1 with one sentence on stderr. */
export async function explainCommand(args: readonly string[], io: ExplainIo = SYSTEM): Promise<number> {
  try {
    const parsed = parseFlags(explainFlags, args);
    const { values } = parsed;
    if (values.help) {
      io.stdout(USAGE + flagUsage(explainFlags));
      return 0;
    }
    const [target = '', ...more] = parsed.args;
    const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(target) ?? [];
    if (namespace === undefined || name === undefined || more.length > 0)
      throw new FlagError(`got ${JSON.stringify(parsed.args.join(' '))}, want one pod as NAMESPACE/POD`);
    if (values.output !== 'text' && values.output !== 'json')
      throw new FlagError(`--output: got ${JSON.stringify(values.output)}, want text or json`);
    const kubeconfig = values.kubeconfig === '' ? (io.env['KUBECONFIG'] ?? '') : values.kubeconfig;
    const client = io.connect(kubeconfig, values.context);
    try {
      const node = values.node === '' ? await nodeOf(client, namespace, name) : values.node;
      const answer = await ask(client, node, namespace, name);
      io.stdout(
        values.output === 'json'
          ? `${JSON.stringify(answer, null, 2)}\n`
          : explanationText(readExplanation(answer), node),
      );
    } finally {
      await client.close();
    }
    return 0;
  } catch (error) {
    io.stderr(`Error: ${errorMessage(error)}\n`);
    return 1;
  }
}

async function nodeOf(client: Pick<ApiClient, 'get'>, namespace: string, name: string): Promise<string> {
  let pod: Pod;
  try {
    pod = await client.get(PODS, { namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error(`pod "${namespace}/${name}" is not in the API; --node asks the node that it was on`, {
      cause: error,
    });
  }
  const node = pod.spec.nodeName ?? '';
  if (node === '')
    throw new Error(`pod "${namespace}/${name}" is not on a node yet: it is for the scheduler to explain`);
  return node;
}

async function ask(
  client: Pick<ApiClient, 'request'>,
  node: string,
  namespace: string,
  name: string,
): Promise<unknown> {
  const path = [node, 'proxy', 'debug', 'explain', 'pod', namespace, name].map(encodeURIComponent).join('/');
  try {
    return await client.request({ method: 'GET', path: `/api/v1/nodes/${path}` });
  } catch (error) {
    if (isForbidden(error))
      throw new Error(`not allowed to ask node "${node}": ${errorMessage(error)}`, { cause: error });
    if (isNotFound(error))
      throw new Error(
        `node "${node}" knows nothing of pod "${namespace}/${name}", or its kubelet explains nothing`,
        {
          cause: error,
        },
      );
    throw error;
  }
}
