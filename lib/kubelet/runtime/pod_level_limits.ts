/** Limits that containers have from their pod as a whole (KEP-2837). Pure. */
import { isPodLevelResource } from '../../api/resources.ts';
import type { Container, Pod, ResourceRequirements } from '../../api/types.ts';

/** The container's resources; a limit that it does not set itself is that of its pod, where that has one. */
export function effectiveResources(
  { spec }: Pod,
  { resources = {} }: Pick<Container, 'resources'>,
): ResourceRequirements {
  const ofPod = Object.entries(spec.resources?.limits ?? {}).filter(
    ([name]) => isPodLevelResource(name) && resources.limits?.[name] === undefined,
  );
  if (ofPod.length === 0) return resources;
  return { ...resources, limits: { ...resources.limits, ...Object.fromEntries(ofPod) } };
}
