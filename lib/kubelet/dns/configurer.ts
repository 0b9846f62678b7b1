import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  podDir,
  type KubeletDirs,
  type KubeletEvents,
  type PodDns,
  type PodDnsConfigurer,
} from '../contracts.ts';
import { podHostname } from './hostname.ts';
import { hostsFile } from './hosts_file.ts';
import { podDns } from './pod_dns.ts';
import { parseResolvConf, withinLimits } from './resolv_conf.ts';

export interface PodDnsOptions {
  readonly dirs: Pick<KubeletDirs, 'root'>;
  readonly clusterDNS: readonly string[];
  readonly clusterDomain: string;
  /** Path of the host's resolv.conf; empty: pods resolve nothing of the host's. */
  readonly resolvConf: string;
  readonly events: Pick<KubeletEvents, 'pod'>;
  /** The node's own hosts file. Default /etc/hosts. */
  readonly hostsPath?: string;
}

/** Names and name resolution of pods; see {@link PodDnsConfigurer}. */
export function createPodDnsConfigurer(options: PodDnsOptions): PodDnsConfigurer {
  const { events } = options;
  const clusterDomain = options.clusterDomain.replace(/^\.|\.$/g, '');

  async function hostDns(): Promise<PodDns | undefined> {
    if (options.resolvConf === '') return undefined;
    return parseResolvConf(await readFile(options.resolvConf, 'utf8'));
  }

  return {
    async podDns(pod) {
      const computed = podDns(pod, { clusterDns: options.clusterDNS, clusterDomain, host: await hostDns() });
      if (computed.missingClusterDns) {
        events.pod(
          pod,
          'Warning',
          'MissingClusterDNS',
          `pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "${pod.spec.dnsPolicy ?? 'ClusterFirst'}" policy. Falling back to "Default" policy.`,
        );
      }
      const { dns, cuts } = withinLimits(computed.dns);
      for (const cut of cuts) events.pod(pod, 'Warning', 'DNSConfigForming', cut);
      return dns;
    },

    hostname: (pod) => (pod.spec.hostNetwork === true ? '' : podHostname(pod, clusterDomain)),

    async writeHostsFile(pod, podIPs) {
      const dir = podDir(options.dirs, pod.metadata.uid ?? '');
      const path = join(dir, 'etc-hosts');
      const host =
        pod.spec.hostNetwork === true ? await readFile(options.hostsPath ?? '/etc/hosts', 'utf8') : '';
      const content = hostsFile(pod, podIPs, clusterDomain, host);
      if ((await readIfThere(path)) === content) return path;
      await mkdir(dir, { recursive: true, mode: 0o750 });
      // In place: running containers have this very file mounted, a renamed one they would not see.
      await writeFile(path, content, { mode: 0o644 });
      await chmod(path, 0o644); // whatever the umask
      return path;
    },
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (err) {
    if (typeof err === 'object' && err !== null && 'code' in err && err.code === 'ENOENT') return undefined;
    throw err;
  }
}
