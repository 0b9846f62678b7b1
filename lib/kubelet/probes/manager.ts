import { isDeepStrictEqual } from 'node:util';
import type { Container, Pod, Probe } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { TimerWheel } from '../../base/timer_wheel.ts';
import type { ProbeKind, ProbeManager, ProbeVerdicts } from '../contracts.ts';
import type { ProbeManagerOptions } from './options.ts';
import { ProbeWorker } from './worker.ts';

type Change = { uid: string; containerName: string; kind: ProbeKind; success: boolean };

const KINDS: readonly {
  readonly kind: ProbeKind;
  readonly field: 'startupProbe' | 'livenessProbe' | 'readinessProbe';
}[] = [
  { kind: 'startup', field: 'startupProbe' },
  { kind: 'liveness', field: 'livenessProbe' },
  { kind: 'readiness', field: 'readinessProbe' },
];

/** Probes of all pods on one timer wheel; see {@link ProbeManager}. */
export function createProbeManager(options: ProbeManagerOptions): ProbeManager {
  return new Manager(options);
}

class Manager implements ProbeManager {
  readonly #options: ProbeManagerOptions;
  readonly #wheel: TimerWheel;
  /** UID to `container/kind` to worker. */
  readonly #pods = new Map<string, Map<string, ProbeWorker>>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #startedAt: number;

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#wheel = new TimerWheel(options.clock, {
      onError: (err) => options.log.error(err, 'A probe could not be started'),
    });
  }

  podAdded(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const workers = this.#pods.get(uid) ?? new Map<string, ProbeWorker>();
    this.#pods.set(uid, workers);
    const wanted = new Set<string>();
    for (const { container, kind, probe } of probesOf(pod)) {
      const key = `${container.name}/${kind}`;
      wanted.add(key);
      const known = workers.get(key);
      if (known !== undefined && isDeepStrictEqual(known.probe, probe)) {
        known.podChanged(pod, container);
        continue;
      }
      known?.stop();
      const worker = new ProbeWorker({
        ...this.#options,
        userAgent: this.#options.userAgent ?? 'kube-probe/1.36',
        random: this.#options.random ?? Math.random,
        wheel: this.#wheel,
        kubeletStartedAt: this.#startedAt,
        pod,
        container,
        kind,
        probe,
        started: (containerId) => this.#isStarted(uid, container, containerId),
        changed: (success) => this.#changed({ uid, containerName: container.name, kind, success }),
      });
      workers.set(key, worker);
      worker.start();
    }
    for (const [key, worker] of workers) {
      if (wanted.has(key)) continue;
      worker.stop();
      workers.delete(key);
    }
    if (workers.size === 0) this.#pods.delete(uid);
  }

  podTerminating(pod: Pod): void {
    const workers = this.#pods.get(pod.metadata.uid ?? '');
    for (const worker of workers?.values() ?? []) if (worker.kind !== 'readiness') worker.stop();
  }

  podRemoved(uid: string): void {
    for (const worker of this.#pods.get(uid)?.values() ?? []) worker.stop();
    this.#pods.delete(uid);
  }

  verdicts(uid: string, containerName: string, containerId: string): ProbeVerdicts {
    const workers = this.#pods.get(uid);
    const of = (kind: ProbeKind): boolean | undefined =>
      workers?.get(`${containerName}/${kind}`)?.verdict(containerId);
    const startup = of('startup');
    const liveness = of('liveness');
    const readiness = of('readiness');
    return {
      ...(startup === undefined ? {} : { startup }),
      ...(liveness === undefined ? {} : { liveness }),
      ...(readiness === undefined ? {} : { readiness }),
    };
  }

  started(pod: Pod, containerName: string, containerId: string): boolean {
    const container = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
      (c) => c.name === containerName,
    );
    return container === undefined || this.#isStarted(pod.metadata.uid ?? '', container, containerId);
  }

  #isStarted(uid: string, container: Container, containerId: string): boolean {
    if (container.startupProbe === undefined) return true;
    return this.verdicts(uid, container.name, containerId).startup === true;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(change: Change): void {
    // What waited for the start-up probe need not wait for its own turn.
    if (change.kind === 'startup' && change.success) {
      this.#pods.get(change.uid)?.get(`${change.containerName}/readiness`)?.nudge();
    }
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (err) {
        this.#options.log.error(err, 'A listener to probe results failed', { err: errorMessage(err) });
      }
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (const uid of this.#pods.keys()) this.podRemoved(uid);
    this.#wheel.clear();
  }
}

/** Regular containers and sidecars are probed; other init and ephemeral containers are not. */
function* probesOf(pod: Pod): Generator<{ container: Container; kind: ProbeKind; probe: Probe }> {
  const sidecars = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars]) {
    for (const { kind, field } of KINDS) {
      const probe = container[field];
      if (probe !== undefined) yield { container, kind, probe };
    }
  }
}
