import { parseQuantity } from '../../api/quantity.ts';
import type { Pod, Volume } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { ObjectReader } from '../objects/object_cache.ts';
import { configMapPlugin } from './config_map.ts';
import { downwardApiPlugin } from './downward_api.ts';
import { emptyDirPlugin } from './empty_dir.ts';
import { hostPathPlugin } from './host_path.ts';
import type { PodCertificates } from './pod_certificate.ts';
import type { VolumePlugin } from './plugin.ts';
import { projectedPlugin } from './projected.ts';
import { secretPlugin } from './secret.ts';
import type { TokenSource } from './token.ts';
import type { TrustBundleReader } from './trust_bundle.ts';

export interface InTreeOptions {
  readonly objects: ObjectReader;
  readonly tokens: TokenSource;
  readonly trustBundles: TrustBundleReader;
  readonly certificates: PodCertificates;
  /** `node.status.allocatable`. */
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Image volumes are mounted by the runtime alone. */
const imagePlugin: VolumePlugin = {
  name: 'kubernetes.io/image',
  supports: (volume: Volume) => volume.image !== undefined,
  setUp: () => Promise.resolve({ hostPath: '', readOnly: true }),
};

/** The volume types that need nothing but the node itself. */
export function inTreePlugins({
  objects,
  tokens,
  trustBundles,
  certificates,
  allocatable,
  clock,
}: InTreeOptions): readonly VolumePlugin[] {
  const deps = { clock, memoryBound: (pod: Pod) => memoryBound(pod, allocatable()) };
  return [
    emptyDirPlugin(deps),
    hostPathPlugin,
    configMapPlugin(objects, deps),
    secretPlugin(objects, deps),
    downwardApiPlugin(allocatable, deps),
    projectedPlugin({ ...deps, objects, tokens, trustBundles, certificates, allocatable }),
    imagePlugin,
  ];
}

/**
 * What a pod's memory-backed volumes may take at most, in bytes: the sum of its containers' memory limits where all have
 * one, else the node's allocatable memory; 0 when neither is known.
 */
export function memoryBound(pod: Pod, allocatable: Readonly<Record<string, string>>): number {
  const total = allocatable['memory'] === undefined ? 0n : parseQuantity(allocatable['memory']).value();
  const ofPod = pod.spec.resources?.limits?.['memory'];
  let sum = 0n;
  if (ofPod !== undefined) sum = parseQuantity(ofPod).value();
  else {
    for (const container of pod.spec.containers) {
      const limit = container.resources?.limits?.['memory'];
      if (limit === undefined) return Number(total);
      sum += parseQuantity(limit).value();
    }
  }
  return Number(total > 0n && sum > total ? total : sum);
}
