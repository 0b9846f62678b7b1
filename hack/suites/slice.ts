/** The slice of the conformance suite that every change is checked against: test/conformance/slice.txt. */
import type { Recorded } from './recorded.ts';
import type { Result } from './outcome.ts';

/** Names in a slice file: one a line, `#` begins a comment line. */
export function parseSlice(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Names of the slice that the suite does not have: after an update of Kubernetes, say. */
export function strangers(slice: readonly string[], suite: ReadonlySet<string>): string[] {
  return slice.filter((name) => !suite.has(name));
}

/**
 * Why a run of the slice counts as failed: a spec that the recorded table has as passing did not pass, not even alone.
 * Specs that the table has as failing, flaky or not at all never fail the run.
 */
export function sliceFailures(recorded: Recorded, results: readonly Result[]): Result[] {
  return results.filter(
    ({ name, outcome }) => recorded.get(name) === 'passed' && (outcome === 'failed' || outcome === 'not run'),
  );
}
