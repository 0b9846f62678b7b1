/** What the kubelet asks of its machine before it starts. */
import { readFile, writeFile } from 'node:fs/promises';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { readHierarchy } from '../cgroups/hierarchy.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';

type Wishes = Pick<KubeletConfig, 'failCgroupV1' | 'failSwapOn' | 'singleProcessOOMKill'>;

/** @throws Error when the configuration forbids to run on this machine */
export async function checkMachine(config: Wishes): Promise<void> {
  const { version } = await readHierarchy();
  const problem = machineProblem(config, version, await readFile('/proc/swaps', 'utf8'));
  if (problem !== undefined) throw new Error(problem);
}

/**
 * Why the configuration forbids to run on a machine, `undefined` when it does not. Pure.
 *
 * @param swaps `/proc/swaps`: a line of titles, and one for each area
 */
export function machineProblem(config: Wishes, cgroups: 1 | 2, swaps: string): string | undefined {
  if (cgroups === 1 && config.failCgroupV1)
    return 'kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release; set failCgroupV1 to false to run on it';
  if (cgroups === 1 && config.singleProcessOOMKill === false)
    return 'invalid configuration: singleProcessOOMKill must not be explicitly set to false when using cgroup v1';
  if (config.failSwapOn && swaps.trim().split('\n').length > 1)
    return 'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false';
  return undefined;
}

/** Makes the kernel spare the kubelet when memory runs out, where it is allowed to. */
export async function lowerOomScore(value: number, log: Log): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(value));
  } catch (error) {
    log.warn('Cannot set the oom_score_adj of the kubelet; going on', { value, err: errorMessage(error) });
  }
}
