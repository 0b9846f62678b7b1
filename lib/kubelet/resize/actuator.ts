/** Sets running containers, and the cgroup of their pod, to what the pod was granted. */
import { parseQuantity } from '../../api/quantity.ts';
import type { Pod } from '../../api/types.ts';
import { isAbort } from '../../base/errors.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import type { PodCgroups } from '../cgroups/pod_cgroups.ts';
import { rpcMessage } from '../runtime/runtime_message.ts';
import { containerResources, type ResourceOptions } from '../runtime/linux_resources.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { grantedOf, resizableContainers, withAllocation, type Allocation } from './allocation.ts';
import type { Resizes } from './resizes.ts';
import { type ContainerUpdate, type ResizeSteps, resizeSteps } from './steps.ts';

export interface ResizeActuatorOptions {
  readonly cri: Pick<RuntimeClient, 'updateContainerResources' | 'containerStats'>;
  readonly cgroups: Pick<PodCgroups, 'resize'>;
  readonly resizes: Pick<Resizes, 'actuated' | 'actuating' | 'setActuated' | 'completed' | 'failed'>;
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
    const steps = resizeSteps(pod, status, (name) => resizes.actuated(uid, name));
    return steps.done && !this.#groups.has(uid) && !resizes.actuating(uid) ? undefined : steps;
  }

  /** A container was created with what the pod has now. */
  started(pod: Pod, containerName: string): void {
    const container = resizableContainers(pod).find(({ name }) => name === containerName);
    if (container === undefined) return;
    this.#options.resizes.setActuated(podUid(pod), containerName, grantedOf(container.resources));
  }

  /**
   * Sets what can be set without a restart. The pod's group is never less than its containers together: it grows before
   * them and shrinks when all of them have. Rejects when something could not be set; to be tried again with back-off.
   */
  async apply(pod: Pod, status: PodRuntimeStatus | undefined, signal: AbortSignal): Promise<void> {
    const { cgroups, resizes } = this.#options;
    const uid = podUid(pod);
    try {
      const { updates } = this.steps(pod, status) ?? { updates: [] };
      for (const update of updates) await this.#checkMemory(update, signal);
      const before = this.#groups.get(uid) ?? withAllocation(pod, this.#before(pod));
      this.#groups.set(uid, before);
      await cgroups.resize(pod, before, 'grow');
      for (const update of updates) await this.#update(pod, update, signal);
      if (this.steps(pod, status)?.done !== true) return;
      await cgroups.resize(pod, before, 'shrink');
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
    resizes.setActuated(podUid(pod), container.name, grantedOf(container.resources));
  }

  /** A limit below what is in use would have the kernel kill the container at once. */
  async #checkMemory(update: ContainerUpdate, signal: AbortSignal): Promise<void> {
    const { container, containerId, changed } = update;
    const text = container.resources?.limits?.['memory'];
    if (!changed.includes('memory') || text === undefined) return;
    const limit = Number(parseQuantity(text).value());
    const { stats } = await this.#options.cri.containerStats(
      { containerId },
      { signal, timeoutMs: TIMEOUT_MS },
    );
    const memory = stats?.memory;
    const used = Number(memory?.usageBytes?.value ?? memory?.workingSetBytes?.value ?? 0n);
    if (limit >= used) return;
    throw new ResizeError(
      `cannot decrease memory limits: attempting to set container "${container.name}" memory limit (${limit}) below current usage (${used})`,
    );
  }

  #before(pod: Pod): Allocation {
    const uid = podUid(pod);
    return Object.fromEntries(
      resizableContainers(pod).map((container) => [
        container.name,
        this.#options.resizes.actuated(uid, container.name) ?? grantedOf(container.resources),
      ]),
    );
  }
}
