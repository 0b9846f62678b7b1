/** Which dead containers and sandboxes of a living pod can be removed. Pure. */
import type { ContainerRuntimeStatus, PodRuntimeStatus, SandboxRuntimeStatus } from '../contracts.ts';

export interface KeepPolicy {
  /** Dead incarnations of each container that stay, the newest; at least 1: it is asked for by logs and restarts. */
  readonly perContainer: number;
  /** Those created after that stay as well, milliseconds since the epoch. */
  readonly createdAfterMs: number;
}

const KEEP_ONE: KeepPolicy = { perContainer: 1, createdAfterMs: Number.POSITIVE_INFINITY };

/** Dead incarnations beyond those to keep, the newest of each container; sandboxes that are not the newest and hold nothing. */
export function removable(
  status: PodRuntimeStatus,
  { createdAfterMs, perContainer }: KeepPolicy = KEEP_ONE,
): {
  readonly containers: readonly ContainerRuntimeStatus[];
  readonly sandboxes: readonly SandboxRuntimeStatus[];
} {
  const dead = new Map<string, number>();
  const containers: ContainerRuntimeStatus[] = [];
  // Newest first.
  for (const container of status.containers) {
    if (container.state === 'running' || container.state === 'created') continue;
    const newer = dead.get(container.name) ?? 0;
    dead.set(container.name, newer + 1);
    const isKept = newer < Math.max(1, perContainer) || container.createdAtMs > createdAfterMs;
    if (!isKept && container.state === 'exited') containers.push(container);
  }
  const goes = new Set(containers.map(({ id }) => id));
  const used = new Set(status.containers.filter(({ id }) => !goes.has(id)).map(({ sandboxId }) => sandboxId));
  const sandboxes = status.sandboxes.slice(1).filter((s) => s.state === 'notready' && !used.has(s.id));
  return { containers, sandboxes };
}

/** What `--maximum-dead-containers*` and `--minimum-container-ttl-duration` ask for. */
export interface DeadContainerLimits {
  /** Negative: all. */
  readonly perContainer: number;
  /** In all pods together, as far as one of each container stays; negative: any number. */
  readonly total: number;
  readonly minAgeMs: number;
}

/** The limits as they are for these pods: where there are too many, each container keeps its share. */
export function keepPolicy(
  pods: readonly PodRuntimeStatus[],
  { minAgeMs, perContainer, total }: DeadContainerLimits,
  nowMs: number,
): KeepPolicy {
  const most = perContainer < 0 ? Number.POSITIVE_INFINITY : Math.max(1, perContainer);
  const createdAfterMs = nowMs - minAgeMs;
  if (total < 0) return { perContainer: most, createdAfterMs };
  const dead = new Map<string, number>();
  for (const { uid, containers } of pods)
    for (const { name, state } of containers)
      if (state === 'exited') dead.set(`${uid}/${name}`, (dead.get(`${uid}/${name}`) ?? 0) + 1);
  const left = [...dead.values()].reduce((sum, count) => sum + Math.min(count, most), 0);
  return {
    perContainer: left > total ? Math.max(1, Math.floor(total / dead.size)) : most,
    createdAfterMs,
  };
}
