/**
 * The ConfigMaps and Secrets that the pods of this node refer to, each kept up to date by a watch of its own (the Node
 * authorizer allows nothing wider) for as long as a registered pod refers to it.
 */
import type { ConfigMap, KubeObject, Pod, Secret } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { isNotFound } from '../../client/errors.ts';
import type { createInformer } from '../../client/informer.ts';
import { CONFIG_MAPS, SECRETS, type ResourceType } from '../../client/resource.ts';
import { referencesOf } from './references.ts';

export type ObjectKind = 'configmap' | 'secret';

/** An object that is not there, or that could not be read. The message is what users see: `configmap "x" not found`. */
export class ObjectUnavailableError extends Error {
  override readonly name = 'ObjectUnavailableError';
  /** The server says that it does not exist; `false`: it could not be asked. */
  readonly notFound: boolean;
  constructor(message: string, notFound: boolean, options?: ErrorOptions) {
    super(message, options);
    this.notFound = notFound;
  }
}

/** Reads ConfigMaps and Secrets. Rejects with {@link ObjectUnavailableError}. */
export interface ObjectReader {
  configMap(namespace: string, name: string, signal?: AbortSignal): Promise<ConfigMap>;
  secret(namespace: string, name: string, signal?: AbortSignal): Promise<Secret>;
}

/** `configMapAndSecretChangeDetectionStrategy`. */
export type ChangeDetection = 'Watch' | 'Cache' | 'Get';

export interface ObjectCacheOptions {
  readonly client: ApiClient;
  readonly createInformer: typeof createInformer;
  readonly clock: Clock;
  readonly strategy: ChangeDetection;
  /** How long a read stays good with strategy `Cache`. Default 60 s. */
  readonly ttlMs?: number;
  /** How long to wait for a watch's first answer before the read fails. Default 10 s. */
  readonly syncTimeoutMs?: number;
}

/** Objects by reference count of the pods that name them. */
export class ObjectCache implements ObjectReader {
  readonly #configMaps: KindCache<ConfigMap>;
  readonly #secrets: KindCache<Secret>;
  /** UID to the keys that the pod holds. */
  readonly #held = new Map<string, { configMaps: ReadonlySet<string>; secrets: ReadonlySet<string> }>();
  readonly #listeners = new Set<(kind: ObjectKind, namespace: string, name: string) => void>();

