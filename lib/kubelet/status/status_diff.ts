/** Whether the API has a status already, and the patch that brings it there. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { PodStatus } from '../../api/types.ts';

/** Fields that a status of the kubelet always decides: absent means "none". */
const CLEARED = ['reason', 'message', 'podIP', 'podIPs', 'hostIP', 'hostIPs'] as const;

/** Conditions of the kubelet that go away when what they tell is over. */
export const RESIZE_CONDITIONS = ['PodResizePending', 'PodResizeInProgress'] as const;

/** Types of conditions that the API has and that hold no more. */
function gone(api: PodStatus | undefined, wanted: PodStatus): readonly string[] {
  const has = (status: PodStatus | undefined, type: string): boolean =>
    status?.conditions?.some((condition) => condition.type === type) === true;
  return RESIZE_CONDITIONS.filter((type) => has(api, type) && !has(wanted, type));
}

/** True when the API's status says everything that the wanted one says. */
export function isCurrent(api: PodStatus | undefined, wanted: PodStatus): boolean {
  if (api === undefined) return false;
  const there: Readonly<Record<string, unknown>> = { ...api };
  for (const [key, value] of Object.entries(wanted)) {
    if (key === 'conditions') continue;
    if (!isDeepStrictEqual(normal(there[key]), normal(value))) return false;
  }
  if (CLEARED.some((key) => wanted[key] === undefined && api[key] !== undefined)) return false;
  if (gone(api, wanted).length > 0) return false;
  return (wanted.conditions ?? []).every((condition) => {
    const there = api.conditions?.find(({ type }) => type === condition.type);
    if (there === undefined) return false;
    const compared = ['status', 'reason', 'message', 'observedGeneration', 'lastTransitionTime'] as const;
    return compared.every((key) => (there[key] ?? '') === (condition[key] ?? ''));
  });
}

/**
 * Strategic merge patch of the status subresource. Conditions are merged by type, so that those of others stay; lists
 * of addresses are replaced as a whole.
 *
 * @param uid refuses a pod of the same name that came later
 */
export function statusPatch(api: PodStatus | undefined, wanted: PodStatus, uid: string): object {
  const status: Record<string, unknown> = { ...wanted };
  for (const key of CLEARED) {
    if (wanted[key] === undefined && api?.[key] !== undefined) status[key] = null;
  }
  for (const key of ['podIPs', 'hostIPs'] as const) {
    const list = wanted[key];
    if (list !== undefined) status[key] = [...list, { $patch: 'replace' }];
  }
  status['conditions'] = [
    ...(wanted.conditions ?? []).map((condition) => ({
      // A reason or message that is gone must be cleared by name.
      reason: null,
      message: null,
      ...condition,
    })),
    ...gone(api, wanted).map((type) => ({ type, $patch: 'delete' })),
  ];
  return { metadata: { uid }, status };
}

// Absent, null, empty list and empty object are the same to the API.
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(normal);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, normal(inner)] as const)
    .filter(([, inner]) => inner !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
