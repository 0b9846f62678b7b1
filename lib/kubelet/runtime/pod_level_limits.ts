/** Limits that containers have from their pod as a whole (KEP-2837). Pure. */
import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';

const SHARED = ['cpu', 'memory'] as const;

/** The container's resources; a limit that it does not set itself is that of its pod, where that has one. */
export function effectiveResources(
  { spec }: Pod,
  { resources = {} }: Pick<Container, 'resources'>,
): ResourceRequirements {
  const ofPod = SHARED.flatMap((name) => {
    const limit = spec.resources?.limits?.[name];
    return limit === undefined || resources.limits?.[name] !== undefined ? [] : [[name, limit] as const];
  });
  if (ofPod.length === 0) return resources;
  return { ...resources, limits: { ...resources.limits, ...Object.fromEntries(ofPod) } };
}
