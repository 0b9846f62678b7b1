/** Rotates the logs of running containers that have grown too large, and compresses those rotated before. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { errorCode, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { RuntimeView } from '../contracts.ts';
import { compressedName, rotatedName, rotationPlan, temporaryName } from './rotation_plan.ts';

export interface LogRotationOptions {
  readonly cri: Pick<RuntimeClient, 'reopenContainerLog'>;
  readonly runtime: Pick<RuntimeView, 'pods'>;
  /** `containerLogMaxSize` in bytes; negative: never rotate. */
  readonly maxSizeBytes: number;
  /** `containerLogMaxFiles`, at least 2. */
  readonly maxFiles: number;
  /** `containerLogMaxWorkers`: containers looked after at a time. */
  readonly workers: number;
  /** `containerLogMonitorInterval` */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const REOPEN_TIMEOUT_MS = 120_000;

export class LogRotation {
  readonly #options: LogRotationOptions;

  constructor(options: LogRotationOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, maxSizeBytes } = this.#options;
    if (maxSizeBytes < 0) return;
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.rotateAll(signal);
    }
  }

  /** One look at all running containers. What fails for one is logged and tried again by the next look. */
  async rotateAll(signal: AbortSignal): Promise<void> {
    const { runtime, workers, log } = this.#options;
    const due = runtime
      .pods()
      .flatMap(({ containers }) => containers)
      .filter(({ state, logPath }) => state === 'running' && logPath !== '');
    const work = async (): Promise<void> => {
      for (let next = due.shift(); next !== undefined && !signal.aborted; next = due.shift()) {
        try {
          await this.#look(next.id, next.logPath, signal);
        } catch (error) {
          if (!isAbort(error, signal))
            log.error(error, 'Failed to rotate the log of a container', {
              containerID: next.id,
              container: next.name,
              path: next.logPath,
            });
        }
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  async #look(containerId: string, path: string, signal: AbortSignal): Promise<void> {
    const size = await sizeOf(path);
    if (size === undefined) {
      // Renamed by a rotation that ended before the runtime was told, or removed by somebody: the runtime makes a new one.
      await this.#reopen(containerId, signal);
      return;
    }
    if (size < this.#options.maxSizeBytes) return;
    const directory = dirname(path);
    const name = basename(path);
    const rotated = join(directory, rotatedName(name, this.#options.clock.now()));
    // Rotated twice within the second: renaming would overwrite what was rotated first.
    if ((await sizeOf(rotated)) !== undefined) return;
    const { remove, compress } = rotationPlan(await readdir(directory), name, this.#options.maxFiles);
    for (const old of remove) await rm(join(directory, old), { force: true });
    for (const old of compress) await compressFile(join(directory, old), signal);
    await rename(path, rotated);
    try {
      await this.#reopen(containerId, signal);
    } catch (error) {
      // The runtime writes on into the file that it has open: it gets its name back.
      await rename(rotated, path);
      throw error;
    }
    this.#options.log.v(2).info('Rotated the log of a container', { containerID: containerId, rotated });
  }

  async #reopen(containerId: string, signal: AbortSignal): Promise<void> {
    await this.#options.cri.reopenContainerLog({ containerId }, { signal, timeoutMs: REOPEN_TIMEOUT_MS });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Complete or not at all: the compressed file gets its name last. */
async function compressFile(path: string, signal: AbortSignal): Promise<void> {
  const temporary = temporaryName(path);
  const { mode } = await stat(path);
  try {
    await pipeline(
      createReadStream(path),
      createGzip(),
      createWriteStream(temporary, { mode: mode & 0o777 }),
      { signal },
    );
    await rename(temporary, compressedName(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await rm(path, { force: true });
}
