/** Trust anchors of ClusterTrustBundles for projected volumes (KEP-3257). */
import { labelSelector } from '../../api/selector.ts';
import type { ClusterTrustBundle, Volume } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { ApiClient } from '../../client/client.ts';
import { isNotFound } from '../../client/errors.ts';
import { CLUSTER_TRUST_BUNDLES } from '../../client/resource.ts';

type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];
export type TrustBundleSource = NonNullable<Source['clusterTrustBundle']>;

export interface TrustAnchors {
  /** PEM, each certificate once. */
  readonly pem: string;
  /** When to look again, milliseconds of the monotonic clock. */
  readonly refreshAtMs: number;
}

export interface TrustBundleReader {
  /** Rejects when there is none and the source is not optional. */
  anchors(source: TrustBundleSource, signal: AbortSignal): Promise<TrustAnchors>;
}

/** However many pods ask, the same is not read more often than that. */
const FRESH_MS = 60_000;

/** @param enabled the gate `ClusterTrustBundleProjection` */
export function createTrustBundleReader(
  client: Pick<ApiClient, 'get' | 'list'>,
  clock: Pick<Clock, 'monotonic'>,
  enabled: boolean,
): TrustBundleReader {
  const known = new Map<string, TrustAnchors & { readonly found: boolean }>();

  async function read(source: TrustBundleSource, signal: AbortSignal): Promise<ClusterTrustBundle[]> {
    if (source.name !== undefined) {
      try {
        return [await client.get(CLUSTER_TRUST_BUNDLES, { name: source.name }, { signal })];
      } catch (err) {
        if (isNotFound(err)) return [];
        throw err;
      }
    }
    const selector = labelSelector(source.labelSelector);
    const fieldSelector = `spec.signerName=${source.signerName ?? ''}`;
    const { items } = await client.list(CLUSTER_TRUST_BUNDLES, { fieldSelector, signal });
    return items.filter(
      ({ metadata, spec }) =>
        spec.signerName === source.signerName && selector.matches(metadata.labels ?? {}),
    );
  }

  return {
    async anchors(source, signal) {
      if (!enabled)
        throw new Error(
          'projected volume source clusterTrustBundle: ClusterTrustBundleProjection is not enabled',
        );
      const { name, signerName, optional = false } = source;
      const key = JSON.stringify([name, signerName, source.labelSelector]);
      const now = clock.monotonic();
      for (const [old, { refreshAtMs }] of known) if (refreshAtMs <= now) known.delete(old);
      let anchors = known.get(key);
      if (anchors === undefined) {
        const bundles = await read(source, signal);
        anchors = {
          pem: mergedCertificates(bundles.map(({ spec }) => spec.trustBundle)),
          refreshAtMs: now + FRESH_MS,
          found: bundles.length > 0,
        };
        // What is not there yet is looked for with each try.
        if (anchors.found) known.set(key, anchors);
      }
      if (!anchors.found && !optional) {
        throw new Error(
          name === undefined
            ? 'combination of signerName and labelSelector matched zero ClusterTrustBundles'
            : `clustertrustbundle.certificates.k8s.io "${name}" not found`,
        );
      }
      return anchors;
    },
  };
}

/** The certificates of all bundles, each once, in an order that does not depend on that of the bundles. */
export function mergedCertificates(bundles: readonly string[]): string {
  const blocks = bundles.flatMap(
    (pem) => pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [],
  );
  return [...new Set(blocks.map((block) => `${block.replaceAll('\r', '')}\n`))].sort().join('');
}
