/** Room and use of volumes that are claims, as autoscalers of storage and alerts on full volumes read them. */
import type { Metrics } from '../../component/metrics.ts';
import type { FsStats } from '../server/summary.ts';

/** A volume of a pod and the claim that it is. */
export interface ClaimVolume extends FsStats {
  readonly pvcRef: { readonly name: string; readonly namespace: string };
}

const FIGURES = [
  ['available_bytes', 'Number of available bytes in the volume', 'availableBytes'],
  ['capacity_bytes', 'Capacity in bytes of the volume', 'capacityBytes'],
  ['inodes', 'Maximum number of inodes in the volume', 'inodes'],
  ['inodes_free', 'Number of free inodes in the volume', 'inodesFree'],
  ['inodes_used', 'Number of used inodes in the volume', 'inodesUsed'],
  ['used_bytes', 'Number of used bytes in the volume', 'usedBytes'],
] as const;

/** @param volumes read each time that the metrics are asked for */
export function volumeMetrics(metrics: Metrics, volumes: () => Promise<readonly ClaimVolume[]>): void {
  for (const [name, help, figure] of FIGURES) {
    metrics.gauge({
      name: `kubelet_volume_stats_${name}`,
      help,
      labelNames: ['namespace', 'persistentvolumeclaim'],
      collect: async (gauge) => {
        const found = await volumes();
        // Claims that are no longer used end with their pod.
        gauge.reset();
        for (const { pvcRef, [figure]: value } of found) {
          if (value !== undefined)
            gauge.set({ namespace: pvcRef.namespace, persistentvolumeclaim: pvcRef.name }, value);
        }
      },
    });
  }
}
