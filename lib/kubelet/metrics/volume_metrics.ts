/** Room and use of volumes that are claims, as autoscalers of storage and alerts on full volumes read them. */
import type { Metrics } from '../../component/metrics.ts';
import type { FsStats } from '../server/summary.ts';
import type { VolumeOperation } from '../volumes/manager.ts';

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

const OPERATION_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

/** What was done to volumes and how long it took. */
export function volumeOperationMetrics(metrics: Metrics): (operation: VolumeOperation) => void {
  const durations = metrics.histogram({
    name: 'storage_operation_duration_seconds',
    help: 'How long operations on volumes took, by plugin and outcome.',
    labelNames: ['volume_plugin', 'operation_name', 'status', 'migrated'],
    buckets: OPERATION_SECONDS,
  });
  const wholes = metrics.histogram({
    name: 'volume_operation_total_seconds',
    help: 'How long it took until a volume was ready, or down, by plugin.',
    labelNames: ['operation_name', 'plugin_name'],
    buckets: OPERATION_SECONDS,
  });
  return ({ name, plugin, durationMs, failed }) => {
    if (!failed)
      wholes.observe({ operation_name: `overall_${name}`, plugin_name: plugin }, durationMs / 1000);
    const status = failed ? 'fail-unknown' : 'success';
    durations.observe(
      { volume_plugin: plugin, operation_name: name, status, migrated: 'false' },
      durationMs / 1000,
    );
  };
}

/** @param counts by plugin; what is wanted is tried at once, so that both states have the same */
export function volumeCountMetrics(metrics: Metrics, counts: () => ReadonlyMap<string, number>): void {
  metrics.gauge({
    name: 'volume_manager_total_volumes',
    help: 'Volumes of the pods on this node that are ready, by plugin.',
    labelNames: ['plugin_name', 'state'],
    collect: (gauge) => {
      gauge.reset();
      for (const [plugin_name, count] of counts())
        for (const state of ['actual_state_of_world', 'desired_state_of_world'])
          gauge.set({ plugin_name, state }, count);
    },
  });
}
