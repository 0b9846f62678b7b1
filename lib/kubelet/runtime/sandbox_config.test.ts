import type { Pod } from '../../api/types.ts';
import { Protocol } from '../../cri/generated/api.ts';
import { sandboxConfig } from './sandbox_config.ts';

const make = (spec: Partial<Pod['spec']>) =>
  sandboxConfig({
    pod: {
      metadata: { name: 'p', namespace: 'ns', uid: 'u', annotations: { note: 'kept' } },
      spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
    },
    attempt: 1,
    hostname: 'p',
    dns: { servers: ['10.96.0.10'], searches: ['ns.svc.cluster.local'], options: ['ndots:5'] },
    podLogsDir: '/var/log/pods',
    cgroupParent: '/kubepods/podu',
    security: { seccompRoot: '/seccomp', seccompDefault: false },
    resources: { cpuCFSQuota: true, cpuPeriodUs: 100_000 },
    users: undefined,
  });

const ports = [
  { containerPort: 80, hostPort: 8080 },
  { containerPort: 53, hostPort: 53, hostIP: '192.0.2.1', protocol: 'UDP' },
  { containerPort: 9, protocol: 'SCTP' },
];
const withPorts = { containers: [{ name: 'c', image: 'i', ports }] };

test.each<[string, Partial<Pod['spec']>, object]>([
  [
    'names, logs and DNS',
    {},
    {
      metadata: { name: 'p', namespace: 'ns', uid: 'u', attempt: 1 },
      hostname: 'p',
      logDirectory: '/var/log/pods/ns_p_u',
      dnsConfig: { servers: ['10.96.0.10'], searches: ['ns.svc.cluster.local'], options: ['ndots:5'] },
      annotations: { note: 'kept' },
      linux: { cgroupParent: '/kubepods/podu' },
    },
  ],
  [
    'host ports: only those that are asked for',
    withPorts,
    {
      portMappings: [
        { protocol: Protocol.TCP, containerPort: 80, hostPort: 8080, hostIp: '' },
        { protocol: Protocol.UDP, containerPort: 53, hostPort: 53, hostIp: '192.0.2.1' },
      ],
    },
  ],
  [
    'no mapping in the network of the host',
    { ...withPorts, hostNetwork: true },
    { portMappings: [], hostname: '' },
  ],
  [
    'resources of its containers, and the overhead beside them',
    {
      overhead: { cpu: '250m', memory: '1Mi' },
      containers: [
        { name: 'c', resources: { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '2Mi' } } },
        { name: 'd', resources: { requests: { cpu: '100m' } } },
      ],
    },
    {
      linux: {
        resources: {
          cpuShares: 614n,
          cpuQuota: 100_000n,
          cpuPeriod: 100_000n,
          memoryLimitInBytes: 2_097_152n,
        },
        overhead: { cpuShares: 256n, cpuQuota: 25_000n, cpuPeriod: 100_000n, memoryLimitInBytes: 1_048_576n },
      },
    },
  ],
  [
    'sysctls',
    { securityContext: { sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '1024 65535' }] } },
    { linux: { sysctls: { 'net.ipv4.ip_local_port_range': '1024 65535' } } },
  ],
  [
    'who its process is, and its label of SELinux',
    { securityContext: { runAsUser: 7, runAsGroup: 8, seLinuxOptions: { level: 's0:c1' } } },
    {
      linux: {
        securityContext: {
          runAsUser: { value: 7n },
          runAsGroup: { value: 8n },
          selinuxOptions: { user: '', role: '', type: '', level: 's0:c1' },
        },
      },
    },
  ],
])('K2: sandbox: %s', (_, spec, want) => expect(make(spec)).toMatchObject(want));
