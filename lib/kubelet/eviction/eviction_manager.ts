/**
 * Evicts pods before the node runs out of memory, disk or process ids, and pods that take more of its disk than they may.
 * Two loops: the one watches the node, the other the limits of pods, so that a long walk over volumes holds up neither
 * the conditions of the node nor an eviction that the node cannot do without.
 */
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeletEvents, Timeline } from '../contracts.ts';
import { NO_PRESSURE, type Pressure } from '../node/conditions.ts';
import { podUid } from '../runtime/runtime_names.ts';
import { isCritical } from './critical.ts';
import { hasStorageLimits, storageExcess } from './local_storage.ts';
import { evictionMessage, resourceOf } from './messages.ts';
import type { NodeObservation } from './observe.ts';
import {
  evaluate,
  isCrossed,
  NO_STATE,
  type Observation,
  type PressureState,
  pressureOf,
} from './pressure.ts';
import { type DiskLayout, rank } from './ranking.ts';
import { reclaimable, type Reclaimable } from './reclaim.ts';
import type { Threshold } from './thresholds.ts';
import type { PodUseRequest } from './pod_use_reader.ts';
import type { PodUse } from './usage.ts';

/** Why a pod is evicted: for its status. */
export interface EvictionVerdict {
  readonly phase: 'Failed';
  readonly reason: 'Evicted';
  readonly message: string;
  /** Reason of the condition DisruptionTarget, which a pod that exceeds limits of its own does not get. */
  readonly disruption?: 'TerminationByKubelet';
}

/** The pods of the node, as eviction needs them. */
export interface EvictablePods {
  /** Admitted, and neither ended nor about to. */
  active(): readonly Pod[];
  /** Ends the pod as failed within so many seconds. */
  evict(pod: Pod, verdict: EvictionVerdict, graceSeconds: number): void;
  /** Nothing of the pod runs any more and its volumes are down. */
  cleaned(uid: string): boolean;
}

export interface EvictionOptions {
  readonly thresholds: readonly Threshold[];
  /** `evictionPressureTransitionPeriod` */
  readonly transitionMs: number;
  /** `evictionMaxPodGracePeriod` in seconds; negative: the pod's own. */
  readonly maxPodGraceSeconds: number;
  /** `localStorageCapacityIsolation` */
  readonly storageLimits: boolean;
  readonly pods: EvictablePods;
  readonly observe: (signal: AbortSignal) => Promise<NodeObservation>;
  readonly use: (pods: readonly Pod[], request: PodUseRequest) => Promise<readonly PodUse[]>;
  /** Frees disk without evicting anybody. */
  readonly reclaimDisk: (what: Reclaimable, signal: AbortSignal) => Promise<void>;
  /** Where memory is to be looked at in between as well (`kernelMemcgNotification`): a cheap look at it. */
  readonly memory?: () => Promise<Observation | undefined>;
  /** Called when what the node is short of changed. */
  readonly pressureChanged: () => void;
  /** Told of every eviction. @param signal what it was for: `memory.available`, `emptydirfs.limit`, ... */
  readonly evicted?: (signal: string) => void;
  /** Told of each threshold that pods are evicted for. @param ageSeconds of the figures when that was decided */
  readonly acted?: (signal: string, ageSeconds: number) => void;
  readonly events: Pick<KubeletEvents, 'pod' | 'node'>;
  readonly timeline: Pick<Timeline, 'record'>;
  readonly clock: Clock;
  readonly log: Log;
}

const INTERVAL_MS = 10_000;
/** Between glances at what cannot wait for the next look. */
const GLANCE_MS = 1_000;
/** How long the next eviction waits for the one before to have its effect. */
const CLEAN_UP_MS = 30_000;
/** Hard evictions give no more. */
const IMMEDIATE_SECONDS = 1;

