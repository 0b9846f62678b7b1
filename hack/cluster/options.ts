/** The command lines of hack/up, hack/down and hack/status. */
import { clusterNameProblem, MAX_NODES } from './address_plan.ts';

/** Ours from `dist/`, or the stock program. */
export type Flavour = 'ours' | 'stock';
export const SWAPPABLE = ['kubelet', 'proxy', 'scheduler'] as const;
export const PROXY_MODES = ['iptables', 'nftables'] as const;
export type ProxyMode = (typeof PROXY_MODES)[number];
/** The distribution's containerd, or the one that hack/stock/containerd pins. */
export const CONTAINERDS = ['distribution', 'pinned'] as const;
export type Containerd = (typeof CONTAINERDS)[number];
export type Swappable = (typeof SWAPPABLE)[number];

/** What the caller said; what is missing stays as it is on a running cluster, else takes the default. */
export interface UpOptions {
  readonly name: string;
  readonly nodes?: number;
  readonly flavours: Readonly<Partial<Record<Swappable, Flavour>>>;
  readonly inCluster?: boolean;
  readonly registry?: boolean;
  readonly proxyMode?: ProxyMode;
  readonly containerd?: Containerd;
  readonly download: boolean;
}

/** A command line that cannot be meant; the message is one sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const UP_USAGE = `usage: hack/up [flags]
  --name NAME                 name of the cluster (default dev); several stand side by side
  --nodes N                   how many nodes, 1 to ${MAX_NODES} (default 2)
  --kubelet ours|stock        which kubelet (default ours)
  --proxy ours|stock          which kube-proxy (default ours)
  --proxy-mode MODE           of kube-proxy: iptables or nftables (default iptables)
  --scheduler ours|stock      which kube-scheduler (default ours)
  --containerd WHICH          distribution, or pinned: a newer one, built; kept until hack/down (default distribution)
  --in-cluster[=true|false]   run ts-kube-proxy and ts-scheduler as pods rather than as processes
  --registry[=true|false]     build the images of the conformance suite and let nodes pull them from a registry
  --download                  fetch stock programs from the official release site when they cannot be built
  --help
Folders: TSK_STATE (default /var/lib/ts-kubernetes), TSK_CACHE (default ~/.cache/ts-kubernetes).`;

/** Parses hack/up's arguments. `'help'` when help was asked for. Throws {@link UsageError}. */
export function parseUp(args: readonly string[]): UpOptions | 'help' {
  const flags = collect(args, {
    values: ['name', 'nodes', 'proxy-mode', 'containerd', ...SWAPPABLE],
    switches: ['in-cluster', 'registry', 'download'],
  });
  if (flags === 'help') return 'help';
  const flavours = Object.fromEntries(
    SWAPPABLE.flatMap((part): [Swappable, Flavour][] => {
      const value = flags.get(part);
      if (value === undefined) return [];
      if (value !== 'ours' && value !== 'stock')
        throw new UsageError(`--${part}: got ${JSON.stringify(value)}, want ours or stock`);
      return [[part, value]];
    }),
  );
  const nodes = flags.get('nodes');
  if (nodes !== undefined && !(/^\d+$/.test(nodes) && Number(nodes) >= 1 && Number(nodes) <= MAX_NODES))
    throw new UsageError(`--nodes: got ${JSON.stringify(nodes)}, want a number from 1 to ${MAX_NODES}`);
  const inCluster = flags.get('in-cluster');
  const registry = flags.get('registry');
  const mode = flags.get('proxy-mode');
  const proxyMode = PROXY_MODES.find((known) => known === mode);
  if (mode !== undefined && proxyMode === undefined)
    throw new UsageError(`--proxy-mode: got ${JSON.stringify(mode)}, want ${PROXY_MODES.join(' or ')}`);
  const which = flags.get('containerd');
  const containerd = CONTAINERDS.find((known) => known === which);
  if (which !== undefined && containerd === undefined)
    throw new UsageError(`--containerd: got ${JSON.stringify(which)}, want ${CONTAINERDS.join(' or ')}`);
  return {
    name: nameFrom(flags),
    flavours,
    download: truth('download', flags.get('download') ?? 'false'),
    ...(nodes === undefined ? {} : { nodes: Number(nodes) }),
    ...(proxyMode === undefined ? {} : { proxyMode }),
    ...(containerd === undefined ? {} : { containerd }),
    ...(inCluster === undefined ? {} : { inCluster: truth('in-cluster', inCluster) }),
    ...(registry === undefined ? {} : { registry: truth('registry', registry) }),
  };
}

/** Parses the arguments of hack/down and hack/status: `--name` only. */
export function parseName(args: readonly string[]): { readonly name: string } | 'help' {
  const flags = collect(args, { values: ['name'], switches: [] });
  return flags === 'help' ? 'help' : { name: nameFrom(flags) };
}

function nameFrom(flags: ReadonlyMap<string, string>): string {
  const name = flags.get('name') ?? 'dev';
  const problem = clusterNameProblem(name);
  if (problem !== undefined) throw new UsageError(problem);
  return name;
}

function truth(flag: string, value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new UsageError(`--${flag}: got ${JSON.stringify(value)}, want true or false`);
}

function collect(
  args: readonly string[],
  known: { readonly values: readonly string[]; readonly switches: readonly string[] },
): Map<string, string> | 'help' {
  const found = new Map<string, string>();
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--help' || argument === '-h') return 'help';
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument);
    const flag = match?.[1];
    if (flag === undefined) throw new UsageError(`unexpected argument ${JSON.stringify(argument)}`);
    let value = match?.[2];
    if (known.switches.includes(flag)) value ??= 'true';
    else if (known.values.includes(flag)) value ??= rest.shift();
    else throw new UsageError(`unknown flag --${flag}`);
    if (value === undefined) throw new UsageError(`--${flag} needs a value`);
    found.set(flag, value);
  }
  return found;
}