  constructor(options: ObjectCacheOptions) {
    const changed = (kind: ObjectKind) => (namespace: string, name: string) => {
      for (const listener of this.#listeners) listener(kind, namespace, name);
    };
    this.#configMaps = new KindCache(CONFIG_MAPS, 'configmap', options, changed('configmap'));
    this.#secrets = new KindCache(SECRETS, 'secret', options, changed('secret'));
  }

  configMap(namespace: string, name: string, signal?: AbortSignal): Promise<ConfigMap> {
    return this.#configMaps.read(namespace, name, signal);
  }

  secret(namespace: string, name: string, signal?: AbortSignal): Promise<Secret> {
    return this.#secrets.read(namespace, name, signal);
  }

  /** From now on the objects that this pod refers to are kept fresh. Idempotent; follows changes of the spec. */
  register(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const namespace = pod.metadata.namespace ?? '';
    const references = referencesOf(pod);
    const keysOf = (names: ReadonlySet<string>): ReadonlySet<string> =>
      new Set(Array.from(names, (name) => `${namespace}/${name}`));
    const next = { configMaps: keysOf(references.configMaps), secrets: keysOf(references.secrets) };
    const before = this.#held.get(uid);
    this.#held.set(uid, next);
    this.#configMaps.exchange(before?.configMaps, next.configMaps);
    this.#secrets.exchange(before?.secrets, next.secrets);
  }

  unregister(uid: string): void {
    const before = this.#held.get(uid);
    this.#held.delete(uid);
    this.#configMaps.exchange(before?.configMaps, undefined);
    this.#secrets.exchange(before?.secrets, undefined);
  }

  /** Called when a watched object appeared, changed or went. Returns what stops it. */
  onChange(listener: (kind: ObjectKind, namespace: string, name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Number of watches open. */
  get watches(): number {
    return this.#configMaps.watches + this.#secrets.watches;
  }

  /** Stops all watches. */
  close(): void {
    for (const uid of this.#held.keys()) this.unregister(uid);
  }
}

interface Entry<T> {
  holders: number;
  /** Aborted when the last holder is gone or the object is immutable. */
  stop: AbortController | undefined;
  get: (() => T | undefined) | undefined;
  synced: Promise<void> | undefined;
  lastError: unknown;
  /** An immutable object, or what strategy `Cache` read. */
  kept: { readonly object: T; readonly at: number } | undefined;
}

class KindCache<T extends KubeObject & { readonly immutable?: boolean }> {
  readonly #resource: ResourceType<T>;
  readonly #kind: ObjectKind;
  readonly #options: ObjectCacheOptions;
  readonly #changed: (namespace: string, name: string) => void;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(
    resource: ResourceType<T>,
    kind: ObjectKind,
    options: ObjectCacheOptions,
    changed: (namespace: string, name: string) => void,
  ) {
    this.#resource = resource;
    this.#kind = kind;
    this.#options = options;
    this.#changed = changed;
  }

  get watches(): number {
    let open = 0;
    for (const entry of this.#entries.values()) if (entry.stop !== undefined) open++;
    return open;
  }

  exchange(before: ReadonlySet<string> | undefined, next: ReadonlySet<string> | undefined): void {
    for (const key of next ?? []) if (before?.has(key) !== true) this.#hold(key);
    for (const key of before ?? []) if (next?.has(key) !== true) this.#release(key);
  }

  #hold(key: string): void {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        holders: 0,
        stop: undefined,
        get: undefined,
        synced: undefined,
        lastError: undefined,
        kept: undefined,
      };
      this.#entries.set(key, entry);
      if (this.#options.strategy === 'Watch') this.#watch(key, entry);
    } else if (entry.stop === undefined && entry.kept?.object.immutable !== true) {
      // Another pod names it anew: strategy Cache must not show it something older than the pod.
      entry.kept = undefined;
    }
    entry.holders++;
  }

  #release(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || --entry.holders > 0) return;
    entry.stop?.abort(new Error('no pod refers to it any more'));
    this.#entries.delete(key);
  }

  #watch(key: string, entry: Entry<T>): void {
    const { namespace, name } = split(key);
    const stop = new AbortController();
    const informer = this.#options.createInformer(this.#options.client, this.#resource, {
      namespace,
      fieldSelector: `metadata.name=${name}`,
      clock: this.#options.clock,
      onError: (err) => {
        entry.lastError = err;
      },
    });
    const keep = (object: T): void => {
      entry.lastError = undefined;
      if (object.immutable === true) {
        // It can only be deleted now, and pods that have it go on with it: no need to watch.
        entry.kept = { object, at: this.#options.clock.monotonic() };
        stop.abort(new Error('the object is immutable'));
        entry.stop = undefined;
      }
      this.#changed(namespace, name);
    };
    informer.addHandler({
      add: keep,
      update: (_old, object) => keep(object),
      delete: () => this.#changed(namespace, name),
    });
    entry.stop = stop;
    entry.get = () => informer.store.get(key);
    const synced = informer.synced(stop.signal);
    entry.synced = synced;
    synced.catch(() => undefined); // aborted: nobody waits any more
    informer.run(stop.signal).catch((err: unknown) => {
      if (!stop.signal.aborted) entry.lastError = err;
    });
  }

  async read(namespace: string, name: string, signal?: AbortSignal): Promise<T> {
    const entry = this.#entries.get(`${namespace}/${name}`);
    if (entry?.kept !== undefined && this.#isFresh(entry.kept)) return entry.kept.object;
    if (entry?.get === undefined) return this.#fetch(namespace, name, entry, signal);
    await this.#waitSynced(entry, signal);
    // The watch may have ended because the object turned out immutable.
    const object = entry.kept?.object ?? entry.get();
    if (object === undefined) throw new ObjectUnavailableError(`${this.#kind} "${name}" not found`, true);
    return object;
  }

  #isFresh(kept: { readonly object: T; readonly at: number }): boolean {
    if (kept.object.immutable === true) return true;
    return (
      this.#options.strategy === 'Cache' &&
      this.#options.clock.monotonic() - kept.at < (this.#options.ttlMs ?? 60_000)
    );
  }

  async #fetch(
    namespace: string,
    name: string,
    entry: Entry<T> | undefined,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      const object = await this.#options.client.get(
        this.#resource,
        { namespace, name },
        signal === undefined ? {} : { signal },
      );
      if (entry !== undefined) entry.kept = { object, at: this.#options.clock.monotonic() };
      return object;
    } catch (err) {
      if (isNotFound(err)) {
        throw new ObjectUnavailableError(`${this.#kind} "${name}" not found`, true);
      }
      throw new ObjectUnavailableError(
        `failed to fetch ${this.#kind} "${name}": ${errorMessage(err)}`,
        false,
        {
          cause: err,
        },
      );
    }
  }

  async #waitSynced(entry: Entry<T>, signal?: AbortSignal): Promise<void> {
    const late = new AbortController();
    const timer = this.#options.clock.setTimer(this.#options.syncTimeoutMs ?? 10_000, () =>
      late.abort(new Error('timed out waiting for the condition')),
    );
    const aborted = AbortSignal.any(signal === undefined ? [late.signal] : [late.signal, signal]);
    try {
      await Promise.race([
        // An immutable object ends its own watch, perhaps before anybody saw it synced.
        entry.synced?.catch((err: unknown) =>
          entry.kept === undefined ? Promise.reject(toError(err)) : undefined,
        ),
        new Promise<never>((_resolve, reject) => {
          const fail = (): void => reject(toError(aborted.reason));
          if (aborted.aborted) fail();
          else aborted.addEventListener('abort', fail, { once: true });
        }),
      ]);
    } catch (err) {
      signal?.throwIfAborted();
      const why = entry.lastError === undefined ? '' : `: ${errorMessage(entry.lastError)}`;
      throw new ObjectUnavailableError(
        `failed to sync ${this.#kind} cache: ${errorMessage(err)}${why}`,
        false,
        {
          cause: entry.lastError ?? err,
        },
      );
    } finally {
      timer.cancel();
    }
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}

function split(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
