/** The pods that the kubelet was told to run, of all sources, under the kubelet's own UIDs. */
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { podUid } from '../runtime/runtime_names.ts';

export const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
export const HASH_ANNOTATION = 'kubernetes.io/config.hash';
export const SEEN_ANNOTATION = 'kubernetes.io/config.seen';
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** In the API only, to show a static pod of some kubelet. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** From a file or URL: not controlled by the API. */
export function isStatic(pod: Pod): boolean {
  const source = pod.metadata.annotations?.[SOURCE_ANNOTATION];
  return source !== undefined && source !== 'api' && !isMirror(pod);
}

export interface PodManagerListener {
  /** A pod is new or changed. */
  pod(pod: Pod): void;
  /** No source names the pod any more. */
  gone(uid: string): void;
  /** The mirror of a static pod appeared, changed or went. */
  mirror(staticUid: string | undefined, namespace: string, name: string): void;
}

export class PodManager {
  readonly #pods = new Map<string, Pod>();
  /** By namespace/name. */
  readonly #mirrors = new Map<string, Pod>();
  readonly #names = new Map<string, string>();
  readonly #listeners: Partial<PodManagerListener>[] = [];
  readonly #asTaken: (pod: Pod) => Pod;

  /** @param asTaken the pod as this kubelet is to see it */
  constructor(asTaken: (pod: Pod) => Pod = (pod) => pod) {
    this.#asTaken = asTaken;
  }

  /** Listeners are told in the order in which they came. */
  listen(listener: Partial<PodManagerListener>): void {
    this.#listeners.push(listener);
  }

  pods(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  pod(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  podByName(namespace: string, name: string): Pod | undefined {
    return this.#pods.get(this.#names.get(`${namespace}/${name}`) ?? '');
  }

  mirrorOf(pod: Pod): Pod | undefined {
    return this.#mirrors.get(keyOf(pod));
  }

  mirrors(): readonly Pod[] {
    return [...this.#mirrors.values()];
  }

  /** The object in the API that shows this pod's status. */
  apiPod(uid: string): Pod | undefined {
    const pod = this.#pods.get(uid);
    if (pod === undefined) return undefined;
    return isStatic(pod) ? this.mirrorOf(pod) : pod;
  }

  set(given: Pod): void {
    if (isMirror(given)) {
      this.#mirrors.set(keyOf(given), given);
      this.#notifyMirror(given);
      return;
    }
    const pod = this.#asTaken(given);
    const uid = podUid(pod);
    this.#pods.set(uid, pod);
    this.#names.set(keyOf(pod), uid);
    for (const listener of this.#listeners) listener.pod?.(pod);
  }

  delete(pod: Pod): void {
    if (isMirror(pod)) {
      if (this.#mirrors.get(keyOf(pod))?.metadata.uid === pod.metadata.uid) this.#mirrors.delete(keyOf(pod));
      this.#notifyMirror(pod);
      return;
    }
    const uid = podUid(pod);
    this.#pods.delete(uid);
    if (this.#names.get(keyOf(pod)) === uid) this.#names.delete(keyOf(pod));
    for (const listener of this.#listeners) listener.gone?.(uid);
  }

  #notifyMirror(pod: Pod): void {
    const owner = this.#names.get(keyOf(pod));
    const namespace = pod.metadata.namespace ?? '';
    for (const listener of this.#listeners) listener.mirror?.(owner, namespace, pod.metadata.name);
  }
}
