/** Sets running containers, and the cgroup of their pod, to what the pod was granted. */
import { allContainers } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import { isAbort } from '../../base/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import type { PodCgroups } from '../cgroups/pod_cgroups.ts';
import { rpcMessage } from '../runtime/runtime_message.ts';
import { bytes, containerResources, type ResourceOptions } from '../runtime/linux_resources.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { type Allocation, differences, type Granted, grantedOf, withAllocation } from './allocation.ts';
import type { Resizes } from './resizes.ts';
import { type ContainerUpdate, effectiveGrant, type ResizeSteps, resizeSteps } from './steps.ts';

export interface ResizeActuatorOptions {
  readonly cri: Pick<RuntimeClient, 'updateContainerResources' | 'containerStats'>;
  readonly cgroups: Pick<PodCgroups, 'grow' | 'settle' | 'memory'>;
  readonly resizes: Pick<
    Resizes,
    'actuated' | 'actuatedPod' | 'actuating' | 'setActuated' | 'setActuatedPod' | 'completed' | 'failed'
  >;
  readonly resources: () => ResourceOptions;
}

/** A resize that must not be carried out now. */
export class ResizeError extends Error {
  override readonly name = 'ResizeError';
}

const TIMEOUT_MS = 60_000;

export class ResizeActuator {
  readonly #options: ResizeActuatorOptions;
  /** Pods under way, by UID, with what their cgroup was set to before. */
  readonly #groups = new Map<string, Pod>();

  constructor(options: ResizeActuatorOptions) {
    this.#options = options;
  }

  /** What is left to do; `undefined` for nothing. */
  steps(pod: Pod, status: PodRuntimeStatus | undefined): ResizeSteps | undefined {
    const uid = podUid(pod);
    const { resizes } = this.#options;
    const actuated = (name: string): Granted | undefined => resizes.actuated(uid, name);
    const steps = resizeSteps(pod, status, actuated, resizes.actuatedPod(uid));
    const isOver = steps.done && !steps.group && !this.#groups.has(uid) && !resizes.actuating(uid);
    return isOver ? undefined : steps;
  }

  /** A container was created with what the pod has now. */
  started(pod: Pod, containerName: string): void {
    const { resizes } = this.#options;
    const container = allContainers(pod).find(({ name }) => name === containerName);
    if (container === undefined) return;
    const uid = podUid(pod);
    resizes.setActuated(uid, containerName, effectiveGrant(pod, container));
    // The pod's group was made with what it was granted then.
    if (resizes.actuatedPod(uid) === undefined) resizes.setActuatedPod(uid, grantedOf(pod.spec.resources));
  }

  /**
   * Sets what can be set without a restart. The pod's group is never less than its containers together: it grows before
   * them and is brought to its final limits when all of them have theirs. Rejects when something could not be set; to be tried again with back-off.
   */
  async apply(pod: Pod, status: PodRuntimeStatus | undefined, signal: AbortSignal): Promise<void> {
    const { cgroups, resizes } = this.#options;
    const uid = podUid(pod);
    try {
      const { updates } = this.steps(pod, status) ?? { updates: [] };
      await this.#checkMemory(pod, updates, signal);
      const before = this.#groups.get(uid) ?? withAllocation(pod, this.#before(pod));
      this.#groups.set(uid, before);
      await cgroups.grow(pod, before);
      for (const update of updates) await this.#update(pod, update, signal);
      if (this.steps(pod, status)?.done !== true) return;
      await cgroups.settle(pod);
      resizes.setActuatedPod(uid, grantedOf(pod.spec.resources));
      this.#groups.delete(uid);
      resizes.completed(pod);
    } catch (error) {
      if (!isAbort(error, signal)) resizes.failed(pod, rpcMessage(error));
      throw error;
    }
  }

  /** Nothing is left of the pod. */
  forget(uid: string): void {
    this.#groups.delete(uid);
  }

  async #update(pod: Pod, { container, containerId }: ContainerUpdate, signal: AbortSignal): Promise<void> {
    const { cri, resizes, resources } = this.#options;
    const { cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes, oomScoreAdj } = containerResources(
      pod,
      container,
      resources(),
    );
    await cri.updateContainerResources(
      {
        containerId,
        linux: {
          cpuShares,
          cpuPeriod: cpuPeriod ?? BigInt(resources().cpuPeriodUs),
          // No limit any more must be said.
          cpuQuota: cpuQuota ?? -1n,
          memoryLimitInBytes,
          oomScoreAdj,
        },
      },
      { signal, timeoutMs: TIMEOUT_MS },
    );
    resizes.setActuated(podUid(pod), container.name, effectiveGrant(pod, container));
  }

  /** A limit below what is in use would have the kernel kill a container at once. */
  async #checkMemory(pod: Pod, updates: readonly ContainerUpdate[], signal: AbortSignal): Promise<void> {
    const { cgroups, resizes } = this.#options;
    const problems: string[] = [];
    const check = (what: string, limit: number, used: number): void => {
      if (limit < used)
        problems.push(`attempting to set ${what} memory limit (${limit}) below current usage (${used})`);
    };
    const granted = grantedOf(pod.spec.resources);
    if (differences(granted, resizes.actuatedPod(podUid(pod)) ?? granted).includes('memory')) {
      const memory = await cgroups.memory(pod);
      if (memory?.limit !== undefined) check('pod', memory.limit, memory.used);
    }
    for (const { container, containerId, changed } of updates) {
      const limit = bytes(effectiveGrant(pod, container).limits?.['memory']);
      if (!changed.includes('memory') || limit === 0) continue;
      check(`container "${container.name}"`, limit, await this.#memoryOf(containerId, signal));
    }
    const [first, second] = problems;
    if (first === undefined) return;
    throw new ResizeError(
      `cannot decrease memory limits: ${second === undefined ? first : `[${problems.join(', ')}]`}`,
    );
  }

  async #memoryOf(containerId: string, signal: AbortSignal): Promise<number> {
    const { stats } = await this.#options.cri.containerStats(
      { containerId },
      { signal, timeoutMs: TIMEOUT_MS },
    );
    return Number(stats?.memory?.usageBytes?.value ?? stats?.memory?.workingSetBytes?.value ?? 0n);
  }

  #before(pod: Pod): Allocation {
    const uid = podUid(pod);
    const { resizes } = this.#options;
    const containers = allContainers(pod).map(({ name, resources }): [string, Granted] => [
      name,
      resizes.actuated(uid, name) ?? grantedOf(resources),
    ]);
    return { containers: Object.fromEntries(containers), pod: resizes.actuatedPod(uid) };
  }
}
