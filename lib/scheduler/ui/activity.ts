/** How much was scheduled lately and how fast, for the plots. */
import type { Clock } from '../../base/clock.ts';
import type { SchedulerMetrics } from '../metrics.ts';
import type { UiSample } from './ui_data.ts';

const SAMPLE_MS = 2000;
/** Ten minutes. */
const SAMPLES = 300;
/** Of one sample; more are thinned out. */
const MAX_TIMES = 4096;

interface Window {
  end: number;
  scheduled: number;
  failed: number;
  decisions: number[];
  bound: number[];
}

export class Activity {
  readonly #clock: Clock;
  readonly #samples: UiSample[] = [];
  #window: Window;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#window = emptyWindow(clock.now() + SAMPLE_MS);
  }

  /** Metrics that tell this too. */
  observe(metrics: SchedulerMetrics): SchedulerMetrics {
    return {
      ...metrics,
      attempt: (result, profile, seconds) => {
        const window = this.#current();
        if (result === 'scheduled') window.scheduled++;
        else window.failed++;
        metrics.attempt(result, profile, seconds);
      },
      algorithmSeconds: (seconds) => {
        keep(this.#current().decisions, seconds * 1000);
        metrics.algorithmSeconds(seconds);
      },
      scheduledAfter: (seconds, attempts) => {
        keep(this.#current().bound, seconds * 1000);
        metrics.scheduledAfter(seconds, attempts);
      },
    };
  }

  /** The oldest first; times in which nothing happened have zeros. */
  history(): readonly UiSample[] {
    this.#current();
    return [...this.#samples];
  }

  #current(): Window {
    const now = this.#clock.now();
    // After a long rest or a leap of the clock there is nothing worth filling in.
    if (now - this.#window.end > SAMPLE_MS * SAMPLES || this.#window.end - now > SAMPLE_MS * 2) {
      this.#samples.length = 0;
      this.#window = emptyWindow(now + SAMPLE_MS);
    }
    while (now >= this.#window.end) {
      this.#samples.push(sampleOf(this.#window));
      if (this.#samples.length > SAMPLES) this.#samples.shift();
      this.#window = emptyWindow(this.#window.end + SAMPLE_MS);
    }
    return this.#window;
  }
}

function emptyWindow(end: number): Window {
  return { end, scheduled: 0, failed: 0, decisions: [], bound: [] };
}

function keep(times: number[], ms: number): void {
  if (times.length < MAX_TIMES) times.push(ms);
}

function sampleOf({ end, scheduled, failed, decisions, bound }: Window): UiSample {
  const perSecond = 1000 / SAMPLE_MS;
  decisions.sort((a, b) => a - b);
  bound.sort((a, b) => a - b);
  return {
    at: end,
    scheduled: scheduled * perSecond,
    failed: failed * perSecond,
    decisionP50: quantile(decisions, 0.5),
    decisionP99: quantile(decisions, 0.99),
    boundP50: quantile(bound, 0.5),
    boundP99: quantile(bound, 0.99),
  };
}

function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? null;
}
