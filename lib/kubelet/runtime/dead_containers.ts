/** Which dead containers and sandboxes of a living pod can be removed. Pure. */
import type { ContainerRuntimeStatus, PodRuntimeStatus, SandboxRuntimeStatus } from '../contracts.ts';

/** All but the newest dead incarnation of each container; sandboxes that are not the newest and hold nothing. */
export function removable(status: PodRuntimeStatus): {
  readonly containers: readonly ContainerRuntimeStatus[];
  readonly sandboxes: readonly SandboxRuntimeStatus[];
} {
  const keptDead = new Set<string>();
  const containers: ContainerRuntimeStatus[] = [];
  // Newest first.
  for (const container of status.containers) {
    if (container.state === 'running' || container.state === 'created') continue;
    if (!keptDead.has(container.name)) {
      keptDead.add(container.name);
      continue;
    }
    if (container.state === 'exited') containers.push(container);
  }
  const goes = new Set(containers.map(({ id }) => id));
  const used = new Set(status.containers.filter(({ id }) => !goes.has(id)).map(({ sandboxId }) => sandboxId));
  const sandboxes = status.sandboxes.slice(1).filter((s) => s.state === 'notready' && !used.has(s.id));
  return { containers, sandboxes };
}
