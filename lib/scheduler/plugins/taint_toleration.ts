import { SCHEDULING_EFFECTS, tolerates, untoleratedTaint } from '../../api/taint.ts';
import type { Toleration } from '../../api/types.ts';
import { StateKey } from '../framework/cycle_state.ts';
import { normalizeByMaximum } from '../framework/normalize.ts';
import type { EnqueueExtensions, FilterPlugin, PreScorePlugin, ScorePlugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

// Only tolerations that cover PreferNoSchedule matter for the score.
const preferred = new StateKey<readonly Toleration[]>('TaintToleration.preferred');

/** Refuses nodes with taints that the pod does not tolerate; prefers those with fewer PreferNoSchedule taints. */
export const taintToleration: FilterPlugin & PreScorePlugin & ScorePlugin & EnqueueExtensions = {
  name: 'TaintToleration',
  filter(_state, pod, node) {
    return untoleratedTaint(node.taints, pod.spec.tolerations, SCHEDULING_EFFECTS) === undefined
      ? undefined
      : unresolvable('node(s) had untolerated taint(s)');
  },
  preScore(state, pod) {
    const covering = (pod.spec.tolerations ?? []).filter((t) =>
      ['', 'PreferNoSchedule'].includes(t.effect ?? ''),
    );
    state.write(preferred, covering);
    return undefined;
  },
  score(state, _pod, node) {
    const tolerations = state.read(preferred) ?? [];
    return node.taints.filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
    ).length;
  },
  normalizeScore(_state, _pod, scores) {
    normalizeByMaximum(scores, true);
  },
  eventsToRegister: () => ['NodeAdd', 'NodeTaintUpdate', 'UnscheduledPodUpdate'],
};
