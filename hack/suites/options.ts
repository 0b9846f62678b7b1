/** The command line of hack/conformance. */
import { parseArgs } from 'node:util';
import { clusterNameProblem, MAX_NODES } from '../cluster/address_plan.ts';
import {
  CONTAINERDS,
  PROXY_MODES,
  UsageError,
  type Containerd,
  type Flavour,
  type ProxyMode,
  type Swappable,
} from '../cluster/options.ts';
import { SUITES, type SuiteName } from './selection.ts';

export interface SuiteOptions {
  readonly name: string;
  readonly nodes: number;
  readonly flavours: Readonly<Record<Swappable, Flavour>>;
  readonly proxyMode: ProxyMode;
  readonly containerd?: Containerd;
  readonly suite: SuiteName;
  readonly focus?: RegExp;
  readonly skip?: RegExp;
  readonly procs: number;
  readonly rerunFailed: boolean;
  readonly slice: boolean;
  readonly record: boolean;
  readonly keep: boolean;
  readonly list: boolean;
  readonly render: boolean;
  readonly timeoutMs: number;
  readonly out?: string;
}

export const USAGE = `usage: hack/conformance [flags]
  --suite NAME             ${SUITES.join(', ')} (default conformance); all but the first and the
                           last are specs beyond conformance, without those of features that are off, of clouds, slow
                           or disruptive ones; critest tells a fault of containerd from one of ours
  --focus RE, --skip RE    only the specs of the suite whose name matches, or does not
  --slice                  only the specs in test/conformance/slice.txt; fails only when one of them that the recorded
                           table has as passing fails twice
  --rerun-failed           only the specs that failed in the last run of the suite
  --procs N                how many specs run at once (default 8); [Serial] ones run alone afterwards, failed ones again
  --kubelet ours|stock     which kubelet (default ours); likewise --proxy, --scheduler
  --proxy-mode MODE        of kube-proxy: ${PROXY_MODES.join(' or ')} (default iptables); each has
                           recorded tables of its own
  --containerd WHICH       ${CONTAINERDS.join(' or ')}, as hack/up has it (default distribution)
  --nodes N                how many nodes, 1 to ${MAX_NODES} (default 2)
  --name NAME              name of the cluster (default conformance)
  --keep                   leave the cluster standing; it is used again by the next run
  --timeout MINUTES        of the whole run (default 150)
  --out DIR                where reports and logs go (default a new folder in the cache)
  --record                 write the recorded table in test/conformance/recorded and docs/conformance.md
  --render                 only write docs/conformance.md from the recorded tables
  --list                   only print the names of the specs
  --help`;

/** Parses the arguments. Throws {@link UsageError} with one sentence. */
export function parseOptions(args: readonly string[]): SuiteOptions | 'help' {
  const values = flags(args);
  if (values.help === true) return 'help';
  const name = values.name ?? 'conformance';
  const problem = clusterNameProblem(name);
  if (problem !== undefined) throw new UsageError(problem);
  const suite = SUITES.find((one) => one === (values.suite ?? 'conformance'));
  if (suite === undefined)
    throw new UsageError(`--suite: got ${JSON.stringify(values.suite)}, want one of ${SUITES.join(', ')}`);
  const slice = values.slice === true;
  if (slice && suite !== 'conformance')
    throw new UsageError('--slice: is one of the conformance suite, not of another');
  if (slice && values['rerun-failed'] === true)
    throw new UsageError(
      '--slice: cannot be had with --rerun-failed: failures of the slice are run again anyway',
    );
  return {
    name,
    suite,
    slice,
    nodes: whole('nodes', values.nodes ?? '2', MAX_NODES),
    flavours: {
      kubelet: flavour(values, 'kubelet'),
      proxy: flavour(values, 'proxy'),
      scheduler: flavour(values, 'scheduler'),
    },
    proxyMode: proxyMode(values['proxy-mode'] ?? 'iptables'),
    ...containerd(values.containerd),
    procs: whole('procs', values.procs ?? '8', 64),
    timeoutMs: whole('timeout', values.timeout ?? '150', 24 * 60) * 60_000,
    rerunFailed: values['rerun-failed'] === true,
    record: values.record === true,
    keep: values.keep === true,
    list: values.list === true,
    render: values.render === true,
    ...(values.out === undefined ? {} : { out: values.out }),
    ...(values.focus === undefined ? {} : { focus: pattern('focus', values.focus) }),
    ...(values.skip === undefined ? {} : { skip: pattern('skip', values.skip) }),
  };
}

type Flags = ReturnType<typeof flags>;

function flags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        suite: { type: 'string' },
        focus: { type: 'string' },
        skip: { type: 'string' },
        slice: { type: 'boolean' },
        'rerun-failed': { type: 'boolean' },
        procs: { type: 'string' },
        kubelet: { type: 'string' },
        proxy: { type: 'string' },
        scheduler: { type: 'string' },
        'proxy-mode': { type: 'string' },
        containerd: { type: 'string' },
        nodes: { type: 'string' },
        name: { type: 'string' },
        keep: { type: 'boolean' },
        timeout: { type: 'string' },
        out: { type: 'string' },
        record: { type: 'boolean' },
        render: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function flavour(values: Flags, part: Swappable): Flavour {
  const value = values[part] ?? 'ours';
  if (value !== 'ours' && value !== 'stock')
    throw new UsageError(`--${part}: got ${JSON.stringify(value)}, want ours or stock`);
  return value;
}

function proxyMode(value: string): ProxyMode {
  const found = PROXY_MODES.find((one) => one === value);
  if (found === undefined)
    throw new UsageError(`--proxy-mode: got ${JSON.stringify(value)}, want ${PROXY_MODES.join(' or ')}`);
  return found;
}

function containerd(value: string | undefined): { containerd?: Containerd } {
  if (value === undefined) return {};
  const found = CONTAINERDS.find((one) => one === value);
  if (found === undefined)
    throw new UsageError(`--containerd: got ${JSON.stringify(value)}, want ${CONTAINERDS.join(' or ')}`);
  return { containerd: found };
}

function whole(flag: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most)
    throw new UsageError(`--${flag}: got ${JSON.stringify(text)}, want a number from 1 to ${most}`);
  return value;
}

function pattern(flag: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--${flag}: got ${JSON.stringify(text)}, want a regular expression`, {
      cause: error,
    });
  }
}
