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
/**
 * Readiness and start-up are tried between the regular turns as well when a container has just started, so that it is
 * noticed when it is up; the gaps in milliseconds. Such a try counts only when it succeeds. Liveness keeps to its turns.
 */
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
  /** Monotonic time of the next regular turn; they keep their rhythm, whatever comes between. */
  #regular = 0;
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
    this.#regular = now + spread;
    this.#arm(undefined);
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
    if (current !== undefined && current.id !== this.#containerId) this.nudge();
  }

  /** Look now as well, if that can make the container ready sooner. */
  nudge(): void {
    if (this.#stop.signal.aborted || this.kind === 'liveness') return;
    if (this.#busy) this.#nudged = true;
    else this.#arm(this.#options.clock.monotonic());
  }

  #periodMs(): number {
    return (this.probe.periodSeconds ?? 10) * 1000;
  }

  #current(): ContainerRuntimeStatus | undefined {
    return this.#options.host.runningContainer(this.#pod.metadata.uid ?? '', this.#container.name);
  }

  /** Waits for the next regular turn, or for `extra` if that is sooner (monotonic). */
  #arm(extra: number | undefined): void {
    this.#timer?.cancel();
    const at = Math.min(this.#regular, extra ?? Infinity);
    const delay = at - this.#options.clock.monotonic();
    this.#timer = this.#options.wheel.setTimer(delay, () => void this.#turn());
  }

  /** Never rejects. */
  async #turn(): Promise<void> {
    if (this.#busy || this.#stop.signal.aborted) return;
    this.#busy = true;
    const { clock, log, observeLateness } = this.#options;
    const begun = clock.monotonic();
    const regular = begun >= this.#regular;
    if (regular) observeLateness?.(begun - this.#regular);
    let extra: number | undefined;
    try {
      extra = await this.#look(regular);
    } catch (err) {
      if (!this.#stop.signal.aborted) {
        log.error(err, 'A probe failed unexpectedly', { container: this.#container.name, kind: this.kind });
      }
    } finally {
      this.#busy = false;
    }
    if (this.#stop.signal.aborted) return;
    const now = clock.monotonic();
    const period = this.#periodMs();
    // Turns that were missed are left out.
    if (now >= this.#regular)
      this.#regular += period * Math.max(1, Math.ceil((now - this.#regular) / period));
    if (this.#nudged) extra = now;
    this.#nudged = false;
    this.#arm(extra);
  }

  /** @returns when to look before the next regular turn as well (monotonic) */
  async #look(regular: boolean): Promise<number | undefined> {
    const { clock, kind, stamps } = this.#options;
    const running = this.#current();
    if (running === undefined) return undefined;
    if (running.id !== this.#containerId) this.#begin(running.id);
    if (this.#onHold) return undefined;
    if (kind === 'startup' && this.verdict(running.id) === true) return undefined; // once is enough
    if (kind !== 'startup' && !this.#options.started(running.id)) return undefined;

    const age = clock.now() - stamps.present(running.startedAtMs);
    const wait = (this.probe.initialDelaySeconds ?? 0) * 1000 - age;
    const mayBeEarly = this.#mayBeEarly();
    if (wait > 0) return mayBeEarly ? clock.monotonic() + wait : undefined;
    if (!regular && !mayBeEarly) return undefined;

    const outcome = await this.#attempt(running.id);
    this.#stop.signal.throwIfAborted();
    if (this.#current()?.id !== running.id) return undefined; // restarted meanwhile: the outcome is nobody's
    const failed = outcome.result !== 'success';
    if (regular || !failed) this.#judge(running.id, outcome);
    return failed && this.#mayBeEarly() ? this.#nextEarly() : undefined;
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

  #mayBeEarly(): boolean {
    return (
      this.kind !== 'liveness' &&
      this.#state.verdict === undefined &&
      this.#early <= EARLY_MS.length &&
      (this.probe.successThreshold ?? 1) === 1
    );
  }

  #nextEarly(): number | undefined {
    const gap = EARLY_MS[this.#early++];
    return gap === undefined ? undefined : this.#options.clock.monotonic() + gap;
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
