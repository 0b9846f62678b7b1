/** The whole `status` of a pod. Pure: from the spec, the runtime, probe verdicts and the status before. */
import { allContainers } from '../../api/pod.ts';
import { podQOS } from '../../api/qos.ts';
import { podLimits, podRequests, type ResourceMap } from '../../api/resources.ts';
import type { ContainerStatus, Pod, PodCondition, PodStatus, ResourceRequirements } from '../../api/types.ts';
import { type Granted, grantedOf, RESIZABLE, withAllocation } from '../resize/allocation.ts';
import { isSidecar } from '../runtime/restart_policy.ts';
import { mayRestartAll, restartRound } from '../runtime/restart_round.ts';
import { RESIZE_CONDITIONS } from './status_diff.ts';
import {
  containerStatuses,
  type ContainerStatusInput,
  hasStartedOver,
  timestamp,
} from './container_statuses.ts';
import { type Phase, podPhase } from './phase.ts';

export interface PodStatusInput extends ContainerStatusInput {
  readonly nowMs: number;
  readonly hostIPs: readonly string[];
  /** The status set before: transition times and what the runtime forgot come from it. */
  readonly previous: PodStatus | undefined;
  /** When the kubelet first saw the pod. */
  readonly startedAtMs: number;
  /** Phase and reason that the kubelet decided on (admission, eviction, deadline). */
  readonly verdict?:
    | {
        readonly phase: 'Failed';
        readonly reason: string;
        readonly message: string;
        readonly disruption?: string;
      }
    | undefined;
  /** What the group of the pod was last set to; `undefined`: what the spec says. */
  readonly actuatedPod?: Granted | undefined;
  /** PodResizePending and PodResizeInProgress, as far as they hold. */
  readonly resizeConditions?: readonly PodCondition[];
  /** All containers have ended and none starts again: `Running` and `Pending` are no longer possible. */
  readonly ended: boolean;
  /** The node refused the pod before anything was done for it: the status says that and nothing else. */
  readonly rejected?: boolean;
}

/** Conditions that belong to the kubelet; all others in the status are someone else's and are kept. */
const OWN_CONDITIONS = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'AllContainersRestarting',
  ...RESIZE_CONDITIONS,
] as const;

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime } = input;
  const previous = input.previous ?? pod.status;
  if (input.rejected === true && input.verdict !== undefined)
    return rejectedStatus(input, input.verdict, previous);
  // Failed is final to whoever reads it: it is said when nothing of the pod runs any more.
  const verdict = input.ended ? input.verdict : undefined;
  const withPrevious: ContainerStatusInput = {
    ...input,
    pod: previous === undefined ? pod : { ...pod, status: previous },
  };
  const computed = containerStatuses(withPrevious);
  const statuses = input.ended ? finalStatuses(pod, computed) : computed;
  const phase = phaseOf(input, statuses, previous);
  const sandbox = runtime?.sandboxes[0];
  const ips =
    pod.spec.hostNetwork === true ? (sandbox === undefined ? [] : input.hostIPs) : (sandbox?.ips ?? []);
  // A pod keeps its addresses in the status when its sandbox is gone.
  const podIPs = ips.length > 0 ? ips : (previous?.podIPs ?? []).map(({ ip }) => ip ?? '');
  const now = timestamp(input.nowMs);
  const conditions = podConditions(input, phase, statuses, previous, now);
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(verdict === undefined
      ? previous?.reason === undefined || phase !== previous.phase
        ? {}
        : {
            reason: previous.reason,
            ...(previous.message === undefined ? {} : { message: previous.message }),
          }
      : { reason: verdict.reason, message: verdict.message }),
    ...(input.hostIPs[0] === undefined
      ? {}
      : { hostIP: input.hostIPs[0], hostIPs: input.hostIPs.map((ip) => ({ ip })) }),
    ...(podIPs[0] === undefined ? {} : { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) }),
    startTime: previous?.startTime ?? timestamp(input.startedAtMs),
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: statuses.init }),
    containerStatuses: statuses.regular,
    ...(statuses.ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: statuses.ephemeral }),
    qosClass: pod.status?.qosClass ?? podQOS(pod),
    ...podResources(input),
    ...(previous?.nominatedNodeName === undefined ? {} : { nominatedNodeName: previous.nominatedNodeName }),
  };
}

