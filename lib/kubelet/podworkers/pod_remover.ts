/** Removes the last traces of a pod: containers, sandboxes, logs, directories. */
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { Gate, inTurn } from '../../base/gate.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { KubeletDirs, PodRef } from '../contracts.ts';
import { podDir } from '../contracts.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import type { ContainerLogsDir } from '../runtime/container_logs_dir.ts';
import type { ContainerStop } from '../runtime/container_stop.ts';

export interface PodRemoverOptions {
  readonly cri: Pick<RuntimeClient, 'removeContainer'>;
  readonly cache: Pick<RuntimeCache, 'inspect' | 'podStatus'>;
  readonly stop: Pick<ContainerStop, 'isTearingDown' | 'removeSandbox'>;
  readonly clock: Clock;
  readonly dirs: KubeletDirs;
  readonly logs: Pick<ContainerLogsDir, 'removePod' | 'unlink'>;
}

/** Nobody waits for removals; they are not to keep the runtime from starting and stopping pods. */
const AT_ONCE = availableParallelism();
/** A pod whose removal takes longer is not waited for. */
const HOLD_MS = 5000;
/** Pods that end come first, for that long at most. */
const YIELD_MS = 10_000;
const YIELD_POLL_MS = 250;

export class PodRemover {
  readonly #options: PodRemoverOptions;
  readonly #gate = new Gate(AT_ONCE);

  constructor(options: PodRemoverOptions) {
    this.#options = options;
  }

  /** Idempotent. Rejects when something is left; nothing of the pod may run any more. */
  async remove(ref: PodRef, signal: AbortSignal): Promise<void> {
    const { clock, stop } = this.#options;
    const until = clock.monotonic() + YIELD_MS;
    while (stop.isTearingDown && clock.monotonic() < until) await clock.sleep(YIELD_POLL_MS, signal);
    await inTurn(this.#gate, { clock, holdMs: HOLD_MS, signal }, () => this.#remove(ref, signal));
  }

  async #remove(ref: PodRef, signal: AbortSignal): Promise<void> {
    const { cri, cache, logs, stop } = this.#options;
    await cache.inspect(ref.uid, signal);
    const status = cache.podStatus(ref.uid);
    for (const container of status?.containers ?? []) {
      await logs.unlink(ref, container.name, container.id);
      await cri.removeContainer({ containerId: container.id }, { signal, timeoutMs: 120_000 });
    }
    for (const sandbox of status?.sandboxes ?? []) await stop.removeSandbox(sandbox.id, signal);
    await cache.inspect(ref.uid, signal);
    await logs.removePod(ref);
    await this.removeDir(ref.uid);
  }

  /** Removes the pod's directory, unless something is still mounted below it: that would delete what is mounted. */
  async removeDir(uid: string): Promise<void> {
    const dir = podDir(this.#options.dirs, uid);
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    const mounted = mounts
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .find((path) => path.startsWith(`${dir}/`));
    if (mounted !== undefined) throw new Error(`${mounted} is still mounted; the directory of the pod stays`);
    await rm(dir, { recursive: true, force: true });
  }
}
