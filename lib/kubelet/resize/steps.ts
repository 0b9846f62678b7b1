/** What is to be done to running containers so that they have what their pod was granted. Pure. */
import type { Container, Pod } from '../../api/types.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import { differences, type Granted, grantedOf, resizableContainers, type Resizable } from './allocation.ts';

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
  /** Every container has what it was granted, or will never be started again. */
  readonly done: boolean;
}

/**
 * @param pod with what it was granted
 * @param actuated what a container was last set to; `undefined`: not known, taken to be right
 */
export function resizeSteps(
  pod: Pod,
  status: PodRuntimeStatus | undefined,
  actuated: (containerName: string) => Granted | undefined,
): ResizeSteps {
  const updates: ContainerUpdate[] = [];
  const restarts = new Set<string>();
  let done = true;
  for (const container of resizableContainers(pod)) {
    const newest = status?.containers.find(({ name }) => name === container.name);
    const has = actuated(container.name);
    if (has === undefined) continue;
    const changed = differences(grantedOf(container.resources), has);
    if (changed.length === 0) continue;
    done &&= newest?.state === 'exited' && pod.spec.restartPolicy === 'Never';
    // What does not run gets it when it is started.
    if (newest?.state !== 'running') continue;
    if (changed.some((name) => restartsFor(container, name))) restarts.add(container.name);
    else updates.push({ container, containerId: newest.id, changed });
  }
  return { updates, restarts, done };
}

function restartsFor(container: Container, resource: Resizable): boolean {
  const policy = container.resizePolicy?.find(({ resourceName }) => resourceName === resource);
  return policy?.restartPolicy === 'RestartContainer';
}
