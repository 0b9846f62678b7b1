/**
 * What to do for a pod that should run: from the spec and what the runtime has to a list of actions. Pure: the same input
 * gives the same actions; `pod_sync.ts` carries them out and the worker asks again afterwards.
 */
import type { Container, Pod } from '../../api/types.ts';
import type {
  AnyContainer,
  ContainerRuntimeStatus,
  PodRuntimeStatus,
  ProbeVerdicts,
  SandboxRuntimeStatus,
} from '../contracts.ts';
import {
  type RestartBackoffEntry,
  type RestartBackoffPolicy,
  type RestartDecision,
  restartDecision,
} from './restart_backoff.ts';
import { initRestartsAfterFailure, isSidecar, restartPolicyOf, restartsAfterExit } from './restart_policy.ts';
import { type RestartRound, restartRound } from './restart_round.ts';
import { containerHash } from './runtime_names.ts';

/** From an exit that has all containers start over to the first that does. */
const RESTART_ALL_PAUSE_MS = 1000;

export type KillReason =
  'livenessProbe' | 'startupProbe' | 'specChanged' | 'unknownState' | 'podFinished' | 'resize' | 'restartAll';

export interface KillAction {
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly reason: KillReason;
  /** A new incarnation is to follow. */
  readonly restart: boolean;
  /** Text of the `Killing` event. */
  readonly message: string;
}

export interface StartAction {
  readonly container: AnyContainer;
  readonly kind: 'init' | 'regular' | 'ephemeral';
  readonly restartCount: number;
  /** An incarnation that was created and never ran (the kubelet died in between): it gives way to this one, uncounted. */
  readonly replaces: string | undefined;
  /** Back-off state to keep once the start is tried; `undefined` for a first start. */
  readonly backoff: RestartBackoffEntry | undefined;
  /** Why, for the timeline. */
  readonly why: string;
}

/** A container that is to be restarted, later. */
export interface Waiting {
  readonly container: AnyContainer;
  readonly containerId: string;
  readonly delayMs: number;
  readonly notBeforeMs: number;
}

/** A container that is to be started, and whose last start failed a short while ago. */
export interface HeldStart {
  readonly container: AnyContainer;
  /** Time until it may be tried again, more than 0. */
  readonly delayMs: number;
}

export interface PodActions {
  /** Stop everything the pod has: its sandbox is not usable, or all its containers are done. */
  readonly killPod: { readonly reason: string } | undefined;
  readonly createSandbox: { readonly attempt: number; readonly why: string } | undefined;
  /** The sandbox to start containers in when none is created. */
  readonly sandbox: SandboxRuntimeStatus | undefined;
  readonly kill: readonly KillAction[];
  /** In the order to start them. */
  readonly start: readonly StartAction[];
  /** In CrashLoopBackOff. */
  readonly waiting: readonly Waiting[];
  /** Would be in `start` if they had not failed just now. */
  readonly held: readonly HeldStart[];
}

export interface PodActionsInput {
  readonly pod: Pod;
  readonly status: PodRuntimeStatus | undefined;
  readonly nowMs: number;
  verdicts(containerName: string, containerId: string): ProbeVerdicts;
  /** Whether the container has passed its startup probe (or has none). */
  started(containerName: string, containerId: string): boolean;
  /** Back-off state kept for the container, `undefined` if none. */
  backoff(container: AnyContainer): RestartBackoffEntry | undefined;
  readonly policy: RestartBackoffPolicy;
  /** How long the container is not to be tried again after a start that failed, milliseconds; 0: it may be. */
  holdMs(container: AnyContainer, last: ContainerRuntimeStatus | undefined): number;
  /** True for an incarnation that was killed in order to be replaced: it starts again whatever its policy and exit code. */
  killedForRestart(containerId: string): boolean;
  /** True for a container that gets the resources granted to it by a restart only. */
  resizeRestarts(containerName: string): boolean;
  /** Restart count of an incarnation that the runtime no longer has, from the log directory or the API; -1 for none. */
  lastRestartCount(containerName: string): number;
}

