/** `ts-kube-proxy explain 10.0.0.1:80`: where the proxy of this node sends a packet and why. */
import { errorMessage } from '../../base/errors.ts';
import { flag } from '../../component/flag_types.ts';
import { FlagError, defineFlags, flagUsage, parseFlags } from '../../component/flags.ts';
import { explanationText } from './explanation_text.ts';

const explainFlags = defineFlags({
  protocol: flag.string({ section: 'Explain', default: 'tcp', help: 'tcp, udp or sctp.' }),
  source: flag.string({
    section: 'Explain',
    help: 'Address of the client: says what becomes of its packets in particular.',
  }),
  server: flag.string({
    section: 'Explain',
    default: '127.0.0.1:10249',
    help: 'Metrics address of the proxy that is asked.',
  }),
  output: flag.string({ section: 'Explain', shorthand: 'o', default: 'text', help: 'text or json.' }),
  help: flag.bool({ section: 'Explain', shorthand: 'h', help: 'Help for this command.' }),
});

export interface ExplainIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Status and body of the answer to a GET. @throws Error when there is none */
  readonly get: (url: string) => Promise<{ readonly status: number; readonly body: string }>;
}

const TIMEOUT_MS = 10_000;

const SYSTEM: ExplainIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  get: async (url) => {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return { status: response.status, body: await response.text() };
  },
};

const USAGE =
  'Usage:\n  ts-kube-proxy explain IP:PORT [flags]\n  ts-kube-proxy explain NAMESPACE/SERVICE [flags]\n\n';

/** Resolves to the exit code: 0, or 1 with one sentence on stderr. */
export async function explainCommand(args: readonly string[], io: ExplainIo = SYSTEM): Promise<number> {
  try {
    const { values, args: targets } = parseFlags(explainFlags, args);
    if (values.help) {
      io.stdout(USAGE + flagUsage(explainFlags));
      return 0;
    }
    if (values.output !== 'text' && values.output !== 'json')
      throw new FlagError(`--output: got ${JSON.stringify(values.output)}, want text or json`);
    const path = pathOf(targets, values.protocol, values.source);
    const { status, body } = await io.get(`http://${values.server}${path}`).catch((cause: unknown) => {
      throw new Error(`no proxy answers at ${values.server} (see --server)`, { cause });
    });
    if (status !== 200) throw new Error(`the proxy answered ${status}: ${body.trim()}`);
    io.stdout(values.output === 'json' ? `${body.trim()}\n` : explanationText(JSON.parse(body)));
    return 0;
  } catch (error) {
    io.stderr(`Error: ${errorMessage(error)}\n`);
    return 1;
  }
}

function pathOf(targets: readonly string[], protocol: string, source: string): string {
  const [target = ''] = targets;
  if (targets.length === 1 && /^[^/:]+\/[^/]+$/.test(target)) {
    return `/debug/explain/services/${target.split('/').map(encodeURIComponent).join('/')}`;
  }
  if (targets.length === 1 && /:\d+$/.test(target)) {
    const query = new URLSearchParams({
      destination: target,
      protocol,
      ...(source === '' ? {} : { source }),
    });
    return `/debug/explain?${query.toString()}`;
  }
  throw new FlagError(
    `got ${JSON.stringify(targets.join(' '))}, want one destination as IP:PORT, or NAMESPACE/SERVICE`,
  );
}
