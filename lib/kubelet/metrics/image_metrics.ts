/** Images that containers asked for, and what is recorded of their pulls, under the names that dashboards know. */
import type { Metrics } from '../../component/metrics.ts';
import type { AccessResult, PullRecords } from '../images/pull_records.ts';
import type { ImageRequest } from '../runtime/images.ts';

export interface ImageMetrics {
  readonly requested: (wanted: ImageRequest) => void;
  readonly checked: (result: AccessResult) => void;
  /** Counts the records each time that the metrics are asked for. */
  readonly follow: (records: Pick<PullRecords, 'counts'>) => void;
}

export function imageMetrics(metrics: Metrics): ImageMetrics {
  const requests = metrics.counter({
    name: 'kubelet_image_manager_ensure_image_requests_total',
    help: 'Images that containers asked for, by policy, by whether they were there and had to be pulled.',
    labelNames: ['pull_policy', 'present_locally', 'pull_required'],
  });
  const checks = metrics.counter({
    name: 'kubelet_imagemanager_image_mustpull_checks_total',
    help: 'How often it was asked whether a present image may be used without credentials, by what came out.',
    labelNames: ['result'],
  });
  return {
    requested: ({ policy, present, pulls }) =>
      requests.inc({
        pull_policy: policy.toLowerCase(),
        present_locally: String(present),
        pull_required: String(pulls),
      }),
    checked: (result) => checks.inc({ result }),
    follow(records) {
      for (const [key, what] of [
        ['pulled', 'images that were pulled'],
        ['pulling', 'pulls that are under way'],
      ] as const) {
        metrics.gauge({
          name: `kubelet_imagemanager_ondisk_${key === 'pulled' ? 'pulledrecords' : 'pullintents'}`,
          help: `Records of ${what}.`,
          collect: (gauge) => gauge.set(records.counts[key]),
        });
      }
    },
  };
}
