/** Renders docs/conformance.md from the recorded tables. */
import type { ProxyMode } from '../cluster/options.ts';
import { countBySig, total, type Counts, type Outcome } from './outcome.ts';
import type { Recorded } from './recorded.ts';

export interface Tables {
  /** Version of the suite, e.g. `v1.36.3`. */
  readonly kubernetes: string;
  /** Missing: that set of components has not been recorded yet. */
  readonly stock?: Recorded | undefined;
  readonly ours?: Recorded | undefined;
  /** Reasons by spec, from known.yaml. */
  readonly known: ReadonlyMap<string, string>;
  /** Tables of other suites, e.g. `network`, and of the other mode of kube-proxy. */
  readonly others: readonly OtherSuite[];
}

export interface OtherSuite {
  readonly suite: string;
  readonly proxyMode: ProxyMode;
  readonly stock?: Recorded | undefined;
  readonly ours?: Recorded | undefined;
}

/** The whole page. */
export function renderMarkdown(tables: Tables): string {
  const { stock, ours, known } = tables;
  const missing = failing(stock).filter((name) => !known.has(name));
  const lines = [
    '<!-- Written by `hack/conformance --record`. Do not edit: the next recorded run overwrites it. -->',
    '',
    '# Conformance',
    '',
    `Results of the Kubernetes ${tables.kubernetes} conformance suite on clusters that \`hack/conformance\` brings up`,
    '(two nodes, stock control plane): once with the stock kubelet, kube-proxy and kube-scheduler, once with ours. A spec',
    'counts as passed when it passed, or failed at first and then passed alone (flaky). kube-proxy runs in iptables mode where',
    'nothing else is said; `--proxy-mode nftables` runs, compares and records any suite in the other mode.',
    '',
    ...table('conformance', stock, ours),
    '',
    '## Fails with ours, passes with stock',
    '',
    ...list(worse(stock, ours), 'None.'),
    '',
    '## Fails with stock components too',
    '',
    'What the machine lacks, in the words of `test/conformance/known.yaml`:',
    '',
    ...byReason(failing(stock), known),
    ...(missing.length === 0 ? [] : ['', 'Without a known reason:', '', ...list(missing, '')]),
    '',
    ...section('Flaky with ours', flaky(ours)),
    ...section('Flaky with stock components', flaky(stock)),
    ...tables.others.flatMap(({ suite, proxyMode, stock, ours }) => [
      `## Other specs: ${suite}${proxyMode === 'iptables' ? '' : `, kube-proxy in ${proxyMode} mode`}`,
      '',
      `\`hack/conformance --suite ${suite}${proxyMode === 'iptables' ? '' : ` --proxy-mode ${proxyMode}`}\``,
      '',
      ...table(suite, stock, ours),
      '',
      ...section('Fails with ours, passes with stock', worse(stock, ours), '###'),
    ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Specs that `ours` fails while `stock` passes. */
export function worse(stock: Recorded | undefined, ours: Recorded | undefined): string[] {
  return failing(ours).filter((name) => passes(stock?.get(name)));
}

function passes(outcome: Outcome | undefined): boolean {
  return outcome === 'passed' || outcome === 'flaky';
}

function failing(recorded: Recorded | undefined): string[] {
  return names(recorded, 'failed');
}

function flaky(recorded: Recorded | undefined): string[] {
  return names(recorded, 'flaky');
}

function names(recorded: Recorded | undefined, wanted: Outcome): string[] {
  return [...(recorded ?? [])]
    .filter(([, outcome]) => outcome === wanted)
    .map(([name]) => name)
    .sort();
}

function table(what: string, stock: Recorded | undefined, ours: Recorded | undefined): string[] {
  const [a, b] = [counts(stock), counts(ours)];
  if (a.size + b.size === 0) return [`The ${what} suite has not been recorded yet.`];
  const sigs = [...new Set([...a.keys(), ...b.keys()])].sort();
  return [
    '| SIG | stock passed | stock failed | stock skipped | ours passed | ours failed | ours skipped |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...sigs.map((sig) => row(sig, a.get(sig), b.get(sig))),
    row('**all**', a.size === 0 ? undefined : total(a), b.size === 0 ? undefined : total(b)),
  ];
}

function counts(recorded: Recorded | undefined): Map<string, Counts> {
  return countBySig([...(recorded ?? [])].map(([name, outcome]) => ({ name, outcome })));
}

function row(sig: string, ...sides: readonly (Counts | undefined)[]): string {
  const cells = sides.flatMap((own) =>
    own === undefined ? ['', '', ''] : [own.passed + own.flaky, own.failed, own.skipped].map(String),
  );
  return `| ${[sig, ...cells].join(' | ')} |`;
}

function section(title: string, specs: readonly string[], level = '##'): string[] {
  return specs.length === 0 ? [] : [`${level} ${title}`, '', ...list(specs, ''), ''];
}

function list(specs: readonly string[], none: string): string[] {
  return specs.length === 0 ? [none] : specs.map((name) => `- \`${name}\``);
}

function byReason(specs: readonly string[], known: ReadonlyMap<string, string>): string[] {
  const groups = new Map<string, string[]>();
  for (const spec of specs) {
    const reason = known.get(spec);
    if (reason !== undefined) groups.set(reason, [...(groups.get(reason) ?? []), spec]);
  }
  if (groups.size === 0) return ['None.'];
  return [...groups].flatMap(([reason, specs]) => [`- ${reason}`, ...specs.map((spec) => `  - \`${spec}\``)]);
}
