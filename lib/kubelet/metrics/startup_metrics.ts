/** How long a new node took from the start of its machine until it was ready (`kubelet_node_startup_*`). */
import type { Clock } from '../../base/clock.ts';
import type { Metrics } from '../../component/metrics.ts';

/** Told by who registers the node. */
export interface StartupObserver {
  /** The kubelet begins to register a node that there is none of yet. */
  registering(): void;
  registered(): void;
  ready(): void;
}

export interface StartupTimes {
  /** Since the epoch; `undefined`: not known. */
  readonly bootMs: number | undefined;
  readonly startMs: number;
}

/** The moment that /proc/stat says the machine was booted, milliseconds since the epoch. */
export function bootTime(procStat: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(procStat)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** All of them stay 0 for a node that was registered before: its start is no start of a node. */
export function startupMetrics(
  metrics: Metrics,
  { bootMs, startMs }: StartupTimes,
  clock: Pick<Clock, 'now'>,
): StartupObserver {
  const gauge = (name: string, help: string) =>
    metrics.gauge({ name: `kubelet_node_startup_${name}duration_seconds`, help });
  const total = gauge('', 'From the start of the machine until the node was ready.');
  const phases = {
    preKubelet: gauge('pre_kubelet_', 'From the start of the machine to that of the kubelet.'),
    preRegistration: gauge(
      'pre_registration_',
      'From the start of the kubelet until it registered the node.',
    ),
    registration: gauge('registration_', 'How long the registration took.'),
    postRegistration: gauge('post_registration_', 'From the registration until the node was ready.'),
  };
  let registeringMs: number | undefined;
  let registeredMs: number | undefined;
  let isOver = false;
  return {
    registering: () => {
      registeringMs ??= clock.now();
    },
    registered: () => {
      registeredMs ??= clock.now();
    },
    ready() {
      if (isOver || registeringMs === undefined || registeredMs === undefined) return;
      isOver = true;
      const now = clock.now();
      if (bootMs !== undefined) {
        total.set(Math.max(0, now - bootMs) / 1000);
        phases.preKubelet.set(Math.max(0, startMs - bootMs) / 1000);
      }
      phases.preRegistration.set((registeringMs - startMs) / 1000);
      phases.registration.set((registeredMs - registeringMs) / 1000);
      phases.postRegistration.set((now - registeredMs) / 1000);
    },
  };
}