/** CPU and memory of the pod as a whole: what it was granted, and what its running containers were set to. */
function podResources(input: PodStatusInput): Pick<PodStatus, 'resources' | 'allocatedResources'> {
  const { pod, runtime } = input;
  const isRunning = (name: string): boolean =>
    runtime?.containers.find((container) => container.name === name)?.state === 'running';
  const containers = allContainers(pod).map(({ name, resources }): [string, Granted] => [
    name,
    (isRunning(name) ? ownPart(input.actuated?.(name), resources) : undefined) ?? grantedOf(resources),
  ]);
  const set = withAllocation(pod, {
    containers: Object.fromEntries(containers),
    pod: input.actuatedPod,
  });
  const shown = (amounts: ResourceMap): Record<string, string> =>
    Object.fromEntries(
      RESIZABLE.flatMap((name) => {
        const amount = amounts.get(name);
        return amount === undefined ? [] : [[name, amount.toString()]];
      }),
    );
  const [allocated, requests, limits] = [podRequests(pod), podRequests(set), podLimits(set)].map(shown);
  const some = (name: string, amounts: Record<string, string> = {}): object =>
    Object.keys(amounts).length === 0 ? {} : { [name]: amounts };
  return {
    ...some('allocatedResources', allocated),
    resources: { ...some('requests', requests), ...some('limits', limits) },
  };
}

/** Of what a container was set to, the limits that it does not have from its pod. */
function ownPart(set: Granted | undefined, own: ResourceRequirements | undefined): Granted | undefined {
  if (set?.limits === undefined) return set;
  const limits = Object.entries(set.limits).filter(([name]) => own?.limits?.[name] !== undefined);
  return { ...set, limits: Object.fromEntries(limits) };
}

function rejectedStatus(
  { pod, startedAtMs }: PodStatusInput,
  { phase, reason, message }: NonNullable<PodStatusInput['verdict']>,
  previous: PodStatus | undefined,
): PodStatus {
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    reason,
    message,
    startTime: previous?.startTime ?? timestamp(startedAtMs),
    qosClass: pod.status?.qosClass ?? podQOS(pod),
  };
}

