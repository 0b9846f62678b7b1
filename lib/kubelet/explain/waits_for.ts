/** What a pod waits for, of what its worker says and what its status shows. Pure. */
import type { Pod, PodStatus } from '../../api/types.ts';
import { isSidecar } from '../runtime/restart_policy.ts';

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
  const init = status.initContainerStatuses?.find(
    ({ name, state }) => state?.running !== undefined && !isSidecarOf(pod, name),
  );
  if (init !== undefined) return `init container ${init.name} to end`;
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return resizeOf(status);
  const probes = probesOf(pod, status);
  return `being ready: ${probes.length > 0 ? probes.join(', ') : (ready?.message ?? ready?.reason ?? status.phase ?? '')}`;
}

function isSidecarOf({ spec }: Pod, name: string): boolean {
  return (spec.initContainers ?? []).some((container) => container.name === name && isSidecar(container));
}

/** Probes that have not succeeded, of containers that run. */
function probesOf({ spec }: Pod, status: PodStatus): readonly string[] {
  const specs = [...(spec.initContainers ?? []).filter(isSidecar), ...spec.containers];
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].flatMap(
    ({ name, ready, started, state }) => {
      const container = specs.find((one) => one.name === name);
      if (container === undefined || state?.running === undefined) return [];
      if (started !== true && container.startupProbe !== undefined) return [`startup probe of ${name}`];
      return ready || container.readinessProbe === undefined ? [] : [`readiness probe of ${name}`];
    },
  );
}

/** A resize that is not carried out yet; empty: there is none. */
function resizeOf({ conditions = [] }: PodStatus): string {
  const found = conditions.find(
    ({ type, status }) => /^PodResize(Pending|InProgress)$/.test(type) && status === 'True',
  );
  if (found === undefined) return '';
  const why = [found.reason ?? '', found.message ?? ''].filter((text) => text !== '').join(': ');
  return `its resize${why === '' ? '' : `: ${why}`}`;
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
