/** What of the API a pod refers to: a static pod must not, as it has to run without the API. Pure. */
import type { Pod } from '../../api/types.ts';
import { referencesOf } from '../objects/references.ts';

/** The resource of the first object that the pod refers to, `secrets` and the like; `undefined`: it refers to none. */
export function referencedResource(pod: Pod): string | undefined {
  const { serviceAccount = '', serviceAccountName = '', resourceClaims = [], volumes = [] } = pod.spec;
  const { configMaps, secrets } = referencesOf(pod);
  const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
  const found: readonly (readonly [string, boolean])[] = [
    [
      'serviceaccounts',
      serviceAccount + serviceAccountName !== '' || sources.some((s) => s.serviceAccountToken !== undefined),
    ],
    ['secrets', secrets.size > 0 || volumes.some(({ csi }) => csi?.nodePublishSecretRef !== undefined)],
    ['configmaps', configMaps.size > 0],
    [
      'persistentvolumeclaims',
      volumes.some((v) => v.persistentVolumeClaim !== undefined || v.ephemeral !== undefined),
    ],
    ['clustertrustbundles', sources.some((source) => source.clusterTrustBundle !== undefined)],
    ['podcertificaterequests', sources.some((source) => source.podCertificate !== undefined)],
    ['resourceclaims', resourceClaims.length > 0],
  ];
  return found.find(([, refers]) => refers)?.[0];
}
