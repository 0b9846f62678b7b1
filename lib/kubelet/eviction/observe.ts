/** What is available on the node: from /proc, the file systems and the runtime. */
import { readFile, stat } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { isAbort } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import { fileSystemStats, parseMemory, parseTasks } from '../server/stats/machine_stats.ts';
import type { Observation, Observations } from './pressure.ts';
import type { DiskLayout } from './ranking.ts';
import type { Signal } from './thresholds.ts';

export interface ObserverOptions {
  readonly cri: Pick<RuntimeClient, 'imageFsInfo'>;
  readonly rootDir: string;
  /** Memory of all pods together: of what they may have, how much is left. `undefined`: there is no limit. */
  readonly podsMemory: () => Promise<Observation | undefined>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'error'>;
}

export interface NodeObservation extends DiskLayout {
  readonly signals: Observations;
}

const TIMEOUT_MS = 10_000;

/** Memory of the machine; `undefined` where the kernel says nothing of it. */
export async function observeMemory(): Promise<Observation | undefined> {
  const { memory } = parseMemory(await readFile('/proc/meminfo', 'utf8'), '', '');
  const available = memory?.availableBytes;
  return available === undefined ? undefined : { available, capacity: totalmem() };
}

/** What cannot be read is left out. Rejects only with the signal's reason. */
export async function observeNode(options: ObserverOptions, signal: AbortSignal): Promise<NodeObservation> {
  const signals = new Map<Signal, Observation>();
  const read = async (what: string, look: () => Promise<void>): Promise<void> => {
    try {
      await look();
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      options.log.error(error, 'Eviction manager: cannot observe', { what });
    }
  };
  await Promise.all([
    read('memory', async () => {
      const memory = await observeMemory();
      if (memory !== undefined) signals.set('memory.available', memory);
    }),
    read('memory of all pods', async () => {
      const found = await options.podsMemory();
      if (found !== undefined) signals.set('allocatableMemory.available', found);
    }),
    read('processes', async () => {
      const [loadavg, pidMax, threadsMax] = await Promise.all([
        readFile('/proc/loadavg', 'utf8'),
        readFile('/proc/sys/kernel/pid_max', 'utf8'),
        readFile('/proc/sys/kernel/threads-max', 'utf8'),
      ]);
      const capacity = Math.min(Number(pidMax), Number(threadsMax));
      const tasks = parseTasks(loadavg);
      if (tasks !== undefined && capacity > 0)
        signals.set('pid.available', { available: capacity - tasks, capacity });
    }),
    read('node file system', () => disk(signals, 'nodefs', options.rootDir)),
  ]);
  let layout: DiskLayout = { dedicatedImageFs: false };
  await read('image file system', async () => {
    const { imageFilesystems, containerFilesystems } = await options.cri.imageFsInfo(
      {},
      { signal, timeoutMs: TIMEOUT_MS },
    );
    const images = imageFilesystems[0]?.fsId?.mountpoint ?? '';
    if (images === '') return;
    const node = (await stat(options.rootDir)).dev;
    const containers = containerFilesystems[0]?.fsId?.mountpoint ?? '';
    const dedicatedImageFs = (await stat(images)).dev !== node;
    layout = {
      dedicatedImageFs,
      splitContainerFs: dedicatedImageFs && containers !== '' && (await stat(containers)).dev === node,
    };
    await disk(signals, 'imagefs', images);
  });
  return { signals, ...layout };
}

async function disk(
  signals: Map<Signal, Observation>,
  name: 'nodefs' | 'imagefs',
  path: string,
): Promise<void> {
  const found = await fileSystemStats(path, '');
  const { availableBytes: available, capacityBytes: capacity, inodesFree, inodes } = found;
  if (available !== undefined && capacity !== undefined)
    signals.set(`${name}.available`, { available, capacity });
  // File systems that make inodes as they need them report none at all.
  if (inodesFree !== undefined && inodes !== undefined && inodes > 0)
    signals.set(`${name}.inodesFree`, { available: inodesFree, capacity: inodes });
}
