/** What pods need of the kubelet of their node, by the features that nodes declare (KEP-5328). Pure. */
import { allContainers } from './pod.ts';
import type { Pod } from './types.ts';

/** Each is named as its feature gate. */
const NEEDED: Readonly<Record<string, (pod: Pod) => boolean>> = {
  RestartAllContainersOnContainerExits: (pod) =>
    allContainers(pod).some((container) =>
      container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
    ),
  UserNamespacesHostNetworkSupport: ({ spec }) => spec.hostNetwork === true && spec.hostUsers === false,
};

/** Names that the pod needs to find in `status.declaredFeatures` of its node. */
export function neededFeatures(pod: Pod): readonly string[] {
  return Object.entries(NEEDED).flatMap(([name, isNeeded]) => (isNeeded(pod) ? [name] : []));
}
