/** What a pod waits for, of what its worker says and what its status shows. Pure. */
import type { Pod, PodStatus } from '../../api/types.ts';

/** What the worker says; else what the status says is still missing. Empty: nothing. */
export function waitsFor(pod: Pod, status: PodStatus | undefined, worker: string | undefined): string {
  if (worker !== undefined) return worker;
  const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  if (pod.metadata.deletionTimestamp !== undefined) return ended ? '' : 'its containers to end';
  if (status === undefined) return 'its first look';
  if (ended) return '';
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const waiting = all.find(({ state }) => hasReason(state?.waiting?.reason));
  if (waiting !== undefined) {
    const { reason = '', message = '' } = waiting.state?.waiting ?? {};
    return `${waiting.name}: ${reason}${message === '' ? '' : ` (${message})`}`;
  }
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True'
    ? ''
    : `being ready: ${ready?.message ?? ready?.reason ?? status.phase ?? ''}`;
}

/** Not one that only says that it has not begun. */
function hasReason(reason: string | undefined): boolean {
  return reason !== undefined && reason !== 'PodInitializing' && reason !== 'ContainerCreating';
}

/** How a pod has ended, and why; `undefined`: it has not. */
export function endOf(status: PodStatus | undefined): string | undefined {
  const { message = '', phase = '', reason = '' } = status ?? {};
  return phase === 'Succeeded' || phase === 'Failed'
    ? [phase, reason, message].filter((text) => text !== '').join(': ')
    : undefined;
}
