/** Room that the logs of containers take on the node's disk. */
import type { Metrics } from '../../component/metrics.ts';
import type { Summary } from '../server/summary.ts';

/** @param pods read each time that the metrics are asked for */
export function logMetrics(metrics: Metrics, pods: () => Promise<Pick<Summary, 'pods'>['pods']>): void {
  metrics.gauge({
    name: 'kubelet_container_log_filesystem_used_bytes',
    help: "Bytes used by the container's logs on the filesystem.",
    labelNames: ['uid', 'namespace', 'pod', 'container'],
    collect: async (gauge) => {
      const found = await pods();
      gauge.reset();
      for (const { podRef, containers } of found)
        for (const { name, logs } of containers)
          if (logs?.usedBytes !== undefined)
            gauge.set(
              { uid: podRef.uid, namespace: podRef.namespace, pod: podRef.name, container: name },
              logs.usedBytes,
            );
    },
  });
}
