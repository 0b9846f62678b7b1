/** Ends of containers, counted by how they ended. */
import type { Metrics } from '../../component/metrics.ts';
import type { ContainerRuntimeStatus, PodRuntimeStatus } from '../contracts.ts';

export type ContainerType = 'container' | 'init_container' | 'ephemeral_container';

export class TerminationMetrics {
  readonly #total;
  readonly #typeOf;
  /** Of each pod, its containers that had not ended when it was last seen. */
  readonly #alive = new Map<string, ReadonlySet<string>>();

  constructor(metrics: Metrics, typeOf: (uid: string, containerName: string) => ContainerType | undefined) {
    this.#typeOf = typeOf;
    this.#total = metrics.counter({
      name: 'kubelet_terminated_containers_total',
      help: 'Containers that ended, by type, exit code and reason.',
      labelNames: ['container_type', 'exit_code', 'reason'],
    });
  }

  /** The pod is now this; `undefined`: nothing is left of it. */
  seen(uid: string, status: PodRuntimeStatus | undefined): void {
    const alive = this.#alive.get(uid);
    for (const container of status?.containers ?? []) {
      if (alive?.has(container.id) === true && container.state === 'exited') this.#count(uid, container);
    }
    if (status === undefined) this.#alive.delete(uid);
    else
      this.#alive.set(uid, new Set(status.containers.flatMap((c) => (c.state === 'exited' ? [] : [c.id]))));
  }

  #count(uid: string, { name, exitCode, reason }: ContainerRuntimeStatus): void {
    const container_type = this.#typeOf(uid, name) ?? 'container';
    this.#total.inc({
      container_type,
      exit_code: String(exitCode),
      reason: reason === '' ? (exitCode === 0 ? 'Completed' : 'Error') : reason,
    });
  }
}
