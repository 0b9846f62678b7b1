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

/** The action of the first rule that names this exit code. */
function ruleFor(container: AnyContainer, exitCode: number): string | undefined {
  return (container.restartPolicyRules ?? []).find(({ exitCodes }) => {
    const listed = (exitCodes?.values ?? []).includes(exitCode);
    return exitCodes?.operator === 'In' ? listed : exitCodes?.operator === 'NotIn' && !listed;
  })?.action;
}

/** Whether this exit has all containers of the pod start over, init containers first (KEP-5532). */
export function restartsAllAfterExit(container: AnyContainer, exitCode: number): boolean {
  return ruleFor(container, exitCode) === 'RestartAllContainers';
}

/** Whether a regular (or plain init) container that exited is to run again. */
export function restartsAfterExit(pod: Pod, container: AnyContainer, exitCode: number): boolean {
  const action = ruleFor(container, exitCode);
  if (action === 'Restart' || action === 'RestartAllContainers') return true;
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
