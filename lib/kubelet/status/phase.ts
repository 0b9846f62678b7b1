import type { ContainerStatus, Pod } from '../../api/types.ts';
import { hasStartedOver } from './container_statuses.ts';
import { initRestartsAfterFailure, isSidecar, restartsAfterExit } from '../runtime/restart_policy.ts';

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** `status.phase` by the states of the containers. Pure. A pod that is being ended passes `restarts: false`. */
export function podPhase(
  pod: Pod,
  init: readonly ContainerStatus[],
  regular: readonly ContainerStatus[],
  options: { readonly restarts: boolean },
): Phase {
  let pendingInit = 0;
  let failedInit = 0;
  for (const container of pod.spec.initContainers ?? []) {
    const status = init.find(({ name }) => name === container.name);
    const last = status?.lastState?.terminated;
    const startsOver = status?.state?.terminated === undefined && hasStartedOver(status);
    const ended =
      status?.state?.terminated ?? (status?.state?.waiting === undefined || startsOver ? undefined : last);
    if (isSidecar(container)) {
      if (status?.started !== true && status?.state?.running === undefined && ended === undefined)
        pendingInit++;
      continue;
    }
    if (status?.state?.terminated?.exitCode === 0) continue;
    if (
      ended !== undefined &&
      ended.exitCode !== 0 &&
      (!options.restarts || !initRestartsAfterFailure(pod, container, ended.exitCode))
    )
      failedInit++;
    else pendingInit++;
  }
  let running = 0;
  let waiting = 0;
  let succeeded = 0;
  let failed = 0;
  for (const container of pod.spec.containers) {
    const status = regular.find(({ name }) => name === container.name);
    const ended = status?.state?.terminated;
    if (status?.state?.running !== undefined) running++;
    else if (ended !== undefined) {
      if (options.restarts && restartsAfterExit(pod, container, ended.exitCode)) running++;
      else if (ended.exitCode === 0) succeeded++;
      else failed++;
    } else if (status?.lastState?.terminated !== undefined)
      running++; // between two incarnations
    else waiting++;
  }
  if (failedInit > 0) return 'Failed';
  if (pendingInit > 0 && running + succeeded + failed === 0) return 'Pending';
  if (waiting > 0) return 'Pending';
  if (running > 0) return 'Running';
  if (succeeded + failed > 0) return failed > 0 ? 'Failed' : 'Succeeded';
  return 'Pending';
}
