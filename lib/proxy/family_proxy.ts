/** The proxy of one address family: changes of the tracker in, plans, rules in force and connection tracking cleaned out. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Backend, CommitResult } from './backend.ts';
import type { ConntrackCleaner } from './conntrack/cleaner.ts';
import type { Family } from './model/address.ts';
import type { ServicePlan } from './model/plan.ts';
import type { PlanChange, ServicePlanner } from './model/planner.ts';
import { isExternallyReachable } from './model/service_port.ts';
import type { ProxyMetrics } from './proxy_metrics.ts';
import type { ChangeSet } from './tracker/tracker.ts';

/** One try to bring changes of a family into force. */
export interface SyncReport {
  readonly family: Family;
  /** Its end, milliseconds since the epoch. */
  readonly at: number;
  readonly milliseconds: number;
  readonly outcome: CommitResult | { readonly error: unknown };
}

export interface FamilyProxyOptions {
  readonly backend: Backend;
  readonly planner: ServicePlanner;
  readonly conntrack: ConntrackCleaner;
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  readonly log: Log;
  /** The kernel refused the rules of a Service; the others are in force. */
  readonly onRejected: (id: string, error: Error) => void;
  /** Told of every try, also those that failed. */
  readonly onSync: (report: SyncReport) => void;
}

export class FamilyProxy {
  readonly family: Family;
  readonly backend: Backend;
  readonly planner: ServicePlanner;
  readonly #options: FamilyProxyOptions;
  readonly #udp = new Map<string, ServicePlan>();
  #triggerTimes: number[] = [];
  #hasStarted = false;

  constructor(options: FamilyProxyOptions) {
    this.#options = options;
    this.backend = options.backend;
    this.planner = options.planner;
    this.family = options.backend.family;
  }

  /**
   * Takes changes over; {@link FamilyProxy.sync} brings them into force. The first are what was there before this proxy, and
   * when they began says nothing about how fast it is.
   */
  apply({ services, triggerTimes }: Pick<ChangeSet, 'services' | 'triggerTimes'>): void {
    const changes = this.planner.update(services);
    this.accept(changes);
    if (this.#hasStarted && changes.length > 0)
      for (const time of triggerTimes[this.family]) this.#triggerTimes.push(time);
    this.#hasStarted = true;
  }

  /** Takes over plans that changed for other reasons, e.g. the zone of the node. */
  accept(changes: readonly PlanChange[]): void {
    for (const change of changes) this.#noteUdp(change);
    this.backend.apply(changes);
  }

  /** @throws Error when nothing could be brought into force; what was applied is kept for the next call */
  async sync(signal: AbortSignal): Promise<void> {
    const { clock, metrics, log, onRejected } = this.#options;
    const label = { ip_family: this.family };
    const started = clock.monotonic();
    const report = (outcome: SyncReport['outcome']): void => {
      const milliseconds = clock.monotonic() - started;
      this.#options.onSync({ family: this.family, at: clock.now(), milliseconds, outcome });
    };
    let result: CommitResult;
    try {
      result = await this.backend.commit(signal);
    } catch (error) {
      metrics.syncFailures.inc(label);
      report({ error });
      throw error;
    }
    report(result);
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.syncDuration.observe(label, seconds);
    (result.full ? metrics.fullSyncDuration : metrics.partialSyncDuration).observe(label, seconds);
    metrics.lastSync.set(label, clock.now() / 1000);
    for (const [table, count] of Object.entries(this.backend.ruleCounts())) {
      metrics.rules?.set({ ...label, table }, count);
      metrics.rulesSent?.set({ ...label, table }, result.sent[table] ?? 0);
    }
    if (result.fellBack === true) metrics.partialFailures?.inc(label);
    for (const { id, error } of result.rejected) onRejected(id, error);
    this.#observeLatency();
    this.#countLocal();
    log.v(2).info('SyncProxyRules complete', {
      ipFamily: this.family,
      elapsed: `${(seconds * 1000).toFixed(1)}ms`,
      full: result.full,
    });
    await this.#cleanConntrack(signal);
  }

  #noteUdp({ id, before, after }: PlanChange): void {
    if (before?.port.protocol === 'UDP') {
      // Places that the Service had and has no more: nobody answers there for it.
      if (after === undefined) this.#udp.set(id, { ...before, reachable: [] });
      else this.#udp.set(`${id} before`, { ...before, reachable: [] });
    }
    if (after?.port.protocol === 'UDP') this.#udp.set(id, after);
  }

  async #cleanConntrack(signal: AbortSignal): Promise<void> {
    if (this.#udp.size === 0) return;
    const { clock, conntrack, metrics, log } = this.#options;
    const label = { ip_family: this.family };
    const started = clock.monotonic();
    // Places lost come first, so that a Service that has the place now decides what is stale there.
    const plans = [...this.#udp].toSorted(
      ([a], [b]) => Number(b.endsWith(' before')) - Number(a.endsWith(' before')),
    );
    try {
      const removed = await conntrack.clean(
        plans.map(([, plan]) => plan),
        signal,
      );
      this.#udp.clear();
      metrics.conntrackDeleted.inc(label, removed);
      if (removed > 0) log.v(2).info('Removed stale UDP flows', { ipFamily: this.family, flows: removed });
    } catch (err) {
      // Rules are in force; only old flows are not. Tried again with the next sync.
      log.error(err, 'Failed to remove stale UDP flows', { ipFamily: this.family });
    }
    metrics.conntrackDuration.observe(label, (clock.monotonic() - started) / 1000);
  }

  #observeLatency(): void {
    const { clock, metrics } = this.#options;
    for (const time of this.#triggerTimes) {
      // Another machine's clock said when it began, which may be ahead of this one's: then it was "at once".
      const seconds = Math.max(0, clock.now() - time) / 1000;
      metrics.programmingDuration.observe({ ip_family: this.family }, seconds);
    }
    this.#triggerTimes = [];
  }

  #countLocal(): void {
    let internal = 0;
    let external = 0;
    for (const plan of this.planner.plans.values()) {
      if (plan.internal === 'drop') internal++;
      if (plan.external === 'drop' && isExternallyReachable(plan.port)) external++;
    }
    const { noLocalEndpoints } = this.#options.metrics;
    noLocalEndpoints.set({ ip_family: this.family, traffic_policy: 'internal' }, internal);
    noLocalEndpoints.set({ ip_family: this.family, traffic_policy: 'external' }, external);
  }
}
