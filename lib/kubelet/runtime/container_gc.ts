/** Removes dead incarnations that nobody can ask for any more: of each container the newest is kept, or as many as asked for. */
import type { Clock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { PodRuntimeStatus } from '../contracts.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import type { ContainerLogsDir } from './container_logs_dir.ts';
import type { ContainerStop } from './container_stop.ts';
import { type DeadContainerLimits, keepPolicy, type KeepPolicy, removable } from './dead_containers.ts';

export interface ContainerGcOptions {
  readonly cri: Pick<RuntimeClient, 'removeContainer'>;
  readonly stop: Pick<ContainerStop, 'removeSandbox'>;
  readonly cache: RuntimeCache;
  readonly logs: ContainerLogsDir;
  /** Default: one dead incarnation of each container stays. */
  readonly limits?: DeadContainerLimits;
  readonly clock: Clock;
  readonly log: Log;
}

const ONE_EACH: DeadContainerLimits = { perContainer: 1, total: -1, minAgeMs: 0 };
const INTERVAL_MS = 60_000;

export class ContainerGc {
  readonly #options: ContainerGcOptions;

  constructor(options: ContainerGcOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.collect(signal);
    }
  }

  /** A pod whose remains cannot be removed is logged and left for the next time; those of others go. Does not reject. */
  async collect(signal: AbortSignal): Promise<void> {
    const { cache, clock, limits = ONE_EACH, log } = this.#options;
    const pods = cache.pods();
    const policy = keepPolicy(pods, limits, clock.now());
    for (const status of pods) {
      if (signal.aborted) return;
      try {
        await this.#collectOf(status, policy, signal);
      } catch (error) {
        if (isAbort(error, signal)) return;
        const pod = `${status.namespace}/${status.name}`;
        log.error(error, 'Container garbage collection failed', { pod });
      }
    }
  }

  async #collectOf(status: PodRuntimeStatus, policy: KeepPolicy, signal: AbortSignal): Promise<void> {
    const { cache, cri, logs, stop } = this.#options;
    const { containers, sandboxes } = removable(status, policy);
    for (const container of containers) {
      await cri.removeContainer({ containerId: container.id }, { signal, timeoutMs: 120_000 });
      await logs.unlink(status, container.name, container.id);
      if (container.logPath !== '') await logs.removeLog(container.logPath);
    }
    for (const sandbox of sandboxes) await stop.removeSandbox(sandbox.id, signal);
    if (containers.length + sandboxes.length > 0) await cache.inspect(status.uid, signal);
  }
}
