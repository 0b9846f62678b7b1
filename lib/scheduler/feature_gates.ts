/** Feature gates that change what the stock scheduler does, and which of their settings mean nothing here. */
import type { FeatureGates } from '../component/feature_gates.ts';

const NOT_BUILT = 'what it turns on is not built here';
const ALWAYS = 'this scheduler always does what it turns on';

/** By gate: the value that makes no difference, and why. Gates that are acted on in both settings are not listed. */
const WITHOUT_EFFECT: Readonly<Record<string, { readonly value: boolean; readonly why: string }>> = {
  CoordinatedLeaderElection: { value: true, why: NOT_BUILT },
  DRAConsumableCapacity: { value: true, why: NOT_BUILT },
  DRADeviceTaintRules: { value: true, why: NOT_BUILT },
  DRAListTypeAttributes: { value: true, why: NOT_BUILT },
  DRANodeAllocatableResources: { value: true, why: NOT_BUILT },
  DRAWorkloadResourceClaims: { value: true, why: NOT_BUILT },
  GangScheduling: { value: true, why: NOT_BUILT },
  GenericWorkload: { value: true, why: NOT_BUILT },
  TopologyAwareWorkloadScheduling: { value: true, why: NOT_BUILT },
  VolumeLimitScaling: { value: true, why: NOT_BUILT },
  WorkloadAwarePreemption: { value: true, why: NOT_BUILT },
  InPlacePodLevelResourcesVerticalScaling: { value: false, why: ALWAYS },
  MatchLabelKeysInPodTopologySpread: { value: false, why: ALWAYS },
  MatchLabelKeysInPodTopologySpreadSelectorMerge: { value: false, why: ALWAYS },
  OpportunisticBatching: { value: false, why: ALWAYS },
  PodLevelResources: { value: false, why: ALWAYS },
  SchedulerAsyncAPICalls: { value: false, why: ALWAYS },
  SchedulerAsyncPreemption: { value: false, why: ALWAYS },
  TaintTolerationComparisonOperators: { value: false, why: ALWAYS },
};

/** What to warn of: gates that somebody turned on or off in vain. */
export function gatesWithoutEffect(
  gates: Pick<FeatureGates, 'all'>,
): readonly { readonly gate: string; readonly value: boolean; readonly why: string }[] {
  return gates.all().flatMap(({ name, enabled, default: usual }) => {
    const one = WITHOUT_EFFECT[name];
    // What is so by default nobody asked for.
    return one === undefined || enabled === usual || enabled !== one.value
      ? []
      : [{ gate: name, value: enabled, why: one.why }];
  });
}
