import { SCHEDULING_EFFECTS, tolerates, untoleratedTaint } from '../../api/taint.ts';
import type { Toleration } from '../../api/types.ts';
import { LastText } from '../cache/same_json.ts';
import { StateKey } from '../framework/cycle_state.ts';
import { lackOfHighest, normalizeEach } from '../framework/normalize.ts';
import type {
  EnqueueExtensions,
  FilterPlugin,
  PreScorePlugin,
  ScorePlugin,
  SignPlugin,
} from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

// Only tolerations that cover PreferNoSchedule matter for the score.
const preferred = new StateKey<readonly Toleration[]>('TaintToleration.preferred');

// Nearly all pods have those two that admission gives them.
const texts = new LastText();

const UNTOLERATED = Object.freeze(unresolvable('node(s) had untolerated taint(s)'));

/** Refuses nodes with taints that the pod does not tolerate; prefers those with fewer PreferNoSchedule taints. */
export const taintToleration: FilterPlugin & PreScorePlugin & ScorePlugin & SignPlugin & EnqueueExtensions = {
  name: 'TaintToleration',
  filter(_state, pod, node) {
    return untoleratedTaint(node.taints, pod.spec.tolerations, SCHEDULING_EFFECTS) === undefined
      ? undefined
      : UNTOLERATED;
  },
  preScore(state, pod) {
    const covering = (pod.spec.tolerations ?? []).filter((t) =>
      ['', 'PreferNoSchedule'].includes(t.effect ?? ''),
    );
    state.write(preferred, covering);
    return undefined;
  },
  score(state, _pod, node) {
    if (node.taints.length === 0) return 0;
    const tolerations = state.read(preferred) ?? [];
    return node.taints.filter(
      (taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((t) => tolerates(t, taint)),
    ).length;
  },
  normalizeScore: (_state, _pod, scores) => normalizeEach(scores, lackOfHighest),
  normalize: lackOfHighest,
  signPod: ({ spec }) => (spec.tolerations === undefined ? '' : texts.of(spec.tolerations)),
  eventsToRegister: () => ['NodeAdd', 'NodeTaintUpdate', 'UnscheduledPodUpdate'],
};
