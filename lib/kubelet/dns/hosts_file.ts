import type { Pod } from '../../api/types.ts';
import { podNames } from './hostname.ts';

/** Programs and tests recognise the file by this line. */
const HEADER = '# Kubernetes-managed hosts file';

/** Content of a pod's /etc/hosts. `hostFile` is the node's own, used for pods on the host network. */
export function hostsFile(
  pod: Pod,
  podIPs: readonly string[],
  clusterDomain: string,
  hostFile: string,
): string {
  const aliases = hostAliases(pod);
  if (pod.spec.hostNetwork === true) return `${HEADER} (host network).\n${hostFile}${aliases}`;
  const { short, domain } = podNames(pod, clusterDomain);
  const names = domain === '' ? short : `${short}.${domain}\t${short}`;
  const lines = [
    `${HEADER}.`,
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...podIPs.map((ip) => `${ip}\t${names}`),
  ];
  return `${lines.join('\n')}\n${aliases}`;
}

function hostAliases(pod: Pod): string {
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`);
  return `\n# Entries added by HostAliases.\n${lines.join('')}`;
}
