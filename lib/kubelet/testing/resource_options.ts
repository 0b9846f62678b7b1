/** {@link ResourceOptions} of a node of 1 GiB without swap. */
import type { ResourceOptions } from '../runtime/linux_resources.ts';

export function resourceOptions(more: Partial<ResourceOptions> = {}): ResourceOptions {
  return {
    cpuCFSQuota: true,
    cpuPeriodUs: 100_000,
    memoryCapacity: 2 ** 30,
    cgroupV2: true,
    singleProcessOOMKill: false,
    swap: undefined,
    hugePages: [],
    ...more,
  };
}
