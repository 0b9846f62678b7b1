/**
 * Whether this proxy keeps up: /healthz (should a load balancer send traffic to this node?) and /livez (should the proxy be
 * restarted?) on port 10256, in upstream's JSON. (KEP-3836)
 */
import type { Clock } from '../../base/clock.ts';
import type { Handler } from '../../component/serving/exchange.ts';
import type { Family } from '../model/address.ts';

interface FamilyState {
  /** Wall-clock time of the last successful sync, or undefined before the first. */
  lastUpdated: number | undefined;
  /** Monotonic time at which the oldest change not yet in force came in. */
  pendingSince: number | undefined;
}

export interface ProxyHealthOptions {
  readonly clock: Clock;
  readonly families: readonly Family[];
  /** How long a change may wait before the proxy counts as unhealthy: twice the sync period upstream. */
  readonly timeoutMs: number;
  /** False while the node is about to go: load balancers should look elsewhere, but the proxy works on. Default true. */
  readonly isNodeEligible?: () => boolean;
  /** Told of each answer, for metrics. */
  readonly onAnswer?: (path: 'healthz' | 'livez', code: number) => void;
}

export class ProxyHealth {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #states = new Map<Family, FamilyState>();
  readonly #onAnswer: (path: 'healthz' | 'livez', code: number) => void;
  readonly #isNodeEligible: () => boolean;

  constructor({ clock, families, timeoutMs, isNodeEligible, onAnswer }: ProxyHealthOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#isNodeEligible = isNodeEligible ?? ((): boolean => true);
    this.#onAnswer = onAnswer ?? ((): void => undefined);
    // The first sync is what is waited for from the start.
    for (const family of families) {
      this.#states.set(family, { lastUpdated: undefined, pendingSince: clock.monotonic() });
    }
  }

  /** A change came in that is not in force yet. */
  queued(family: Family): void {
    const state = this.#states.get(family);
    if (state !== undefined) state.pendingSince ??= this.#clock.monotonic();
  }

  /** Everything that came in before is in force. */
  updated(family: Family): void {
    const state = this.#states.get(family);
    if (state === undefined) return;
    state.lastUpdated = this.#clock.now();
    state.pendingSince = undefined;
  }

  get isAlive(): boolean {
    return [...this.#states.values()].every((state) => this.#isHealthy(state));
  }

  /** Has rules in force and keeps up. */
  get isServing(): boolean {
    return this.isAlive && [...this.#states.values()].every((state) => state.lastUpdated !== undefined);
  }

  readonly healthz: Handler = ({ res }) => {
    const nodeEligible = this.#isNodeEligible();
    this.#answer(res, 'healthz', this.isServing && nodeEligible, { nodeEligible });
  };

  readonly livez: Handler = ({ res }) => this.#answer(res, 'livez', this.isAlive, {});

  #isHealthy({ pendingSince }: FamilyState): boolean {
    return pendingSince === undefined || this.#clock.monotonic() - pendingSince < this.#timeoutMs;
  }

  #answer(
    res: Parameters<Handler>[0]['res'],
    path: 'healthz' | 'livez',
    healthy: boolean,
    more: Readonly<Record<string, unknown>>,
  ): void {
    const now = new Date(this.#clock.now()).toISOString();
    const status: Record<string, unknown> = {};
    let oldest: number | undefined;
    for (const [family, state] of this.#states) {
      status[family] = { lastUpdated: timeText(state.lastUpdated), healthy: this.#isHealthy(state) };
      if (state.lastUpdated !== undefined) oldest = Math.min(oldest ?? Infinity, state.lastUpdated);
    }
    const lastUpdated = healthy ? now : timeText(oldest);
    const body = JSON.stringify({ lastUpdated, currentTime: now, ...more, healthy, status });
    const code = healthy ? 200 : 503;
    res.writeHead(code, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
    res.end(body);
    this.#onAnswer(path, code);
  }
}

// The zero time, as Go prints it.
function timeText(ms: number | undefined): string {
  return ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString();
}