export function podActions(input: PodActionsInput): PodActions {
  const { pod } = input;
  const sandboxes = input.status?.sandboxes ?? [];
  const sandbox = sandboxNeeded(pod, sandboxes);
  return sandbox.usable === undefined
    ? withNewSandbox(input, sandbox.attempt, sandbox.why)
    : inSandbox(input, sandbox.usable);
}

// ---------------------------------------------------------------- sandbox

type SandboxVerdict = { usable: SandboxRuntimeStatus } | { usable?: undefined; attempt: number; why: string };

function sandboxNeeded(pod: Pod, sandboxes: readonly SandboxRuntimeStatus[]): SandboxVerdict {
  const [newest] = sandboxes;
  if (newest === undefined) return { attempt: 0, why: 'no sandbox' };
  const attempt = newest.attempt + 1;
  if (sandboxes.filter((s) => s.state === 'ready').length > 1) {
    return { attempt, why: 'more than one sandbox is ready' };
  }
  if (newest.state !== 'ready') return { attempt, why: 'the sandbox is not ready' };
  if (newest.hostNetwork !== (pod.spec.hostNetwork === true)) {
    return { attempt, why: 'the network namespace changed' };
  }
  if (!newest.hostNetwork && newest.ips.length === 0) return { attempt, why: 'the sandbox has no IP' };
  return { usable: newest };
}

/** Everything starts over in a new sandbox: init containers first, then those that are still to run. */
function withNewSandbox(input: PodActionsInput, attempt: number, why: string): PodActions {
  const { pod, status } = input;
  const everHadSandbox = (status?.sandboxes.length ?? 0) > 0;
  const leftover = everHadSandbox || (status?.containers.length ?? 0) > 0;
  const nothing: PodActions = {
    killPod: leftover ? { reason: why } : undefined,
    createSandbox: undefined,
    sandbox: undefined,
    kill: [],
    start: [],
    waiting: [],
    held: [],
  };
  if (everHadSandbox && podFailedInit(input)) return nothing;
  const out: Lists = { kill: [], start: [], waiting: [], held: [] };
  const inits = pod.spec.initContainers ?? [];
  const regular = pod.spec.containers.filter((container) => {
    const last = newestOf(status, container.name);
    return last?.state !== 'exited' || restarts(input, container, last);
  });
  if (regular.length === 0) return nothing;
  const [firstInit] = inits;
  const first: readonly (readonly [AnyContainer, StartAction['kind']])[] =
    firstInit === undefined
      ? regular.map((container) => [container, 'regular'] as const)
      : [[firstInit, 'init']];
  for (const [container, kind] of first) {
    addStart(input, out, container, kind, newestOf(status, container.name), why);
  }
  // A sandbox without a container to start in it would only idle.
  const create = out.start.length > 0;
  return { ...nothing, ...out, createSandbox: create ? { attempt, why } : undefined };
}

/** A plain init container failed and is not to be tried again: the pod has failed for good. */
function podFailedInit(input: PodActionsInput): boolean {
  const { pod, status } = input;
  const initialized = pod.spec.containers.some((c) => newestOf(status, c.name) !== undefined);
  if (initialized) return false;
  return (pod.spec.initContainers ?? []).some((container) => {
    const last = newestOf(status, container.name);
    return (
      !isSidecar(container) &&
      last?.state === 'exited' &&
      last.exitCode !== 0 &&
      !initRestartsAfterFailure(pod, container, last.exitCode)
    );
  });
}

// ---------------------------------------------------------------- containers

function inSandbox(input: PodActionsInput, sandbox: SandboxRuntimeStatus): PodActions {
  const { pod, status } = input;
  const out: Lists = { kill: [], start: [], waiting: [], held: [] };

  for (const container of pod.spec.ephemeralContainers ?? []) {
    if (newestOf(status, container.name) !== undefined) continue;
    addStart(input, out, container, 'ephemeral', undefined, 'ephemeral container added');
  }

  const round = restartRound(pod, status, sandbox.id);
  if (round.leftovers.length > 0) {
    const kill = round.leftovers.map((left) =>
      killAction(left.container, left.incarnation, 'restartAll', true),
    );
    return { killPod: undefined, createSandbox: undefined, sandbox, ...out, kill };
  }
  const init = initActions(input, round, out);
  if (init === 'failed') {
    return { ...finished(sandbox, 'an init container failed'), start: [] };
  }
  if (init === 'done') {
    let keep = 0;
    for (const container of pod.spec.containers) keep += regularActions(input, round, container, out);
    const due = [...out.waiting, ...out.held, ...out.start].map(({ container }) => container);
    const coming = pod.spec.containers.some((container) => due.includes(container));
    if (keep === 0 && !coming) return finished(sandbox, 'all containers are done');
  }
  return { killPod: undefined, createSandbox: undefined, sandbox, ...out };
}

