/** How the outcomes of one probe on one container become a verdict. Pure. */
import type { Probe } from '../../api/types.ts';

export interface VerdictState {
  /** The standing verdict; `undefined` before the first. */
  readonly verdict: boolean | undefined;
  /** Outcome of the last attempts and how many in a row. */
  readonly last: boolean | undefined;
  readonly run: number;
}

export const NO_VERDICT: VerdictState = { verdict: undefined, last: undefined, run: 0 };

/** The state after one more outcome: the verdict changes when the threshold of equal outcomes is reached. */
export function nextVerdict(
  state: VerdictState,
  success: boolean,
  probe: Pick<Probe, 'successThreshold' | 'failureThreshold'>,
): VerdictState {
  const run = state.last === success ? state.run + 1 : 1;
  const threshold = success ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { verdict: run >= threshold ? success : state.verdict, last: success, run };
}
