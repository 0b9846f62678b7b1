import type { Pod } from '../../api/types.ts';
import type { Partially, PodSandboxConfig } from '../../cri/runtime_client.ts';
import { Protocol } from '../../cri/generated/api.ts';
import type { PodDns } from '../contracts.ts';
import type { IdRange } from '../userns/user_namespaces.ts';
import { type ResourceOptions, sandboxResources } from './linux_resources.ts';
import { podLogDirName, podUid, sandboxLabels } from './runtime_names.ts';
import {
  namespaceOptions,
  podIsPrivileged,
  seccomp,
  supplementalGroups,
  type SecurityOptions,
} from './security_context.ts';

export interface SandboxInput {
  readonly pod: Pod;
  readonly attempt: number;
  readonly hostname: string;
  readonly dns: PodDns;
  /** Below podLogsDir. */
  readonly podLogsDir: string;
  readonly cgroupParent: string;
  readonly security: SecurityOptions;
  readonly resources: Pick<ResourceOptions, 'cpuCFSQuota' | 'cpuPeriodUs'>;
  /** Ids of its user namespace, `undefined` in the host's. */
  readonly users: IdRange | undefined;
}

/** CRI's description of a pod; the same at creation of the sandbox and of each container in it. */
export function sandboxConfig(input: SandboxInput): Partially<PodSandboxConfig> {
  const { pod } = input;
  const ofPod = pod.spec.securityContext;
  const namespace = pod.metadata.namespace ?? 'default';
  return {
    metadata: { name: pod.metadata.name, namespace, uid: podUid(pod), attempt: input.attempt },
    hostname: pod.spec.hostNetwork === true ? '' : input.hostname,
    logDirectory: `${input.podLogsDir}/${podLogDirName({ namespace, name: pod.metadata.name, uid: podUid(pod) })}`,
    dnsConfig: {
      servers: [...input.dns.servers],
      searches: [...input.dns.searches],
      options: [...input.dns.options],
    },
    portMappings: portMappings(pod),
    labels: sandboxLabels(pod),
    annotations: { ...pod.metadata.annotations },
    linux: {
      cgroupParent: input.cgroupParent,
      ...sandboxResources(pod, input.resources),
      sysctls: Object.fromEntries((ofPod?.sysctls ?? []).map(({ name, value }) => [name, value])),
      securityContext: {
        namespaceOptions: namespaceOptions(pod, input.users),
        privileged: podIsPrivileged(pod),
        supplementalGroups: supplementalGroups(pod, []),
        runAsUser: ofPod?.runAsUser === undefined ? undefined : { value: BigInt(ofPod.runAsUser) },
        runAsGroup: ofPod?.runAsGroup === undefined ? undefined : { value: BigInt(ofPod.runAsGroup) },
        selinuxOptions:
          ofPod?.seLinuxOptions === undefined
            ? undefined
            : { user: '', role: '', type: '', level: '', ...ofPod.seLinuxOptions },
        // The sandbox's own process runs confined whatever its containers do, as in stock.
        ...seccomp({ type: 'RuntimeDefault' }, false, input.security),
      },
    },
  };
}

function portMappings(pod: Pod): PodSandboxConfig['portMappings'] {
  if (pod.spec.hostNetwork === true) return [];
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({
        protocol:
          port.protocol === 'UDP' ? Protocol.UDP : port.protocol === 'SCTP' ? Protocol.SCTP : Protocol.TCP,
        containerPort: port.containerPort,
        hostPort: port.hostPort ?? 0,
        hostIp: port.hostIP ?? '',
      })),
  );
}
