import type { Container, Pod, Probe } from '../../api/types.ts';
import type { Timer } from '../../base/clock.ts';
import type { TimerWheel } from '../../base/timer_wheel.ts';
import type { ContainerRuntimeStatus, ProbeKind } from '../contracts.ts';
import type { ProbeManagerOptions } from './options.ts';
import type { ProbeOutcome } from './outcome.ts';
import { NO_VERDICT, nextVerdict, type VerdictState } from './verdict.ts';

export interface ProbeWorkerOptions extends ProbeManagerOptions {
  readonly userAgent: string;
  readonly random: () => number;
  readonly wheel: TimerWheel;
  /** Monotonic milliseconds. */
  readonly kubeletStartedAt: number;
  readonly pod: Pod;
  readonly container: Container;
  readonly kind: ProbeKind;
  readonly probe: Probe;
  /** Whether the container's start-up probe has succeeded (or there is none). */
  readonly started: (containerId: string) => boolean;
  /** The verdict on the current container changed. */
  readonly changed: (success: boolean) => void;
}

/** Attempts in a row when the probe itself cannot be carried out. */
const MAX_TRIES = 3;
/** A readiness probe that is not due often is tried soon after the start as well: milliseconds after it. */
const EARLY_MS = [200, 500, 1000, 2000, 4000];
const TITLES: Readonly<Record<ProbeKind, string>> = {
  startup: 'Startup',
  liveness: 'Liveness',
  readiness: 'Readiness',
};

/**
 * One probe of one container, over its restarts. Each period it looks for the running incarnation; a verdict belongs to
 * one incarnation. A failed liveness or start-up verdict puts the worker on hold until the container was restarted.
 */
export class ProbeWorker {
  readonly #options: ProbeWorkerOptions;
  #pod: Pod;
  #container: Container;
  #timer: Timer | undefined;
  #stop = new AbortController();
  #busy = false;
  #nudged = false;
  /** Monotonic time of the next regular turn. */
  #due = 0;
  #containerId: string | undefined;
  #state: VerdictState = NO_VERDICT;
  #onHold = false;
  /** Next of {@link EARLY_MS}; beyond its end: over. */
  #early = 0;

  constructor(options: ProbeWorkerOptions) {
    this.#options = options;
    this.#pod = options.pod;
    this.#container = options.container;
  }

  get kind(): ProbeKind {
    return this.#options.kind;
  }

  get probe(): Probe {
    return this.#options.probe;
  }

