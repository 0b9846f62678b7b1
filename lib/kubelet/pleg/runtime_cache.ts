/**
 * What the runtime has, pod by pod: kept up to date by a periodic relist, by CRI events where the runtime sends them, and
 * by a look at one pod right after the kubelet itself changed something.
 */
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isCriError } from '../../cri/errors.ts';
import type { Container, PodSandbox, RuntimeClient } from '../../cri/runtime_client.ts';
import type {
  ContainerRuntimeStatus,
  PodRef,
  PodRuntimeStatus,
  RuntimeView,
  SandboxRuntimeStatus,
} from '../contracts.ts';
import { POD_NAMESPACE_LABEL, POD_NAME_LABEL, POD_UID_LABEL } from '../runtime/runtime_names.ts';
import { containerStatus, neverStarted, newestFirst, sandboxStatus } from './runtime_status.ts';

export interface RuntimeCacheOptions {
  readonly cri: RuntimeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Time between relists without CRI events. Default 1 s. */
  readonly relistMs?: number;
  /** Time between relists while CRI events flow. Default 10 s. */
  readonly relistWithEventsMs?: number;
  /** Told how long each relist took. */
  readonly relisted?: (durationMs: number) => void;
}

interface Listed {
  readonly sandboxes: PodSandbox[];
  readonly containers: Container[];
}

/** Stock calls a relist that is older than this unhealthy. */
const UNHEALTHY_MS = 180_000;

export class RuntimeCache implements RuntimeView {
  readonly #options: RuntimeCacheOptions;
  readonly #pods = new Map<string, PodRuntimeStatus>();
  /** What the last relist saw of each pod: ids and states, to find out who changed. */
  readonly #seen = new Map<string, string>();
  readonly #listeners = new Set<(uid: string) => void>();
  readonly #inspecting = new Map<string, Promise<void>>();
  readonly #bornAtMs: number;
  #lastRelistMs: number | undefined;
  #lastError: string | undefined;
  #events = false;

  constructor(options: RuntimeCacheOptions) {
    this.#options = options;
    this.#bornAtMs = options.clock.now();
  }

  podStatus(uid: string): PodRuntimeStatus | undefined {
    return this.#pods.get(uid);
  }

