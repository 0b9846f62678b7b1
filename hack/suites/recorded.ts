/**
 * The recorded tables: what each spec did in the last recorded run. One file per suite and set of components under
 * test/conformance/recorded, one spec a line, so that a change of the table reads well in a diff.
 */
import type { ProxyMode } from '../cluster/options.ts';
import { OUTCOMES, type Outcome, type Result } from './outcome.ts';

export type Recorded = ReadonlyMap<string, Outcome>;

/** A table that cannot be read; the message names the line. */
export class RecordedError extends Error {
  override readonly name = 'RecordedError';
}

/**
 * Which components a table is about: all stock, all ours, or a mix such as `ours-kubelet`; then the mode of kube-proxy
 * unless it is iptables.
 */
export function componentsKey(
  flavours: Readonly<Record<'kubelet' | 'proxy' | 'scheduler', string>>,
  proxyMode: ProxyMode,
): string {
  return inMode(componentsIn(flavours), proxyMode);
}

/** `components` with kube-proxy in that mode. */
export function inMode(components: string, proxyMode: ProxyMode): string {
  return proxyMode === 'iptables' ? components : `${components}-${proxyMode}`;
}

function componentsIn(flavours: Readonly<Record<'kubelet' | 'proxy' | 'scheduler', string>>): string {
  const ours = (['kubelet', 'proxy', 'scheduler'] as const).filter((part) => flavours[part] === 'ours');
  if (ours.length === 0) return 'stock';
  return ours.length === 3 ? 'ours' : `ours-${ours.join('-')}`;
}

/** Name of the file of a table. */
export function recordedFile(suite: string, components: string): string {
  return `${suite}.${components}.tsv`;
}

/** Reads a table: `OUTCOME<tab>SPEC` lines, empty lines and `#` comments. */
export function parseRecorded(text: string): Recorded {
  const table = new Map<string, Outcome>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const tab = line.indexOf('\t');
    const name = line.slice(tab + 1);
    const outcome = OUTCOMES.find((one) => one === line.slice(0, tab));
    if (tab < 0 || outcome === undefined || name === '')
      throw new RecordedError(
        `line ${index + 1}: want OUTCOME, a tab and a spec; OUTCOME one of ${OUTCOMES.join(', ')}`,
      );
    table.set(name, outcome);
  }
  return table;
}

export function renderRecorded(table: Recorded): string {
  const lines = [...table].map(([name, outcome]) => `${outcome}\t${name}`);
  const names = (line: string): string => line.slice(line.indexOf('\t'));
  lines.sort((a, b) => (names(a) < names(b) ? -1 : 1));
  return [
    '# Written by `hack/conformance --record`: what each spec did in the last recorded run.',
    ...lines,
    '',
  ].join('\n');
}

/** The table after a run: its results replace those of the same specs; `not run` says nothing. */
export function mergeRecorded(known: Recorded | undefined, results: readonly Result[]): Recorded {
  const merged = new Map(known);
  for (const { name, outcome } of results) if (outcome !== 'not run') merged.set(name, outcome);
  return merged;
}

/** What differs between the recorded table and a run, by spec name. */
export interface Difference {
  /** Passed (or was flaky) before, fails now. */
  readonly broken: readonly string[];
  /** Failed before, passes now. */
  readonly mended: readonly string[];
  /** Not in the table. */
  readonly unknown: readonly string[];
}

export function difference(recorded: Recorded, results: readonly Result[]): Difference {
  const passes = (outcome: Outcome | undefined): boolean => outcome === 'passed' || outcome === 'flaky';
  const names = (test: (result: Result) => boolean): string[] => results.filter(test).map(({ name }) => name);
  return {
    broken: names(({ name, outcome }) => passes(recorded.get(name)) && outcome === 'failed'),
    mended: names(({ name, outcome }) => recorded.get(name) === 'failed' && passes(outcome)),
    unknown: names(({ name, outcome }) => !recorded.has(name) && outcome !== 'not run'),
  };
}
