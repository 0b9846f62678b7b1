import type { Pod, Probe } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { WallStamps } from '../../base/wall_stamps.ts';
import type { KubeletEvents, ProbeHost, ProbeKind } from '../contracts.ts';
import type { AttemptTarget } from './attempt.ts';
import type { ProbeOutcome } from './outcome.ts';

/** What the probes of a node need. */
export interface ProbeManagerOptions {
  readonly host: ProbeHost;
  readonly events: Pick<KubeletEvents, 'container'>;
  readonly clock: Clock;
  /** Tells for how long a container runs, also after the clock was set. */
  readonly stamps: Pick<WallStamps, 'present'>;
  readonly log: Log;
  /** Carries out one attempt ({@link attempt}). */
  readonly attempt: (probe: Probe, target: AttemptTarget) => Promise<ProbeOutcome>;
  /** `kube-probe/1.36` */
  readonly userAgent?: string;
  /** 0 to 1. */
  readonly random?: () => number;
  /** Told of every attempt, for metrics. */
  readonly observe?: (attempt: {
    readonly pod: Pod;
    readonly containerName: string;
    readonly kind: ProbeKind;
    readonly result: 'successful' | 'failed' | 'unknown';
    readonly durationMs: number;
  }) => void;
  /** Told how many milliseconds after its time each regular turn began, for metrics. */
  readonly observeLateness?: (ms: number) => void;
}
