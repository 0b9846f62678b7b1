/** Refuses pods that need a feature which this kubelet does not have (KEP-5328), also those that it finds running. Pure. */
import { neededFeatures } from '../../api/node_features.ts';
import type { Pod } from '../../api/types.ts';
import type { PodVerdict } from '../podworkers/pod_worker.ts';

/** @param declared `undefined`: nothing is declared, nothing refused (gate NodeDeclaredFeatures is off) */
export function featureAdmission(
  declared: readonly string[] | undefined,
): (pod: Pod) => PodVerdict | undefined {
  return (pod) => {
    const lacking = neededFeatures(pod).filter((name) => declared?.includes(name) === false);
    if (lacking.length === 0) return undefined;
    return {
      phase: 'Failed',
      reason: 'PodFeatureUnsupported',
      message: `Pod was rejected: Pod requires node features that are not available: ${lacking.join(', ')}`,
    };
  };
}
