/** `status.containerStatuses` and its kin, from the spec, the runtime and what was known before. Pure. */
import type { ContainerState, ContainerStatus, Pod } from '../../api/types.ts';
import type { AnyContainer, ContainerRuntimeStatus, PodRuntimeStatus, ProbeVerdicts } from '../contracts.ts';
import type { Granted } from '../resize/allocation.ts';
import { isSidecar } from '../runtime/restart_policy.ts';
import { type RestartRound, restartRound } from '../runtime/restart_round.ts';

export interface ContainerStatusInput {
  readonly pod: Pod;
  readonly runtime: PodRuntimeStatus | undefined;
  /** `containerd://` and the like. */
  readonly runtimeName: string;
  /** Why a container that should run does not: image, config, back-off. */
  waiting(containerName: string): { readonly reason: string; readonly message: string } | undefined;
  verdicts(containerName: string, containerId: string): ProbeVerdicts;
  started(containerName: string, containerId: string): boolean;
  /** Termination message of an exited incarnation, read by the caller. */
  terminationMessage(container: ContainerRuntimeStatus): string;
  /** What a running container was last set to; `undefined`: what the spec says. */
  actuated?(containerName: string): Granted | undefined;
  /** The pod is being ended: what never ran will not run any more. */
  readonly terminating: boolean;
}

export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

export function containerStatuses(input: ContainerStatusInput): ContainerStatuses {
  const { pod } = input;
  const hasInits = (pod.spec.initContainers?.length ?? 0) > 0;
  const notYet = hasInits ? 'PodInitializing' : 'ContainerCreating';
  const round = restartRound(pod, input.runtime);
  const previous = (
    list: readonly ContainerStatus[] | undefined,
    name: string,
  ): ContainerStatus | undefined => list?.find((status) => status.name === name);
  const of = (
    container: AnyContainer,
    kind: 'init' | 'regular' | 'ephemeral',
    old: ContainerStatus | undefined,
    waitingReason: string,
  ): ContainerStatus => statusOf(input, round, container, kind, old, waitingReason);
  const byName = (a: ContainerStatus, b: ContainerStatus): number =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  return {
    init: (pod.spec.initContainers ?? []).map((c) =>
      of(c, 'init', previous(pod.status?.initContainerStatuses, c.name), 'PodInitializing'),
    ),
    regular: pod.spec.containers
      .map((c) => of(c, 'regular', previous(pod.status?.containerStatuses, c.name), notYet))
      .sort(byName),
    ephemeral: (pod.spec.ephemeralContainers ?? [])
      .map((c) =>
        of(c, 'ephemeral', previous(pod.status?.ephemeralContainerStatuses, c.name), 'ContainerCreating'),
      )
      .sort(byName),
  };
}

function statusOf(
  input: ContainerStatusInput,
  round: RestartRound,
  container: AnyContainer,
  kind: 'init' | 'regular' | 'ephemeral',
  old: ContainerStatus | undefined,
  waitingReason: string,
): ContainerStatus {
  const incarnations = (input.runtime?.containers ?? []).filter(({ name }) => name === container.name);
  const [current, before] = incarnations;
  if (current === undefined) return withoutIncarnation(input, container, old, waitingReason);
  if (!input.terminating && round.leftovers.length === 0 && round.isOld(current))
    return startingOver(container, current, round.isRestarting ? STARTING_OVER : { reason: waitingReason });
  const why = input.waiting(container.name);
  const restarting = current.state === 'exited' && why !== undefined;
  const state: ContainerState = restarting
    ? { waiting: withMessage(why) }
    : stateOf(input, current, waitingReason);
  const last = restarting
    ? terminated(input, current)
    : before?.state === 'exited'
      ? (!round.isOld(current) && round.isOld(before)) || (round.isOld(current) && hasStartedOver(old))
        ? ENDED_TO_START_OVER
        : terminated(input, before)
      : lastOf(old, `${input.runtimeName}://${current.id}`);
  const verdicts = input.verdicts(container.name, current.id);
  const running = state.running !== undefined;
  const started = running && (kind === 'ephemeral' ? true : input.started(container.name, current.id));
  const plainInit = kind === 'init' && !isSidecar(container);
  const ready = plainInit
    ? state.terminated?.exitCode === 0
    : kind !== 'ephemeral' &&
      running &&
      started &&
      (container.readinessProbe === undefined || verdicts.readiness === true);
  return {
    name: container.name,
    containerID: `${input.runtimeName}://${current.id}`,
    image: current.image === '' ? (container.image ?? '') : current.image,
    imageID: current.imageId,
    restartCount: current.restartCount,
    ready,
    started: plainInit ? running : started,
    state,
    lastState: last === undefined ? {} : { terminated: last },
    ...(kind === 'ephemeral' ? {} : resourcesOf(input, container, running)),
    ...(current.user === undefined
      ? {}
      : {
          user: {
            linux: {
              uid: current.user.uid,
              gid: current.user.gid,
              supplementalGroups: [...current.user.supplementalGroups],
            },
          },
        }),
    ...stopSignal(container),
    ...volumeMounts(container),
  };
}