  /**
   * The verdict on an incarnation. Before the first one, what the API has of it (the kubelet was restarted), else for
   * readiness `false` and for the others `undefined`.
   */
  verdict(containerId: string): boolean | undefined {
    if (this.#containerId === containerId && this.#state.verdict !== undefined) return this.#state.verdict;
    return this.#seed(containerId) ?? (this.kind === 'readiness' ? false : undefined);
  }

  #seed(containerId: string): boolean | undefined {
    const known = this.#options.host.lastKnownReady(
      this.#pod.metadata.uid ?? '',
      this.#container.name,
      containerId,
    );
    if (known === undefined) return undefined;
    if (this.kind === 'liveness') return undefined;
    return (this.kind === 'readiness' ? known.ready : known.started) ? true : undefined;
  }

  start(): void {
    const { clock, random, kubeletStartedAt } = this.#options;
    const now = clock.monotonic();
    const period = this.#periodMs();
    // After a restart of the kubelet all probes of the node would come at once.
    const spread = now - kubeletStartedAt < period && this.#current() !== undefined ? random() * period : 0;
    this.#schedule(now + spread);
  }

  stop(): void {
    this.#stop.abort(new Error('the probe was stopped'));
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  podChanged(pod: Pod, container: Container): void {
    this.#pod = pod;
    this.#container = container;
    const current = this.#current();
    // A container that just started is looked at now, not at the end of a period that began before it.
    if (current !== undefined && current.id !== this.#containerId) this.nudge();
  }

  /** Look now instead of at the next turn. */
  nudge(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#busy) this.#nudged = true;
    else this.#schedule(this.#options.clock.monotonic());
  }

  #periodMs(): number {
    return (this.probe.periodSeconds ?? 10) * 1000;
  }

  #current(): ContainerRuntimeStatus | undefined {
    return this.#options.host.runningContainer(this.#pod.metadata.uid ?? '', this.#container.name);
  }

  #schedule(at: number): void {
    this.#timer?.cancel();
    this.#due = at;
    this.#timer = this.#options.wheel.setTimer(at - this.#options.clock.monotonic(), () => void this.#turn());
  }

  /** Never rejects. */
  async #turn(): Promise<void> {
    if (this.#busy || this.#stop.signal.aborted) return;
    this.#busy = true;
    let next: number | undefined;
    try {
      next = await this.#look();
    } catch (err) {
      if (!this.#stop.signal.aborted) {
        this.#options.log.error(err, 'A probe failed unexpectedly', {
          container: this.#container.name,
          kind: this.kind,
        });
      }
    } finally {
      this.#busy = false;
    }
    if (this.#stop.signal.aborted) return;
    const now = this.#options.clock.monotonic();
    const period = this.#periodMs();
    if (this.#nudged) {
      this.#nudged = false;
      next = now;
    }
    // A fixed rhythm, whatever an attempt takes; turns that were missed are left out.
    this.#schedule(next ?? this.#due + period * Math.max(1, Math.ceil((now - this.#due) / period)));
  }

  /** @returns when to look again (monotonic), unless it is a period from now */
  async #look(): Promise<number | undefined> {
    const { clock, kind } = this.#options;
    const running = this.#current();
    if (running === undefined) return undefined;
    if (running.id !== this.#containerId) this.#begin(running.id);
    if (this.#onHold) return undefined;
    if (kind === 'startup' && this.verdict(running.id) === true) return undefined; // once is enough
    if (kind !== 'startup' && !this.#options.started(running.id)) return undefined;

    const age = clock.now() - running.startedAtMs;
    const wait = (this.probe.initialDelaySeconds ?? 0) * 1000 - age;
    if (wait > 0) return wait > this.#periodMs() ? undefined : clock.monotonic() + wait;

    const early = this.#isEarly(age);
    const outcome = await this.#attempt(running.id);
    this.#stop.signal.throwIfAborted();
    if (this.#current()?.id !== running.id) return undefined; // restarted meanwhile: the outcome is nobody's
    // An early try can only make the container ready sooner: a failure is not counted.
    if (early && outcome.result !== 'success') return this.#nextEarly();
    this.#early = EARLY_MS.length;
    this.#judge(running.id, outcome);
    return undefined;
  }

  #begin(containerId: string): void {
    this.#containerId = containerId;
    this.#state = NO_VERDICT;
    this.#onHold = false;
    this.#early = 0;
    // After a restart of the kubelet the verdict goes on from what the API has.
    const seed = this.#seed(containerId);
    if (seed !== undefined) this.#state = { verdict: seed, last: undefined, run: 0 };
  }

  #isEarly(ageMs: number): boolean {
    return (
      this.kind === 'readiness' &&
      this.#state.verdict === undefined &&
      this.#early < EARLY_MS.length &&
      (this.probe.successThreshold ?? 1) === 1 &&
      ageMs - (this.probe.initialDelaySeconds ?? 0) * 1000 < Math.min(this.#periodMs(), 5000)
    );
  }

  #nextEarly(): number | undefined {
    const gap = EARLY_MS[this.#early++];
    if (gap === undefined || gap >= this.#periodMs()) {
      this.#early = EARLY_MS.length;
      return undefined;
    }
    return this.#options.clock.monotonic() + gap;
  }

  async #attempt(containerId: string): Promise<ProbeOutcome> {
    const { clock, host, observe, userAgent } = this.#options;
    const began = clock.monotonic();
    let outcome: ProbeOutcome = { result: 'error', message: 'not tried' };
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      outcome = await this.#options.attempt(this.probe, {
        container: this.#container,
        containerId,
        podIP: host.podIP(this.#pod.metadata.uid ?? '') ?? '',
        exec: host,
        userAgent,
        signal: this.#stop.signal,
      });
      if (outcome.result !== 'error' || this.#stop.signal.aborted) break;
    }
    observe?.({
      pod: this.#pod,
      containerName: this.#container.name,
      kind: this.kind,
      result: outcome.result === 'failure' ? 'failed' : outcome.result === 'error' ? 'unknown' : 'successful',
      durationMs: clock.monotonic() - began,
    });
    return outcome;
  }

  #judge(containerId: string, outcome: ProbeOutcome): void {
    const { events, changed } = this.#options;
    const title = TITLES[this.kind];
    const tell = (reason: string, message: string): void =>
      events.container(this.#pod, this.#container.name, 'Warning', reason, message);
    switch (outcome.result) {
      case 'error':
        // Nothing is known of the container, so nothing changes.
        tell('Unhealthy', `${title} probe errored and resulted in unknown state: ${outcome.message}`);
        return;
      case 'failure':
        tell('Unhealthy', `${title} probe failed: ${outcome.message}`);
        break;
      case 'warning':
        tell('ProbeWarning', `${title} probe warning: ${outcome.message}`);
        break;
      case 'success':
        break;
    }
    const before = this.verdict(containerId);
    this.#state = nextVerdict(this.#state, outcome.result !== 'failure', this.probe);
    const after = this.#state.verdict;
    if (after === undefined) return;
    // Liveness and start-up: no more attempts on a container that is going to be restarted.
    if (!after && this.kind !== 'readiness') this.#onHold = true;
    if (after === before && (after || this.kind === 'readiness')) return;
    changed(after);
  }
}
