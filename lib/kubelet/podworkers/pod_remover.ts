/** Removes the last traces of a pod: containers, sandboxes, logs, directories. */
import { readFile, rm } from 'node:fs/promises';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { KubeletDirs, PodRef } from '../contracts.ts';
import { podDir } from '../contracts.ts';
import type { RuntimeCache } from '../pleg/runtime_cache.ts';
import type { ContainerLogsDir } from '../runtime/container_logs_dir.ts';

export interface PodRemoverOptions {
  readonly cri: RuntimeClient;
  readonly cache: RuntimeCache;
  readonly dirs: KubeletDirs;
  readonly logs: ContainerLogsDir;
}

export class PodRemover {
  readonly #options: PodRemoverOptions;

  constructor(options: PodRemoverOptions) {
    this.#options = options;
  }

  /** Idempotent. Rejects when something is left; nothing of the pod may run any more. */
  async remove(ref: PodRef, signal: AbortSignal): Promise<void> {
    const { cri, cache, logs } = this.#options;
    await cache.inspect(ref.uid, signal);
    const status = cache.podStatus(ref.uid);
    for (const container of status?.containers ?? []) {
      await logs.unlink(ref, container.name, container.id);
      await cri.removeContainer({ containerId: container.id }, { signal, timeoutMs: 120_000 });
    }
    for (const sandbox of status?.sandboxes ?? []) {
      await cri.stopPodSandbox({ podSandboxId: sandbox.id }, { signal, timeoutMs: 120_000 });
      await cri.removePodSandbox({ podSandboxId: sandbox.id }, { signal, timeoutMs: 120_000 });
    }
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
