/** Which changes of a pod in the API concern the worker. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodStatus } from '../../api/types.ts';
import { isCurrent } from '../status/status_diff.ts';

/** Parts of the metadata that containers, volumes or the status show. */
const METADATA = [
  'uid',
  'generation',
  'labels',
  'annotations',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/**
 * What a new version of a pod brings: a change of the pod itself, a status that somebody else wrote (or that the API has
 * not taken yet), or nothing but the status that the kubelet wrote last, come back through the watch.
 */
export function podChange(before: Pod, now: Pod, written: PodStatus | undefined): 'pod' | 'status' | 'echo' {
  const same =
    METADATA.every((key) => isDeepStrictEqual(before.metadata[key], now.metadata[key])) &&
    isDeepStrictEqual(before.spec, now.spec);
  if (!same) return 'pod';
  if (written === undefined || !isCurrent(now.status, written)) return 'status';
  const known = new Set(written.conditions?.map(({ type }) => type));
  return (now.status?.conditions ?? []).every(({ type }) => known.has(type)) ? 'echo' : 'status';
}
