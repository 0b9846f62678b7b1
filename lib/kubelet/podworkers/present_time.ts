/** What carries times of the wall clock, with these as the clock reads now: for decisions, never for what is shown. */
import type { WallStamps } from '../../base/wall_stamps.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import type { RestartBackoffEntry } from '../runtime/restart_backoff.ts';

type Stamps = Pick<WallStamps, 'present'>;

export function statusInPresentTime(
  status: PodRuntimeStatus | undefined,
  stamps: Stamps,
): PodRuntimeStatus | undefined {
  if (status === undefined) return undefined;
  return {
    ...status,
    containers: status.containers.map((container) => ({
      ...container,
      createdAtMs: stamps.present(container.createdAtMs),
      startedAtMs: stamps.present(container.startedAtMs),
      finishedAtMs: stamps.present(container.finishedAtMs),
    })),
  };
}

export function entryInPresentTime(
  entry: RestartBackoffEntry | undefined,
  stamps: Stamps,
): RestartBackoffEntry | undefined {
  return entry === undefined ? undefined : { ...entry, updatedAtMs: stamps.present(entry.updatedAtMs) };
}
