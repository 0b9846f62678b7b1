/** What became of each spec, over its first run and the second one that a failed spec gets alone. */
import type { TestCase } from './junit.ts';
import { sigOf } from './spec.ts';

export const OUTCOMES = ['passed', 'flaky', 'failed', 'skipped', 'not run'] as const;
/**
 * `flaky`: failed, then passed alone. `not run`: the run ended before its turn, or the spec was being run when the run
 * was ended without a report.
 */
export type Outcome = (typeof OUTCOMES)[number];

export interface Result {
  readonly name: string;
  readonly outcome: Outcome;
  /** Of the run that decided. */
  readonly seconds: number;
  /** Of the run that failed first; empty when none did. */
  readonly failure: string;
}

/**
 * Classifies the specs that a run was to run.
 *
 * @param wanted names of the specs that were selected
 * @param first cases of the first runs (parallel and serial)
 * @param second cases of the second run, of those that failed, each alone
 */
export function classify(
  wanted: readonly string[],
  first: readonly TestCase[],
  second: readonly TestCase[],
): Result[] {
  const [before, again] = [byName(first), byName(second)];
  return wanted.map((name) => {
    const [one, two] = [before.get(name), again.get(name)];
    if (one === undefined || one.state === 'interrupted')
      return { name, outcome: 'not run', seconds: 0, failure: '' };
    if (one.state !== 'failed') return { name, outcome: one.state, seconds: one.seconds, failure: '' };
    // A spec that skips itself the second time has not been shown to pass.
    const outcome = two?.state === 'passed' ? 'flaky' : 'failed';
    return { name, outcome, seconds: (two ?? one).seconds, failure: one.failure };
  });
}

/** Names of the specs that failed in `first`: those that get a second run. */
export function failedIn(wanted: readonly string[], first: readonly TestCase[]): string[] {
  const cases = byName(first);
  return wanted.filter((name) => cases.get(name)?.state === 'failed');
}

// A spec that ginkgo reports twice (a name used twice in the suite) is as bad as its worst.
function byName(cases: readonly TestCase[]): Map<string, TestCase> {
  const badness = { failed: 3, interrupted: 2, passed: 1, skipped: 0 };
  const found = new Map<string, TestCase>();
  for (const one of cases) {
    const known = found.get(one.name);
    if (known === undefined || badness[one.state] > badness[known.state]) found.set(one.name, one);
  }
  return found;
}

export type Counts = Readonly<Record<Outcome, number>>;

/** How many specs of each SIG ended how; SIGs in alphabetical order. */
export function countBySig(
  results: Iterable<{ readonly name: string; readonly outcome: Outcome }>,
): Map<string, Counts> {
  const counts = new Map<string, Record<Outcome, number>>();
  for (const { name, outcome } of results) {
    const sig = sigOf(name);
    const own = counts.get(sig) ?? zero();
    own[outcome]++;
    counts.set(sig, own);
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Sum over all SIGs. */
export function total(counts: ReadonlyMap<string, Counts>): Counts {
  const sum = zero();
  for (const own of counts.values()) for (const outcome of OUTCOMES) sum[outcome] += own[outcome];
  return sum;
}

function zero(): Record<Outcome, number> {
  return { passed: 0, flaky: 0, failed: 0, skipped: 0, 'not run': 0 };
}
