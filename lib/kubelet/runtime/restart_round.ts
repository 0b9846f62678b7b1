/** All containers of a pod start over after an exit that its rules name so (KEP-5532). Pure. */
import { neededFeatures } from '../../api/node_features.ts';
import { allContainers } from '../../api/pod.ts';
import type { Container, Pod } from '../../api/types.ts';
import type { AnyContainer, ContainerRuntimeStatus, PodRuntimeStatus } from '../contracts.ts';
import { restartsAllAfterExit } from './restart_policy.ts';

/** The incarnations that count: all in the newest sandbox, or those since all containers began to start over. */
export interface RestartRound {
  /** When the round began: the exit that has all start over; `undefined`: there was none. */
  readonly begunMs: number | undefined;
  /** The newest incarnation in the sandbox, if it is of this round. */
  current(name: string): ContainerRuntimeStatus | undefined;
  /** The container is yet to start in this round: whatever became of it before. */
  isDue(name: string): boolean;
  /** What still runs of the round before. All of it has to end before the first of this round begins. */
  readonly leftovers: readonly Leftover[];
  /** The incarnation is of a round before. */
  isOld(incarnation: ContainerRuntimeStatus): boolean;
  /** Nothing of this round was created yet. */
  readonly isRestarting: boolean;
}

export interface Leftover {
  readonly container: AnyContainer;
  readonly incarnation: ContainerRuntimeStatus;
}

export function restartRound(
  pod: Pod,
  status: PodRuntimeStatus | undefined,
  sandboxId: string | undefined = status?.sandboxes[0]?.id,
): RestartRound {
  const specs = new Map(allContainers(pod).map((container) => [container.name, container]));
  const inSandbox = (status?.containers ?? []).filter((c) => c.sandboxId === sandboxId);
  const triggers = inSandbox.filter(({ name, state, exitCode }) => {
    const container = specs.get(name);
    return container !== undefined && state === 'exited' && restartsAllAfterExit(container, exitCode);
  });
  const begunMs =
    triggers.length === 0 ? undefined : Math.max(...triggers.map(({ finishedAtMs }) => finishedAtMs));
  // Containers of a round are created in order. What was created after the exit, and before the first in the order was
  // created anew, was still of the round before: the exit came while that was being started.
  const [first] = specs.keys();
  const sinceMs = Math.min(
    ...inSandbox
      .filter(({ name, createdAtMs }) => name === first && begunMs !== undefined && createdAtMs >= begunMs)
      .map(({ createdAtMs }) => createdAtMs),
  );
  const isOld = (c: ContainerRuntimeStatus): boolean =>
    begunMs !== undefined && c.sandboxId === sandboxId && specs.has(c.name) && c.createdAtMs < sinceMs;
  const newest = (name: string): ContainerRuntimeStatus | undefined =>
    inSandbox.find((container) => container.name === name);
  return {
    begunMs,
    isOld,
    current: (name) => {
      const incarnation = newest(name);
      return incarnation === undefined || isOld(incarnation) ? undefined : incarnation;
    },
    isDue: (name) => {
      const incarnation = newest(name);
      return incarnation !== undefined && isOld(incarnation);
    },
    leftovers: inSandbox.flatMap((incarnation) => {
      const container = specs.get(incarnation.name);
      const runs = incarnation.state === 'running' || incarnation.state === 'unknown';
      return container !== undefined && runs && isOld(incarnation) ? [{ container, incarnation }] : [];
    }),
    isRestarting: begunMs !== undefined && inSandbox.every((c) => isOld(c) || !specs.has(c.name)),
  };
}

/** Whether some exit of a container of the pod has all of them start over. */
export function mayRestartAll(pod: Pod): boolean {
  return neededFeatures(pod).includes('RestartAllContainersOnContainerExits');
}

/** The pod as a kubelet sees it that does not know of such exits: they are like any other. */
export function withoutRestartAll(pod: Pod): Pod {
  if (!mayRestartAll(pod)) return pod;
  const plain = (container: Container): Container => {
    const { restartPolicyRules, ...rest } = container;
    const others = restartPolicyRules?.filter(({ action }) => action !== 'RestartAllContainers') ?? [];
    return others.length === 0 ? rest : { ...rest, restartPolicyRules: others };
  };
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(plain),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(plain) }),
    },
  };
}