  pods(): readonly PodRuntimeStatus[] {
    return [...this.#pods.values()];
  }

  onChange(listener: (uid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Why the view cannot be trusted, `undefined` while it is fresh. */
  problem(): string | undefined {
    if (this.#lastRelistMs === undefined) return 'pleg has yet to be successful';
    const age = this.#options.clock.monotonic() - this.#lastRelistMs;
    if (age <= UNHEALTHY_MS) return undefined;
    return `pleg was last seen active ${Math.round(age / 1000)}s ago; threshold is 3m0s`;
  }

  /** Why the last relist failed, `undefined` when it succeeded. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** When the last relist succeeded, milliseconds since the epoch. */
  get lastRelistAtMs(): number | undefined {
    const { clock } = this.#options;
    return this.#lastRelistMs === undefined
      ? undefined
      : clock.now() - (clock.monotonic() - this.#lastRelistMs);
  }

  /** True once the runtime was looked at as a whole. */
  get synced(): boolean {
    return this.#lastRelistMs !== undefined;
  }

  /** Looks after the runtime until the signal aborts; failures are retried at the next relist. */
  async run(signal: AbortSignal): Promise<void> {
    const events = this.#followEvents(signal);
    while (!signal.aborted) {
      try {
        await this.relist(signal);
      } catch (error) {
        if (isAbort(error, signal)) break;
        const message = errorMessage(error);
        if (message !== this.#lastError) this.#options.log.error(error, 'Runtime relist failed');
        this.#lastError = message;
      }
      const wait = this.#events
        ? (this.#options.relistWithEventsMs ?? 10_000)
        : (this.#options.relistMs ?? 1000);
      await this.#options.clock.sleep(wait, signal).catch(() => undefined);
    }
    await events;
  }

  /** Lists everything once and looks closer at the pods that changed. Rejects when the runtime does. */
  async relist(signal?: AbortSignal): Promise<void> {
    const { cri, clock, relisted } = this.#options;
    const began = clock.monotonic();
    const [sandboxes, containers] = await Promise.all([
      cri.listPodSandbox({}, { signal, timeoutMs: LIST_TIMEOUT_MS }),
      cri.listContainers({}, { signal, timeoutMs: LIST_TIMEOUT_MS }),
    ]);
    const byPod = group(sandboxes.items, containers.containers);
    const changed: string[] = [];
    for (const [uid, listed] of byPod) {
      const signature = signatureOf(listed);
      if (this.#seen.get(uid) === signature) continue;
      this.#seen.set(uid, signature);
      changed.push(uid);
    }
    for (const uid of this.#seen.keys()) {
      if (byPod.has(uid)) continue;
      this.#seen.delete(uid);
      if (this.#pods.has(uid)) changed.push(uid);
    }
    await Promise.all(
      changed.map((uid) =>
        this.inspect(uid, signal).catch((error: unknown) => {
          this.#seen.delete(uid); // again at the next relist
          if (!isAbort(error, signal))
            this.#options.log.error(error, 'Cannot read the state of a pod from the runtime', {
              podUID: uid,
            });
        }),
      ),
    );
    this.#lastRelistMs = clock.monotonic();
    relisted?.(this.#lastRelistMs - began);
    this.#lastError = undefined;
  }

  /** Looks at one pod now; listeners hear of it when something changed. A look under way is followed by another. */
  async inspect(uid: string, signal?: AbortSignal): Promise<void> {
    const before = this.#inspecting.get(uid);
    const run = (async () => {
      if (before !== undefined) await before.catch(() => undefined);
      await this.#look(uid, signal);
    })();
    this.#inspecting.set(uid, run);
    try {
      await run;
    } finally {
      if (this.#inspecting.get(uid) === run) this.#inspecting.delete(uid);
    }
  }

  async #look(uid: string, signal: AbortSignal | undefined): Promise<void> {
    const { cri } = this.#options;
    const labelSelector = { [POD_UID_LABEL]: uid };
    const options = { signal, timeoutMs: LIST_TIMEOUT_MS };
    const [sandboxes, containers] = await Promise.all([
      cri.listPodSandbox({ filter: { labelSelector } }, options),
      cri.listContainers({ filter: { labelSelector } }, options),
    ]);
    const listed: Listed = { sandboxes: sandboxes.items, containers: containers.containers };
    const ref = refOf(listed);
    if (ref === undefined) {
      this.#seen.delete(uid);
      if (this.#pods.delete(uid)) this.#changed(uid);
      return;
    }
    const known = this.#pods.get(uid);
    const [sandboxStatuses, containerStatuses] = await Promise.all([
      Promise.all(listed.sandboxes.map((s) => this.#sandbox(s, signal))),
      Promise.all(listed.containers.map((c) => this.#container(c, known, signal))),
    ]);
    const status: PodRuntimeStatus = {
      ...ref,
      // By their numbers: the clock may have been set back between two of them.
      sandboxes: present(sandboxStatuses).sort(
        (a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs,
      ),
      containers: newestFirst(present(containerStatuses)),
    };
    this.#seen.set(uid, signatureOf(listed));
    this.#pods.set(uid, status);
    if (known === undefined || JSON.stringify(known) !== JSON.stringify(status)) this.#changed(uid);
  }

  async #sandbox(
    sandbox: PodSandbox,
    signal: AbortSignal | undefined,
  ): Promise<SandboxRuntimeStatus | undefined> {
    const response = await unlessGone(
      this.#options.cri.podSandboxStatus(
        { podSandboxId: sandbox.id },
        { signal, timeoutMs: LIST_TIMEOUT_MS },
      ),
    );
    return response?.status === undefined ? undefined : sandboxStatus(response.status);
  }

  async #container(
    container: Container,
    known: PodRuntimeStatus | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ContainerRuntimeStatus | undefined> {
    // What exited does not change any more.
    const before = known?.containers.find((c) => c.id === container.id);
    if (before?.state === 'exited') return before;
    const response = await unlessGone(
      this.#options.cri.containerStatus(
        { containerId: container.id },
        { signal, timeoutMs: LIST_TIMEOUT_MS },
      ),
    );
    return response?.status === undefined
      ? undefined
      : neverStarted(containerStatus(response.status, container.podSandboxId), this.#bornAtMs);
  }

  async #followEvents(signal: AbortSignal): Promise<void> {
    const { cri, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const event of cri.getContainerEvents({}, { signal, timeoutMs: undefined })) {
          this.#events = true;
          const uid = event.podSandboxStatus?.metadata?.uid;
          if (uid === undefined || uid === '') continue;
          this.inspect(uid, signal).catch((error: unknown) => {
            if (!isAbort(error, signal))
              log.error(error, 'Cannot read the state of a pod from the runtime', { podUID: uid });
          });
        }
      } catch (error) {
        if (isAbort(error, signal)) return;
        this.#events = false;
        if (isCriError(error, 'UNIMPLEMENTED')) {
          log.v(1).info('The runtime sends no container events; relisting instead');
          // A newer runtime may come back on the socket.
          while (!signal.aborted && !cri.supports('getContainerEvents'))
            await clock.sleep(10_000, signal).catch(() => undefined);
          continue;
        }
        log.v(2).info('Container event stream ended', { err: errorMessage(error) });
      }
      this.#events = false;
      await clock.sleep(1000, signal).catch(() => undefined);
    }
  }

  #changed(uid: string): void {
    for (const listener of this.#listeners) listener(uid);
  }
}

const LIST_TIMEOUT_MS = 60_000;

function group(sandboxes: readonly PodSandbox[], containers: readonly Container[]): Map<string, Listed> {
  const pods = new Map<string, Listed>();
  const of = (labels: Readonly<Record<string, string>>): Listed | undefined => {
    const uid = labels[POD_UID_LABEL];
    if (uid === undefined || uid === '') return undefined;
    const existing = pods.get(uid);
    if (existing !== undefined) return existing;
    const created: Listed = { sandboxes: [], containers: [] };
    pods.set(uid, created);
    return created;
  };
  for (const sandbox of sandboxes) of(sandbox.labels)?.sandboxes.push(sandbox);
  for (const container of containers) of(container.labels)?.containers.push(container);
  return pods;
}

function signatureOf({ sandboxes, containers }: Listed): string {
  return [...sandboxes, ...containers]
    .map(({ id, state }) => `${id}=${state}`)
    .sort()
    .join();
}

function refOf({ sandboxes, containers }: Listed): PodRef | undefined {
  const labels = (sandboxes[0] ?? containers[0])?.labels;
  if (labels === undefined) return undefined;
  return {
    uid: labels[POD_UID_LABEL] ?? '',
    namespace: labels[POD_NAMESPACE_LABEL] ?? '',
    name: labels[POD_NAME_LABEL] ?? '',
  };
}

async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isCriError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}
