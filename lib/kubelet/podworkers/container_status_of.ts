import type { ContainerStatus, PodStatus } from '../../api/types.ts';

/** The status of a container of any kind, by name. */
export function containerStatusOf(status: PodStatus | undefined, name: string): ContainerStatus | undefined {
  const all = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return all.find((container) => container.name === name);
}
