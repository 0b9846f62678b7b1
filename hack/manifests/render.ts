/**
 * The manifests under deploy/manifests with the settings of one cluster filled in. The files apply as they are to a
 * cluster with the usual defaults; this replaces those defaults, and only where they stand.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Manifest files, by name without ending. */
export type ManifestName =
  | 'coredns'
  | 'ts-kubelet-rbac'
  | 'ts-kube-proxy'
  | 'ts-kube-proxy-rbac'
  | 'ts-scheduler'
  | 'ts-scheduler-rbac'
  | 'webapp';

/** What differs between clusters. A setting left out keeps the manifest's default. */
export interface ManifestSettings {
  /** coredns: ClusterIP of the Service kube-dns. */
  readonly dnsService?: string;
  /** webapp: NodePort of the Service. */
  readonly nodePort?: number;
  /** ts-scheduler: name of its profile, e.g. `default-scheduler`. */
  readonly schedulerName?: string;
  /** ts-scheduler: name of the Lease it leads by, e.g. that of a scheduler it takes over from. */
  readonly schedulerLease?: string;
  /** ts-kube-proxy: range of the pods' addresses. */
  readonly clusterCIDR?: string;
  /** ts-kube-proxy: `iptables` or `nftables`. */
  readonly proxyMode?: string;
  /** ts-kube-proxy: address of the apiserver that does not need a proxy. */
  readonly apiserver?: { readonly host: string; readonly port: number };
}

interface Replacement {
  readonly manifest: ManifestName;
  readonly from: string;
  readonly to: (settings: ManifestSettings) => string | undefined;
}

const REPLACEMENTS: readonly Replacement[] = [
  {
    manifest: 'coredns',
    from: 'clusterIP: 10.96.0.10\n',
    to: ({ dnsService }) => (dnsService === undefined ? undefined : `clusterIP: ${dnsService}\n`),
  },
  {
    manifest: 'webapp',
    from: 'nodePort: 30080\n',
    to: ({ nodePort }) => (nodePort === undefined ? undefined : `nodePort: ${nodePort}\n`),
  },
  {
    manifest: 'ts-scheduler',
    from: '- schedulerName: ts-scheduler\n',
    to: ({ schedulerName }) =>
      schedulerName === undefined ? undefined : `- schedulerName: ${schedulerName}\n`,
  },
  {
    manifest: 'ts-scheduler',
    from: 'resourceName: ts-scheduler\n',
    to: ({ schedulerLease }) =>
      schedulerLease === undefined ? undefined : `resourceName: ${schedulerLease}\n`,
  },
  {
    manifest: 'ts-kube-proxy',
    from: "clusterCIDR: ''\n",
    to: ({ clusterCIDR }) => (clusterCIDR === undefined ? undefined : `clusterCIDR: '${clusterCIDR}'\n`),
  },
  {
    manifest: 'ts-kube-proxy',
    from: '    mode: iptables\n',
    to: ({ proxyMode }) => (proxyMode === undefined ? undefined : `    mode: ${proxyMode}\n`),
  },
];

/**
 * Text of one manifest for `kubectl apply -f -`.
 *
 * @throws Error when a default that should be replaced does not stand in the file exactly once
 */
export async function renderManifest(
  repoDir: string,
  name: ManifestName,
  settings: ManifestSettings = {},
): Promise<string> {
  const text = await readFile(join(repoDir, 'deploy', 'manifests', `${name}.yaml`), 'utf8');
  return fillIn(text, name, settings);
}

/** {@link renderManifest} on the manifest's text. */
export function fillIn(text: string, name: ManifestName, settings: ManifestSettings): string {
  let filled = text;
  for (const { manifest, from, to } of REPLACEMENTS) {
    const replacement = manifest === name ? to(settings) : undefined;
    if (replacement === undefined) continue;
    const parts = filled.split(from);
    if (parts.length !== 2) {
      throw new Error(
        `manifest ${name}: "${from.trim()}" stands in it ${parts.length - 1} times, want exactly once`,
      );
    }
    filled = parts.join(replacement);
  }
  if (name === 'ts-kube-proxy' && settings.apiserver !== undefined) {
    filled += apiserverConfigMap(settings.apiserver);
  }
  return filled;
}

function apiserverConfigMap({ host, port }: { readonly host: string; readonly port: number }): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata:
  name: ts-kube-proxy-apiserver
  namespace: kube-system
data:
  KUBERNETES_SERVICE_HOST: '${host}'
  KUBERNETES_SERVICE_PORT: '${port}'
`;
}
