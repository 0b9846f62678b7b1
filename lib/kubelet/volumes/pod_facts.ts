import type { Container, EphemeralContainer, Pod, Volume } from '../../api/types.ts';

/** All containers of a spec, in the order they may start. */
function containersOf(pod: Pod): readonly (Container | EphemeralContainer)[] {
  return [
    ...(pod.spec.initContainers ?? []),
    ...pod.spec.containers,
    ...(pod.spec.ephemeralContainers ?? []),
  ];
}

/** The volumes that any container mounts, maps as a device or reads its environment from. Others are not set up. */
export function usedVolumes(pod: Pod): Volume[] {
  const used = new Set<string>();
  for (const container of containersOf(pod)) {
    for (const mount of container.volumeMounts ?? []) used.add(mount.name);
    for (const device of container.volumeDevices ?? []) used.add(device.name);
    for (const variable of container.env ?? []) {
      const file = variable.valueFrom?.fileKeyRef;
      if (file !== undefined) used.add(file.volumeName);
    }
  }
  return (pod.spec.volumes ?? []).filter((volume) => used.has(volume.name));
}

/** The user that all containers run as by spec; `undefined` when they differ or one does not say. */
export function fsUserOf(pod: Pod): number | undefined {
  let only: number | undefined;
  for (const container of containersOf(pod)) {
    const user = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser;
    if (user === undefined || (only !== undefined && only !== user)) return undefined;
    only = user;
  }
  return only;
}
