/** Whether the container runtime is up and can make pod networks; asked every few seconds. */
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';

export interface RuntimeHandler {
  readonly name: string;
  readonly features: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean };
}

const INTERVAL_MS = 5000;
/** A runtime that does not answer for so long is down. */
const DOWN_AFTER_MS = 30_000;

export class RuntimeHealth {
  readonly #cri: RuntimeClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #lastUpMs: number | undefined;
  #runtimeProblem: string | undefined = 'container runtime status check may not have completed yet';
  #networkProblem: string | undefined = 'container runtime status check may not have completed yet';
  #handlers: readonly RuntimeHandler[] = [];
  #features: { readonly supplementalGroupsPolicy: boolean } | undefined;
  #name = 'unknown';
  #version = '';

  constructor(cri: RuntimeClient, clock: Clock, log: Log) {
    this.#cri = cri;
    this.#clock = clock;
    this.#log = log;
  }

  /** `containerd` */
  get runtimeName(): string {
    return this.#name;
  }

  /** `containerd://1.6.20`, `undefined` before the runtime answered. */
  get version(): string | undefined {
    return this.#version === '' ? undefined : `${this.#name}://${this.#version.replace(/^v(?=\d)/, '')}`;
  }

  get handlers(): readonly RuntimeHandler[] {
    return this.#handlers;
  }

  /** What the runtime can do, `undefined` where it does not tell. */
  get features(): { readonly supplementalGroupsPolicy: boolean } | undefined {
    return this.#features;
  }

  /** Why no pod network can be made. */
  get networkProblem(): string | undefined {
    return this.#networkProblem;
  }

  /** Reasons for Ready=False, as stock words them. */
  problems(): readonly string[] {
    const problems: string[] = [];
    const since = this.#lastUpMs === undefined ? undefined : this.#clock.monotonic() - this.#lastUpMs;
    if (since === undefined) problems.push(this.#runtimeProblem ?? 'container runtime is down');
    else if (since > DOWN_AFTER_MS) problems.push('container runtime is down');
    if (this.#networkProblem !== undefined)
      problems.push(`container runtime network not ready: ${this.#networkProblem}`);
    return problems;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Asks once. Rejects when the runtime does not answer. */
  async check(signal: AbortSignal): Promise<void> {
    const before = JSON.stringify(this.problems());
    try {
      const options = { signal, timeoutMs: 10_000 };
      if (this.#version === '') {
        const version = await this.#cri.version({}, options);
        this.#name = version.runtimeName;
        this.#version = version.runtimeVersion;
      }
      const { status, runtimeHandlers, features } = await this.#cri.status({}, options);
      const condition = (type: string) => status?.conditions.find((c) => c.type === type);
      const ready = condition('RuntimeReady');
      const network = condition('NetworkReady');
      this.#runtimeProblem =
        ready?.status === true ? undefined : `runtime not ready: ${ready?.message ?? ''}`;
      if (ready?.status === true) this.#lastUpMs = this.#clock.monotonic();
      this.#networkProblem =
        network?.status === true
          ? undefined
          : `NetworkReady=false reason:${network?.reason ?? ''} message:${network?.message ?? ''}`;
      this.#features =
        features === undefined ? undefined : { supplementalGroupsPolicy: features.supplementalGroupsPolicy };
      this.#handlers = runtimeHandlers.map(({ name, features }) => ({
        name,
        features: {
          recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
          userNamespaces: features?.userNamespaces ?? false,
        },
      }));
    } catch (error) {
      if (!isAbort(error, signal)) {
        if (this.#runtimeProblem === undefined) this.#log.error(error, 'Container runtime does not answer');
        this.#runtimeProblem = errorMessage(error);
        this.#version = ''; // it may come back as another one
      }
      throw error;
    } finally {
      if (JSON.stringify(this.problems()) !== before) for (const listener of this.#listeners) listener();
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.check(signal).catch(() => undefined); // kept as the problem
      await this.#clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
    }
  }
}