/** What it was granted, and, while it runs, what it was last set to: of that no more than what it asks for itself. */
function resourcesOf(
  input: ContainerStatusInput,
  container: AnyContainer,
  running: boolean,
): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const granted = 'resources' in container ? container.resources : undefined;
  if (granted === undefined) return {};
  const set = (running ? input.actuated?.(container.name) : undefined) ?? granted;
  return {
    resources: {
      ...(granted.limits === undefined || set.limits === undefined ? {} : { limits: set.limits }),
      ...(granted.requests === undefined || set.requests === undefined ? {} : { requests: set.requests }),
    },
    ...(granted.requests === undefined ? {} : { allocatedResources: granted.requests }),
  };
}

/** What is known of the incarnation before the one of this id. */
function lastOf(old: ContainerStatus | undefined, currentId: string): ContainerState['terminated'] {
  const last = old?.lastState?.terminated;
  return last?.containerID === currentId ? undefined : last;
}

const STARTING_OVER = {
  reason: 'RestartingAllContainers',
  message: 'The container is removed because RestartAllContainers in place',
} as const;
const ENDED_TO_START_OVER = { exitCode: 137, ...STARTING_OVER } as const;

/** The incarnation before was ended, or is passed over, because all containers of the pod were to start over. */
export function hasStartedOver(status: ContainerStatus | undefined): boolean {
  return status?.lastState?.terminated?.reason === STARTING_OVER.reason;
}

/** The container is yet to start in this round; how it ended in the round before does not matter. */
function startingOver(
  container: AnyContainer,
  last: ContainerRuntimeStatus,
  waiting: NonNullable<ContainerState['waiting']>,
): ContainerStatus {
  return {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: last.restartCount + 1,
    state: { waiting },
    lastState: { terminated: ENDED_TO_START_OVER },
    ...volumeMounts(container),
  };
}

/** Shown where the spec names one. */
function stopSignal({ lifecycle }: AnyContainer): Pick<ContainerStatus, 'stopSignal'> {
  return lifecycle?.stopSignal === undefined ? {} : { stopSignal: lifecycle.stopSignal };
}

function volumeMounts(container: AnyContainer): Pick<ContainerStatus, 'volumeMounts'> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  const shown = mounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({
    name,
    mountPath,
    ...(readOnly === true
      ? { readOnly, recursiveReadOnly: recursiveReadOnly === 'Enabled' ? 'Enabled' : 'Disabled' }
      : {}),
  }));
  return { volumeMounts: shown };
}

/** The runtime has nothing: it was never created, or its remains were removed. */
function withoutIncarnation(
  input: ContainerStatusInput,
  container: AnyContainer,
  old: ContainerStatus | undefined,
  waitingReason: string,
): ContainerStatus {
  const base = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: old?.restartCount ?? 0,
    lastState: old?.lastState ?? {},
    ...volumeMounts(container),
  };
  // What ended stays ended in the status although the runtime forgot it.
  if (old?.state?.terminated !== undefined)
    return { ...old, started: false, ready: old.ready && old.state.terminated.exitCode === 0 };
  if (old?.state?.running !== undefined) {
    const lost = {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    };
    return input.terminating
      ? { ...base, image: old.image, imageID: old.imageID, state: { terminated: lost } }
      : {
          ...base,
          restartCount: old.restartCount + 1,
          state: { waiting: { reason: waitingReason } },
          lastState: {
            terminated: {
              ...lost,
              message:
                'The container could not be located when the pod was deleted.  The container used to be Running',
            },
          },
        };
  }
  const why = input.waiting(container.name);
  return { ...base, state: { waiting: why === undefined ? { reason: waitingReason } : withMessage(why) } };
}

function withMessage({ reason, message }: { reason: string; message: string }): {
  reason: string;
  message?: string;
} {
  return message === '' ? { reason } : { reason, message };
}

function stateOf(
  input: ContainerStatusInput,
  container: ContainerRuntimeStatus,
  waitingReason: string,
): ContainerState {
  if (container.state === 'running') return { running: { startedAt: timestamp(container.startedAtMs) } };
  if (container.state === 'exited') return { terminated: terminated(input, container) };
  // Created and not yet started: waits as before.
  return { waiting: { reason: waitingReason } };
}

function terminated(
  input: ContainerStatusInput,
  container: ContainerRuntimeStatus,
): NonNullable<ContainerState['terminated']> {
  const message = shareOf(input.pod, input.terminationMessage(container));
  const reason =
    container.reason === '' ? (container.exitCode === 0 ? 'Completed' : 'Error') : container.reason;
  return {
    exitCode: container.exitCode,
    reason,
    ...(message === '' ? {} : { message }),
    startedAt: timestamp(container.startedAtMs),
    finishedAt: timestamp(container.finishedAtMs),
    containerID: `${input.runtimeName}://${container.id}`,
  };
}

const MAX_MESSAGES_BYTES = 12 * 1024;

/** All messages of a pod have 12 KiB together, its containers of any kind an equal part each. */
function shareOf({ spec }: Pod, message: string): string {
  const containers = [spec.initContainers, spec.containers, spec.ephemeralContainers];
  const share = Math.floor(
    MAX_MESSAGES_BYTES / containers.reduce((sum, list) => sum + (list?.length ?? 0), 0),
  );
  const bytes = Buffer.from(message);
  if (bytes.length <= share) return message;
  return new TextDecoder().decode(bytes.subarray(0, share), { stream: true }); // no half of a character
}

/** Whole seconds, as the API keeps times; `null` for never. */
export function timestamp(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