/** One eviction: what it is for, and what is said of it. */
interface Eviction extends Pick<EvictionVerdict, 'message' | 'disruption'> {
  readonly signal: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export class EvictionManager {
  readonly #options: EvictionOptions;
  #state: PressureState = NO_STATE;
  #pressure: Pressure = NO_PRESSURE;
  #last: { readonly uid: string; readonly untilMs: number } | undefined;
  #layout: DiskLayout = { dedicatedImageFs: false };

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** What the node is short of, for its conditions and for the admission of pods. */
  get pressure(): Pressure {
    return this.#pressure;
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#every(
        'Eviction manager: failed to synchronize',
        () => this.synchronize(signal),
        () => this.#untilNext(signal),
        signal,
      ),
      this.#options.storageLimits
        ? this.#every(
            'Eviction manager: failed to check storage limits',
            () => this.checkLimits(signal),
            () => this.#options.clock.sleep(INTERVAL_MS, signal),
            signal,
          )
        : undefined,
    ]);
  }

  async #every(
    what: string,
    act: () => Promise<unknown>,
    pause: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { log } = this.#options;
    while (!signal.aborted) {
      try {
        await act();
      } catch (error) {
        if (!isAbort(error, signal)) log.error(error, what);
      }
      await pause().catch(() => undefined);
    }
  }

  /** To the next look: sooner when the pod evicted last is gone, or memory falls below a threshold. */
  async #untilNext(signal: AbortSignal): Promise<void> {
    const { clock, memory } = this.#options;
    const endMs = clock.monotonic() + INTERVAL_MS;
    const waited = this.#waitsForLast(clock.monotonic());
    if (!waited && memory === undefined) return clock.sleep(INTERVAL_MS, signal);
    while (clock.monotonic() < endMs) {
      await clock.sleep(GLANCE_MS, signal);
      if (waited && !this.#waitsForLast(clock.monotonic())) return;
      if (await this.#isMemoryNews()) return;
    }
  }

  /** Whether memory is below a threshold that it was not below at the last look. */
  async #isMemoryNews(): Promise<boolean> {
    const { log, memory, thresholds } = this.#options;
    try {
      const seen = await memory?.();
      if (seen === undefined) return false;
      const now = new Map([['memory.available', seen] as const]);
      return thresholds.some(
        (threshold) =>
          isCrossed(threshold, now, { withMinReclaim: false }) === true && !this.#state.since.has(threshold),
      );
    } catch (error) {
      log.error(error, 'Eviction manager: cannot observe', { what: 'memory' });
      return false;
    }
  }

  /** One look at the node; evicts at most one pod, which it resolves to. */
  async synchronize(signal: AbortSignal): Promise<Pod | undefined> {
    const { clock, events, log, observe, thresholds, transitionMs } = this.#options;
    if (thresholds.length === 0) return undefined;
    const now = clock.monotonic();
    const seen = await observe(signal);
    this.#layout = seen;
    const { state, pressure, due } = evaluate(this.#state, thresholds, seen.signals, now, transitionMs);
    this.#state = state;
    this.#setPressure(pressure);
    const [first] = due;
    if (first === undefined || this.#waitsForLast(now)) return undefined;
    const resource = resourceOf(first.signal);
    log.info('Eviction manager: attempting to reclaim', { resourceName: resource, signal: first.signal });
    events.node('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (await this.#reclaim(first, signal)) {
      const after = await observe(signal);
      if (isCrossed(first, after.signals, { withMinReclaim: true }) === false) {
        log.info('Eviction manager: able to reduce resource pressure without evicting pods.', {
          resourceName: resource,
        });
        return undefined;
      }
    }
    log.info('Eviction manager: must evict pod(s) to reclaim', { resourceName: resource });
    const ageSeconds = (clock.monotonic() - now) / 1000;
    for (const { signal: name } of due) this.#options.acted?.(name, ageSeconds);
    return this.#evictFirst(first, seen, signal);
  }

  /** Frees what can be freed without evicting anybody; what fails must not keep the node from what helps. @returns whether there was something to try */
  async #reclaim(threshold: Threshold, signal: AbortSignal): Promise<boolean> {
    const { log, reclaimDisk } = this.#options;
    const wanted = reclaimable(threshold.signal, this.#layout);
    for (const what of wanted) {
      try {
        await reclaimDisk(what, signal);
      } catch (error) {
        if (isAbort(error, signal)) throw error;
        log.error(error, 'Eviction manager: unexpected error when attempting to reduce resource pressure', {
          resourceName: resourceOf(threshold.signal),
          what,
        });
      }
    }
    return wanted.length > 0;
  }

  /** Evicts the pods that take more of the node's disk than their limits allow. */
  async checkLimits(signal: AbortSignal): Promise<void> {
    const { pods, use } = this.#options;
    const limited = pods.active().filter((pod) => hasStorageLimits(pod) && !isCritical(pod));
    for (const found of await use(limited, { disk: true, signal })) {
      const excess = storageExcess(found, this.#layout);
      if (excess !== undefined) this.#evict(found.pod, excess, IMMEDIATE_SECONDS);
    }
  }

  async #evictFirst(
    threshold: Threshold,
    seen: NodeObservation,
    signal: AbortSignal,
  ): Promise<Pod | undefined> {
    const { clock, log, pods, use } = this.#options;
    const active = pods.active();
    if (active.length === 0) {
      log.error(
        undefined,
        'Eviction manager: eviction thresholds have been met, but no pods are active to evict',
      );
      return undefined;
    }
    const disk = pressureOf(threshold.signal) === 'disk';
    const ranked = rank(threshold.signal, await use(active, { disk, signal }), seen);
    const victim = ranked.find(({ pod }) => !isCritical(pod));
    if (victim === undefined) {
      log.info('Eviction manager: unable to evict any pods from the node');
      return undefined;
    }
    const observation = seen.signals.get(threshold.signal);
    const why: Eviction = {
      ...evictionMessage(threshold, observation, victim),
      signal: threshold.signal,
      disruption: 'TerminationByKubelet',
    };
    this.#evict(victim.pod, why, this.#graceOf(threshold, victim.pod));
    this.#last = { uid: podUid(victim.pod), untilMs: clock.monotonic() + CLEAN_UP_MS };
    return victim.pod;
  }

  #graceOf({ hard }: Threshold, pod: Pod): number {
    if (hard) return IMMEDIATE_SECONDS;
    const { maxPodGraceSeconds } = this.#options;
    const own = pod.spec.terminationGracePeriodSeconds ?? 30;
    return Math.max(IMMEDIATE_SECONDS, maxPodGraceSeconds < 0 ? own : Math.min(own, maxPodGraceSeconds));
  }

  #evict(pod: Pod, { annotations, disruption, message, signal }: Eviction, graceSeconds: number): void {
    const { evicted, events, log, pods, timeline } = this.#options;
    evicted?.(signal);
    const ref = { uid: podUid(pod), namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name };
    events.pod(pod, 'Warning', 'Evicted', message, annotations);
    timeline.record(ref, { what: 'evicted', why: message });
    log.info('Eviction manager: pod is evicted', { pod: `${ref.namespace}/${ref.name}`, why: message });
    pods.evict(
      pod,
      { phase: 'Failed', reason: 'Evicted', message, ...(disruption === undefined ? {} : { disruption }) },
      graceSeconds,
    );
  }

  /** One eviction must have its effect before it can be known whether another is needed; but not for ever. */
  #waitsForLast(nowMs: number): boolean {
    if (this.#last === undefined) return false;
    if (nowMs >= this.#last.untilMs || this.#options.pods.cleaned(this.#last.uid)) this.#last = undefined;
    return this.#last !== undefined;
  }

  #setPressure(pressure: Pressure): void {
    const before = this.#pressure;
    this.#pressure = pressure;
    if (before.memory !== pressure.memory || before.disk !== pressure.disk || before.pid !== pressure.pid)
      this.#options.pressureChanged();
  }
}