function finished(sandbox: SandboxRuntimeStatus, reason: string): PodActions {
  return {
    killPod: { reason },
    createSandbox: undefined,
    sandbox,
    kill: [],
    start: [],
    waiting: [],
    held: [],
  };
}

interface Lists {
  readonly kill: KillAction[];
  readonly start: StartAction[];
  readonly waiting: Waiting[];
  readonly held: HeldStart[];
}

/**
 * Init containers in order: each plain one must have succeeded and each sidecar have started before the next is begun.
 * Once a regular container was created in this sandbox the order is history: then sidecars are only kept running.
 */
function initActions(input: PodActionsInput, round: RestartRound, out: Lists): 'done' | 'running' | 'failed' {
  const { pod, status } = input;
  const initialized = pod.spec.containers.some((c) => round.current(c.name) !== undefined);
  for (const container of pod.spec.initContainers ?? []) {
    const current = round.current(container.name);
    if (isSidecar(container)) {
      const running = keepSidecar(input, container, current, out, round);
      if (!initialized && (!running || !input.started(container.name, current?.id ?? ''))) return 'running';
      continue;
    }
    if (initialized) continue;
    if (current === undefined) {
      const last = newestOf(status, container.name);
      addStart(input, out, container, 'init', last, 'next init container', round);
      return 'running';
    }
    switch (current.state) {
      case 'running':
        if (current.hash !== containerHash(container)) {
          out.kill.push(killAction(container, current, 'specChanged', true));
        }
        return 'running';
      case 'created':
        addStart(input, out, container, 'init', current, 'it was created and never started');
        return 'running';
      case 'unknown':
        out.kill.push(killAction(container, current, 'unknownState', true));
        return 'running';
      case 'exited':
        if (current.exitCode === 0) continue;
        if (!initRestartsAfterFailure(pod, container, current.exitCode)) return 'failed';
        addStart(input, out, container, 'init', current, `it exited with ${current.exitCode}`);
        return 'running';
    }
  }
  return 'done';
}

/** True when it runs and goes on running. */
function keepSidecar(
  input: PodActionsInput,
  container: Container,
  current: ContainerRuntimeStatus | undefined,
  out: Lists,
  round: RestartRound,
): boolean {
  if (current?.state === 'running') {
    const reason = reasonToKill(input, container, current);
    if (reason === undefined) return true;
    out.kill.push(killAction(container, current, reason, true));
    return false;
  }
  if (current?.state === 'unknown') {
    out.kill.push(killAction(container, current, 'unknownState', true));
    return false;
  }
  const why = current === undefined ? 'next sidecar' : `it exited with ${current.exitCode}`;
  const last = current ?? newestOf(input.status, container.name);
  addStart(input, out, container, 'init', last, why, round);
  return false;
}

/** Adds what is to be done for a regular container; returns 1 when it runs and is kept, or is to come back. */
function regularActions(
  input: PodActionsInput,
  round: RestartRound,
  container: Container,
  out: Lists,
): number {
  const { pod, status } = input;
  const current = round.current(container.name);
  const add = (last: ContainerRuntimeStatus | undefined, why: string): void =>
    addStart(input, out, container, 'regular', last, why, round);
  if (current === undefined) {
    const last = newestOf(status, container.name);
    if (last?.state === 'exited' && !round.isDue(container.name) && !restarts(input, container, last))
      return 0;
    add(last, last === undefined ? 'first start' : 'new sandbox');
    return 0;
  }
  switch (current.state) {
    case 'created':
      add(current, 'it was created and never started');
      return 0;
    case 'unknown':
      out.kill.push(killAction(container, current, 'unknownState', true));
      return 1;
    case 'exited':
      if (restarts(input, container, current)) add(current, `it exited with ${current.exitCode}`);
      return 0;
    case 'running': {
      const reason = reasonToKill(input, container, current);
      // What is killed now is decided on again when its exit is known.
      if (reason !== undefined) {
        const restart =
          reason === 'specChanged' || reason === 'resize' || restartPolicyOf(pod, container) !== 'Never';
        out.kill.push(killAction(container, current, reason, restart));
      }
      break;
    }
  }
  return 1;
}

