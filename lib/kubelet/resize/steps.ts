/** What is to be done to running containers so that they have what their pod was granted. Pure. */
import { allContainers, isSidecar } from '../../api/pod.ts';
import type { Container, Pod } from '../../api/types.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import { restartsAfterExit } from '../runtime/restart_policy.ts';
import { effectiveResources } from '../runtime/pod_level_limits.ts';
import { differences, type Granted, grantedOf, type Resizable } from './allocation.ts';

export interface ContainerUpdate {
  readonly container: Container;
  readonly containerId: string;
  readonly changed: readonly Resizable[];
}

export interface ResizeSteps {
  /** To be set while they run. */
  readonly updates: readonly ContainerUpdate[];
  /** Names of containers that can only have it after a restart (`resizePolicy`). */
  readonly restarts: ReadonlySet<string>;
  /** Every container has what it was granted, or gets it when it is started, or will never be started again. */
  readonly done: boolean;
  /** The pod as a whole was granted something else than its group was set to. */
  readonly group: boolean;
}

/**
 * What a running container is to have: what it was granted itself, and from the pod as a whole the limits that it has not
 * itself.
 */
export function effectiveGrant(pod: Pod, container: Container): Granted {
  return grantedOf(effectiveResources(pod, container));
}

/**
 * @param pod with what it was granted
 * @param actuated what a container was last set to; `undefined`: not known, taken to be right
 * @param ofPod likewise for the pod as a whole
 */
export function resizeSteps(
  pod: Pod,
  status: PodRuntimeStatus | undefined,
  actuated: (containerName: string) => Granted | undefined,
  ofPod?: Granted,
): ResizeSteps {
  const updates: ContainerUpdate[] = [];
  const restarts = new Set<string>();
  const once = new Set((pod.spec.initContainers ?? []).filter((c) => !isSidecar(c)).map(({ name }) => name));
  let done = true;
  for (const container of allContainers(pod)) {
    const newest = status?.containers.find(({ name }) => name === container.name);
    const has = actuated(container.name);
    if (has === undefined) continue;
    const changed = differences(effectiveGrant(pod, container), has);
    if (changed.length === 0) continue;
    // What does not run gets it when it is started; of an init container nobody waits for that.
    const isOver = newest?.state === 'exited' && !restartsAfterExit(pod, container, newest.exitCode);
    done &&= newest?.state !== 'running' && (once.has(container.name) || isOver);
    if (newest?.state !== 'running') continue;
    if (changed.some((name) => restartsFor(container, name))) restarts.add(container.name);
    else updates.push({ container, containerId: newest.id, changed });
  }
  const group = ofPod !== undefined && differences(grantedOf(pod.spec.resources), ofPod).length > 0;
  return { updates, restarts, done, group };
}

function restartsFor(container: Container, resource: Resizable): boolean {
  const policy = container.resizePolicy?.find(({ resourceName }) => resourceName === resource);
  return policy?.restartPolicy === 'RestartContainer';
}
