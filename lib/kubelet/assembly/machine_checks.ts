/** What the kubelet asks of its machine before it starts. */
import { readFile, writeFile } from 'node:fs/promises';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { readHierarchy } from '../cgroups/hierarchy.ts';
import type { KubeletConfig } from '../config/kubelet_config.ts';

/** @throws Error when the configuration forbids to run on this machine */
export async function checkMachine(
  config: Pick<KubeletConfig, 'failCgroupV1' | 'failSwapOn'>,
): Promise<void> {
  const hierarchy = await readHierarchy();
  if (hierarchy.version === 1 && config.failCgroupV1) {
    throw new Error(
      'kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release; set failCgroupV1 to false to run on it',
    );
  }
  const swaps = (await readFile('/proc/swaps', 'utf8')).trim().split('\n');
  if (config.failSwapOn && swaps.length > 1) {
    throw new Error(
      'running with swap on is not supported, please disable swap or set --fail-swap-on flag to false',
    );
  }
}

/** Makes the kernel spare the kubelet when memory runs out, where it is allowed to. */
export async function lowerOomScore(value: number, log: Log): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(value));
  } catch (error) {
    log.warn('Cannot set the oom_score_adj of the kubelet; going on', { value, err: errorMessage(error) });
  }
}
