/** What the scores of a pod's signature are computed from. */
import type { Pod } from '../../api/types.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import type { VerdictColumn } from './verdict_column.ts';

export interface ScoreSources {
  readonly pod: Pod;
  readonly state: CycleState;
  readonly cache: SchedulerCache;
  readonly verdicts: VerdictColumn;
}
