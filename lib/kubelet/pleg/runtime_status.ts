/** CRI's statuses to the kubelet's: times in milliseconds, states by name. */
import { ContainerState, NamespaceMode, PodSandboxState } from '../../cri/generated/api.ts';
import type { ContainerStatus, PodSandboxStatus } from '../../cri/runtime_client.ts';
import type { ContainerRuntimeState, ContainerRuntimeStatus, SandboxRuntimeStatus } from '../contracts.ts';
import { CONTAINER_NAME_LABEL, HASH_ANNOTATION, RESTART_COUNT_ANNOTATION } from '../runtime/runtime_names.ts';

const STATES: Readonly<Record<number, ContainerRuntimeState>> = {
  [ContainerState.CONTAINER_CREATED]: 'created',
  [ContainerState.CONTAINER_RUNNING]: 'running',
  [ContainerState.CONTAINER_EXITED]: 'exited',
  [ContainerState.CONTAINER_UNKNOWN]: 'unknown',
};

export function sandboxStatus(status: PodSandboxStatus): SandboxRuntimeStatus {
  const primary = status.network?.ip ?? '';
  const additional = status.network?.additionalIps.map(({ ip }) => ip) ?? [];
  return {
    id: status.id,
    state: status.state === PodSandboxState.SANDBOX_READY ? 'ready' : 'notready',
    attempt: status.metadata?.attempt ?? 0,
    createdAtMs: milliseconds(status.createdAt),
    ips: [primary, ...additional].filter((ip) => ip !== ''),
    hostNetwork: status.linux?.namespaces?.options?.network === NamespaceMode.NODE,
    labels: status.labels,
    annotations: status.annotations,
  };
}

/**
 * A kubelet that is killed while it has a container started takes its request with it: the runtime gives the start up
 * half-way and calls the container exited. It never ran, so it is to be started as any that was only created; with
 * restart policy Never the pod would have failed for nothing.
 *
 * @param bornAtMs when this kubelet began
 */
export function neverStarted(status: ContainerRuntimeStatus, bornAtMs: number): ContainerRuntimeStatus {
  const cutShort =
    status.state === 'exited' &&
    status.startedAtMs <= 0 &&
    status.createdAtMs < bornAtMs &&
    status.reason === 'StartError' &&
    /context canceled|signal: killed/.test(status.message);
  return cutShort ? { ...status, state: 'created' } : status;
}

export function containerStatus(status: ContainerStatus, sandboxId: string): ContainerRuntimeStatus {
  const restarts = Number(status.annotations[RESTART_COUNT_ANNOTATION]);
  const user = status.user?.linux;
  return {
    id: status.id,
    name: status.labels[CONTAINER_NAME_LABEL] ?? status.metadata?.name ?? '',
    sandboxId,
    state: STATES[status.state] ?? 'unknown',
    restartCount: Number.isInteger(restarts) ? restarts : (status.metadata?.attempt ?? 0),
    hash: status.annotations[HASH_ANNOTATION] ?? '',
    createdAtMs: milliseconds(status.createdAt),
    startedAtMs: milliseconds(status.startedAt),
    finishedAtMs: milliseconds(status.finishedAt),
    exitCode: status.exitCode,
    reason: status.reason,
    message: status.message,
    image:
      status.image?.userSpecifiedImage !== undefined && status.image.userSpecifiedImage !== ''
        ? status.image.userSpecifiedImage
        : (status.image?.image ?? ''),
    imageId: status.imageRef,
    logPath: status.logPath,
    labels: status.labels,
    annotations: status.annotations,
    ...(user === undefined
      ? {}
      : {
          user: {
            uid: Number(user.uid),
            gid: Number(user.gid),
            supplementalGroups: user.supplementalGroups.map(Number),
          },
        }),
    mounts: status.mounts.map(({ containerPath, hostPath, readonly, recursiveReadOnly, image }) => ({
      containerPath,
      hostPath,
      readonly,
      recursiveReadOnly,
      ...(image === undefined ? {} : { image: image.image }),
    })),
  };
}

/** The newest first; incarnations of one container by their number, for the clock may have been set back between two. */
export function newestFirst(containers: readonly ContainerRuntimeStatus[]): ContainerRuntimeStatus[] {
  const byAge = containers.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  const byNumber = new Map(
    Object.entries(Object.groupBy(byAge, ({ name }) => name)).map(([name, group = []]) => [
      name,
      group.toSorted((a, b) => b.restartCount - a.restartCount).values(),
    ]),
  );
  return byAge.map((container) => byNumber.get(container.name)?.next().value ?? container);
}

/** Nanoseconds to milliseconds; 0 (never) and the zero time of Go stay 0. */
function milliseconds(nanoseconds: bigint): number {
  return nanoseconds <= 0n ? 0 : Number(nanoseconds / 1_000_000n);
}
