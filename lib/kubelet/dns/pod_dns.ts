import type { Pod } from '../../api/types.ts';
import type { PodDns } from '../contracts.ts';

/** What pods' DNS is computed from besides the pod. */
export interface DnsSettings {
  /** `clusterDNS`. */
  readonly clusterDns: readonly string[];
  /** `clusterDomain`, without leading or trailing dot; may be empty. */
  readonly clusterDomain: string;
  /** The host's resolv.conf; `undefined` when `resolvConf` is empty, which turns name resolution off. */
  readonly host: PodDns | undefined;
}

/** DNS that resolves nothing: an empty configuration would make the runtime fall back to the host's. */
const NOWHERE: PodDns = { servers: ['127.0.0.1'], searches: ['.'], options: [] };

/**
 * A pod's resolver configuration by `dnsPolicy` and `dnsConfig`, before limits.
 *
 * @returns `missingClusterDns` when the policy wants the cluster's servers and none are configured; the host's are used
 */
export function podDns(
  pod: Pod,
  settings: DnsSettings,
): { readonly dns: PodDns; readonly missingClusterDns: boolean } {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const wantsCluster =
    policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec.hostNetwork !== true);
  const missingClusterDns = wantsCluster && settings.clusterDns.length === 0;
  let base: PodDns;
  if (policy === 'None') base = { servers: [], searches: [], options: [] };
  else if (wantsCluster && !missingClusterDns) base = clusterDns(pod, settings);
  else base = settings.host ?? NOWHERE;
  return { dns: withDnsConfig(base, pod), missingClusterDns };
}

function clusterDns(pod: Pod, { clusterDns, clusterDomain, host }: DnsSettings): PodDns {
  const services =
    clusterDomain === ''
      ? []
      : [`${pod.metadata.namespace ?? ''}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return {
    servers: clusterDns,
    searches: unique([...services, ...(host?.searches ?? [])]),
    options: ['ndots:5'],
  };
}

function withDnsConfig(base: PodDns, pod: Pod): PodDns {
  const config = pod.spec.dnsConfig;
  if (config === undefined) return base;
  const options = new Map(base.options.map((option) => [option.split(':', 1)[0] ?? option, option]));
  for (const { name = '', value } of config.options ?? []) {
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  return {
    servers: unique([...base.servers, ...(config.nameservers ?? [])]),
    searches: unique([...base.searches, ...(config.searches ?? [])]),
    options: [...options.values()],
  };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
