/** Mirror pods: what the API shows of static pods. */
import type { Node, Pod } from '../../api/types.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { isAlreadyExists, isNotFound } from '../../client/errors.ts';
import { PODS } from '../../client/resource.ts';
import { HASH_ANNOTATION, MIRROR_ANNOTATION } from './pod_manager.ts';

export interface MirrorPodsOptions {
  readonly client: ApiClient;
  readonly log: Log;
  readonly node: () => Node;
}

export class MirrorPods {
  readonly #options: MirrorPodsOptions;

  constructor(options: MirrorPodsOptions) {
    this.#options = options;
  }

  /** True when the mirror shows this static pod as it is. */
  static matches(pod: Pod, mirror: Pod): boolean {
    return mirror.metadata.annotations?.[MIRROR_ANNOTATION] === pod.metadata.annotations?.[HASH_ANNOTATION];
  }

  /** Creates the mirror; one that is there already is fine. */
  async create(pod: Pod, signal: AbortSignal): Promise<void> {
    const { client, node, log } = this.#options;
    const hash = pod.metadata.annotations?.[HASH_ANNOTATION] ?? '';
    const { uid: _uid, creationTimestamp: _created, ...metadata } = pod.metadata;
    const owner = node().metadata;
    const mirror = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, [MIRROR_ANNOTATION]: hash },
        ...(owner.uid === undefined
          ? {}
          : {
              ownerReferences: [
                { apiVersion: 'v1', kind: 'Node', name: owner.name, uid: owner.uid, controller: true },
              ],
            }),
      },
      spec: pod.spec,
    };
    try {
      await client.create(PODS, mirror, { signal });
      log.info('Created a mirror pod for static pod', {
        pod: `${metadata.namespace ?? ''}/${metadata.name}`,
      });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Deletes the mirror at once. */
  async delete(mirror: Pod, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = mirror.metadata;
    try {
      await this.#options.client.delete(
        PODS,
        { namespace, name },
        { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }), signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