interface Statuses {
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

function phaseOf(input: PodStatusInput, statuses: Statuses, previous: PodStatus | undefined): Phase {
  if (input.verdict !== undefined && input.ended) return input.verdict.phase;
  const before = previous?.phase;
  if (before === 'Failed' || before === 'Succeeded') return before; // there is no way back
  const phase = podPhase(input.pod, statuses.init, statuses.regular, { restarts: !input.ended });
  if (!input.ended || phase === 'Succeeded' || phase === 'Failed') return phase;
  return 'Failed';
}

/** Nothing runs or waits any more: what never ran ended with 137 and a reason that says so. */
function finalStatuses(pod: Pod, statuses: Statuses): Statuses {
  const end = (status: ContainerStatus): ContainerStatus => {
    if (status.state?.terminated !== undefined) return status;
    const last = status.lastState?.terminated;
    if (status.state?.waiting !== undefined && last !== undefined) {
      return { ...status, ready: false, started: false, state: { terminated: last }, lastState: {} };
    }
    return {
      ...status,
      ready: false,
      started: false,
      state: {
        terminated: {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          ...(status.containerID === undefined ? {} : { containerID: status.containerID }),
        },
      },
    };
  };
  // What never had its turn (init containers, and regular ones behind them) stays waiting: nothing of it was lost.
  const initDone = (pod.spec.initContainers ?? []).every((container) => {
    const status = statuses.init.find(({ name }) => name === container.name);
    return isSidecar(container)
      ? status?.containerID !== undefined
      : status?.state?.terminated?.exitCode === 0;
  });
  return {
    init: statuses.init.map((s) =>
      s.state?.running === undefined && s.containerID === undefined ? s : end(s),
    ),
    regular: statuses.regular.map((s) => (initDone || s.containerID !== undefined ? end(s) : s)),
    ephemeral: statuses.ephemeral.map(end),
  };
}

// ---------------------------------------------------------------- conditions

interface Wanted {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

function podConditions(
  input: PodStatusInput,
  phase: Phase,
  statuses: Statuses,
  previous: PodStatus | undefined,
  now: string,
): readonly PodCondition[] {
  const { pod } = input;
  // Others' conditions: as the API has them now, so that readiness gates are never overwritten.
  const others = (pod.status?.conditions ?? []).filter(
    ({ type }) => !(OWN_CONDITIONS as readonly string[]).includes(type) && type !== 'PodScheduled',
  );
  const ready = containersReady(pod, phase, statuses);
  const wanted: Wanted[] = [
    {
      type: 'PodReadyToStartContainers',
      status: hasNetwork(input) && !input.ended ? 'True' : 'False',
    },
    initialized(pod, phase, statuses),
    podReady(pod, phase, ready, others),
    { ...ready, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
    ...disruption(input),
    ...allRestarting(input, phase),
  ];
  const before = new Map(
    [...(pod.status?.conditions ?? []), ...(previous?.conditions ?? [])].map((c) => [c.type, c]),
  );
  const own = wanted.map((condition): PodCondition => {
    const old = before.get(condition.type);
    const same = old?.status === condition.status;
    return {
      ...condition,
      lastTransitionTime: same && old.lastTransitionTime !== undefined ? old.lastTransitionTime : now,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
  });
  const kept = others.filter(({ type }) => !own.some((condition) => condition.type === type));
  return [...(input.resizeConditions ?? []), ...own, ...kept];
}

function disruption({ verdict }: PodStatusInput): Wanted[] {
  if (verdict?.disruption === undefined) return [];
  const { disruption: reason, message } = verdict;
  return [{ type: 'DisruptionTarget', status: 'True', reason, message }];
}

/** Of pods with a container whose exit may have all of them start over (KEP-5532). */
function allRestarting({ pod, runtime, terminating }: PodStatusInput, phase: Phase): Wanted[] {
  if (!mayRestartAll(pod)) return [];
  const type = 'AllContainersRestarting';
  if (phase === 'Succeeded') return [{ type, status: 'False', reason: 'PodCompleted' }];
  if (phase === 'Failed') return [{ type, status: 'False', reason: 'PodFailed' }];
  if (terminating || !restartRound(pod, runtime).isRestarting) return [{ type, status: 'False' }];
  const message = 'container exited with restart policy rule';
  return [{ type, status: 'True', reason: 'RestartAllContainersStarted', message }];
}

function hasNetwork(input: PodStatusInput): boolean {
  const sandbox = input.runtime?.sandboxes[0];
  return sandbox?.state === 'ready' && (sandbox.hostNetwork || sandbox.ips.length > 0);
}

function initialized(pod: Pod, phase: Phase, { init, regular }: Statuses): Wanted {
  const type = 'Initialized';
  if (phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  const begun = regular.some(({ state }) => state?.running !== undefined || state?.terminated !== undefined);
  const incomplete = (pod.spec.initContainers ?? [])
    .filter((container) => {
      const status = init.find(({ name }) => name === container.name);
      if (hasStartedOver(status)) return false;
      if (isSidecar(container))
        return status?.started !== true && !(begun && status?.containerID !== undefined);
      return status?.ready !== true;
    })
    .map(({ name }) => name);
  if (incomplete.length === 0 || (begun && phase === 'Running')) return { type, status: 'True' };
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

function containersReady(pod: Pod, phase: Phase, { init, regular }: Statuses): Omit<Wanted, 'type'> {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const all = [...sidecars, ...pod.spec.containers.map(({ name }) => name)];
  const unready = all.filter(
    (name) => [...init, ...regular].find((status) => status.name === name)?.ready !== true,
  );
  if (unready.length === 0) return { status: 'True' };
  return {
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

function podReady(
  pod: Pod,
  phase: Phase,
  containers: Omit<Wanted, 'type'>,
  others: readonly PodCondition[],
): Wanted {
  const type = 'Ready';
  if (containers.status !== 'True' || phase === 'Succeeded' || phase === 'Failed')
    return { ...containers, type };
  const missing: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = others.find((c) => c.type === conditionType);
    if (condition === undefined)
      missing.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`);
    else if (condition.status !== 'True')
      missing.push(
        `the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`,
      );
  }
  if (missing.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') };
}
