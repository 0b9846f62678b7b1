/** When the kubelet's certificates end and what came of renewing them: alerts go by these. */
import type { Clock } from '../../base/clock.ts';
import type { Metrics } from '../../component/metrics.ts';
import type { RotationObserver } from '../certificates/rotation.ts';

const NAMES = {
  client: {
    ttl: 'kubelet_certificate_manager_client_ttl_seconds',
    errors: 'kubelet_certificate_manager_client_expiration_renew_errors',
  },
  server: {
    ttl: 'kubelet_certificate_manager_server_ttl_seconds',
    errors: 'kubelet_server_expiration_renew_errors',
  },
} as const;

/** To be told of a rotation. Made only for certificates that are rotated, as in stock. */
export function certificateMetrics(
  metrics: Metrics,
  kind: keyof typeof NAMES,
  clock: Pick<Clock, 'now'>,
): RotationObserver {
  let untilMs: number | undefined;
  metrics.gauge({
    name: NAMES[kind].ttl,
    help: `Seconds until the ${kind} certificate ends, below 0 when it has; +Inf without one.`,
    collect: (gauge) => gauge.set(untilMs === undefined ? Infinity : (untilMs - clock.now()) / 1000),
  });
  const errors = metrics.counter({
    name: NAMES[kind].errors,
    help: `Failed attempts to renew the ${kind} certificate.`,
  });
  return {
    has: (until) => {
      untilMs = until;
    },
    failed: () => errors.inc(),
  };
}