function restarts(input: PodActionsInput, container: Container, last: ContainerRuntimeStatus): boolean {
  return input.killedForRestart(last.id) || restartsAfterExit(input.pod, container, last.exitCode);
}

function reasonToKill(
  input: PodActionsInput,
  container: Container,
  current: ContainerRuntimeStatus,
): KillReason | undefined {
  if (current.hash !== '' && current.hash !== containerHash(container)) return 'specChanged';
  const verdicts = input.verdicts(container.name, current.id);
  if (verdicts.liveness === false) return 'livenessProbe';
  if (verdicts.startup === false) return 'startupProbe';
  if (input.resizeRestarts(container.name)) return 'resize';
  return undefined;
}

function killAction(
  container: AnyContainer,
  current: ContainerRuntimeStatus,
  reason: KillReason,
  restart: boolean,
): KillAction {
  const what = {
    livenessProbe: `Container ${container.name} failed liveness probe`,
    startupProbe: `Container ${container.name} failed startup probe`,
    specChanged: `Container ${container.name} definition changed`,
    unknownState: `Container is in ${JSON.stringify(current.state)} state, try killing it before restart`,
    podFinished: `Stopping container ${container.name}`,
    resize: `Container ${container.name} resize requires restart`,
    restartAll: `Stopping container ${container.name} because all containers of the pod are to restart`,
  }[reason];
  const message =
    restart && !['unknownState', 'resize', 'restartAll'].includes(reason)
      ? `${what}, will be restarted`
      : what;
  return { container, containerId: current.id, reason, restart, message };
}

function addStart(
  input: PodActionsInput,
  { start, waiting, held }: Lists,
  container: AnyContainer,
  kind: StartAction['kind'],
  last: ContainerRuntimeStatus | undefined,
  why: string,
  round?: RestartRound,
): void {
  const due = round?.isDue(container.name) === true && round.begunMs !== undefined;
  // Without back-off, as in stock, but not as fast as it goes.
  const pauseMs = due ? round.begunMs + RESTART_ALL_PAUSE_MS - input.nowMs : 0;
  const holdMs = Math.max(input.holdMs(container, last), Math.min(pauseMs, RESTART_ALL_PAUSE_MS));
  if (holdMs > 0) {
    held.push({ container, delayMs: holdMs });
    return;
  }
  if (last?.state === 'created') {
    const { restartCount, id: replaces } = last;
    start.push({ container, kind, restartCount, replaces, backoff: undefined, why });
    return;
  }
  const restartCount = (last?.restartCount ?? input.lastRestartCount(container.name)) + 1;
  if (last?.state !== 'exited' || due) {
    start.push({ container, kind, restartCount, replaces: undefined, backoff: undefined, why });
    return;
  }
  // Another image under the same name starts afresh.
  const same = last.hash === '' || last.hash === containerHash(container);
  const decision: RestartDecision = restartDecision(
    input.backoff(container),
    same ? last : { ...last, restartCount: 0 },
    input.nowMs,
    input.policy,
  );
  if (decision.start) {
    start.push({ container, kind, restartCount, replaces: undefined, backoff: decision.entry, why });
  } else {
    const { delayMs, notBeforeMs } = decision;
    waiting.push({ container, containerId: last.id, delayMs, notBeforeMs });
  }
}

/** The newest incarnation of a container, in any sandbox of the pod. */
export function newestOf(
  status: PodRuntimeStatus | undefined,
  name: string,
): ContainerRuntimeStatus | undefined {
  return status?.containers.find((container) => container.name === name);
}

/** The newest incarnation in this sandbox. */
export function currentOf(
  status: PodRuntimeStatus | undefined,
  sandbox: SandboxRuntimeStatus,
  name: string,
): ContainerRuntimeStatus | undefined {
  return status?.containers.find((c) => c.name === name && c.sandboxId === sandbox.id);
}
