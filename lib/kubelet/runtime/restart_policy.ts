import type { Pod } from '../../api/types.ts';
import type { AnyContainer } from '../contracts.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** An init container that goes on running beside the regular ones (KEP-753). */
export function isSidecar(container: AnyContainer): boolean {
  return container.restartPolicy === 'Always';
}

/** The container's own policy where it has one (KEP-5307), else the pod's. */
export function restartPolicyOf(pod: Pod, container: AnyContainer): RestartPolicy {
  return policy(container.restartPolicy) ?? policy(pod.spec.restartPolicy) ?? 'Always';
}

function policy(text: string | undefined): RestartPolicy | undefined {
  return text === 'Always' || text === 'OnFailure' || text === 'Never' ? text : undefined;
}

/** Whether a regular (or plain init) container that exited is to run again. */
export function restartsAfterExit(pod: Pod, container: AnyContainer, exitCode: number): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const values = rule.exitCodes?.values ?? [];
    const matches =
      rule.exitCodes?.operator === 'In'
        ? values.includes(exitCode)
        : rule.exitCodes?.operator === 'NotIn' && !values.includes(exitCode);
    if (matches && rule.action === 'Restart') return true;
  }
  const restartPolicy = restartPolicyOf(pod, container);
  return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0);
}

/** Init containers run once: `Always` of the pod means "until it succeeds". */
export function initRestartsAfterFailure(pod: Pod, container: AnyContainer, exitCode: number): boolean {
  if (container.restartPolicy === undefined && (container.restartPolicyRules?.length ?? 0) === 0) {
    return policy(pod.spec.restartPolicy) !== 'Never';
  }
  return restartsAfterExit(pod, container, exitCode);
}
