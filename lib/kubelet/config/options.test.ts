import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from '../../component/flags.ts';
import { kubeletFlags } from '../flags.ts';
import { loadOptions } from './options.ts';
import { kubeletConfigurationSchema, NOT_ACTING } from './schema.ts';
import { gateProblems } from './validation.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-kubelet-config-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';
const load = (...argv: string[]) => loadOptions(parseFlags(kubeletFlags, argv));
function file(text: string, name = 'config.yaml'): string {
  const path = join(dir, name);
  writeFileSync(path, head + text);
  return path;
}

test('defaults as stock', () => {
  const { options, warnings } = load('--hostname-override=Node-1');
  expect(options.nodeName).toBe('node-1');
  expect(options.config).toMatchObject({
    port: 10_250,
    healthzPort: 10_248,
    readOnlyPort: 0,
    maxPods: 110,
    syncFrequency: 60_000,
    nodeStatusReportFrequency: 300_000,
    authorization: { mode: 'Webhook' },
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    cgroupDriver: 'cgroupfs',
    maxParallelImagePulls: 1,
    containerLogMaxSizeBytes: 10 * 2 ** 20,
    evictionHard: { 'memory.available': '100Mi' },
    imageServiceEndpoint: 'unix:///run/containerd/containerd.sock',
  });
  expect(warnings).toEqual([]);
});

/** As kubeadm writes them: everything that it does not set is there with its zero. */
const KUBEADM = `
authentication: {anonymous: {enabled: false}, webhook: {cacheTTL: 0s, enabled: true}, x509: {clientCAFile: /ca.crt}}
authorization: {mode: Webhook, webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}}
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
rotateCertificates: true
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
`;

test('K29: the zeros of a file that kubeadm wrote stand for the defaults', () => {
  const plain = load().options.config;
  const { options, warnings } = load(`--config=${file(KUBEADM)}`);
  expect(options.config).toEqual({
    ...plain,
    authentication: { ...plain.authentication, x509: { clientCAFile: '/ca.crt' } },
    cgroupDriver: 'systemd',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    logging: { ...plain.logging, flushFrequency: 0 },
    rotateCertificates: true,
    staticPodPath: '/etc/kubernetes/manifests',
  });
  expect(warnings).toEqual([]);
});

test.each([
  ['', [10_000, 300_000]],
  ['nodeStatusUpdateFrequency: 20s\n', [20_000, 20_000]],
  ['nodeStatusUpdateFrequency: 20s\nnodeStatusReportFrequency: 1m\n', [20_000, 60_000]],
])('K29: how often the node is looked at and reported by %j', (text, want) => {
  const { config } = load(`--config=${file(text)}`).options;
  expect([config.nodeStatusUpdateFrequency, config.nodeStatusReportFrequency]).toEqual(want);
});

test('K29: a zero that means something is no default', () => {
  const text =
    'readOnlyPort: 0\nregistryPullQPS: 0\neventRecordQPS: 0\noomScoreAdj: 0\nhealthzPort: 0\nresolvConf: ""\n';
  const { config } = load(`--config=${file(text)}`).options;
  expect([
    config.registryPullQPS,
    config.eventRecordQPS,
    config.oomScoreAdj,
    config.healthzPort,
    config.resolvConf,
  ]).toEqual([0, 0, 0, 0, '']);
});

test('flags win over drop-ins, drop-ins over the file', () => {
  const config = file(
    'maxPods: 1\nport: 2\nclusterDNS: [10.0.0.1]\nsystemReserved: {cpu: 100m, memory: 1Gi}\n',
  );
  file('port: 3\nclusterDNS: [10.0.0.2]\nsystemReserved: {cpu: 200m}\n', '10-a.conf');
  file('port: 4\n', '20-b.conf');
  const { config: got } = load(
    `--config=${config}`,
    `--config-dir=${dir}`,
    '--max-pods=7',
    '--node-ip=1.2.3.4,::1',
  ).options;
  expect([got.maxPods, got.port, got.clusterDNS, got.systemReserved]).toEqual([
    7,
    4,
    ['10.0.0.2'],
    { cpu: '200m', memory: '1Gi' },
  ]);
});

test.each([
  ['--cluster-dns=10.0.0.1,10.0.0.2', 'clusterDNS', ['10.0.0.1', '10.0.0.2']],
  ['--sync-frequency=5s', 'syncFrequency', 5000],
  ['--cpu-cfs-quota-period=50ms', 'cpuCFSQuotaPeriod', 50],
  ['--streaming-connection-idle-timeout=1h', 'streamingConnectionIdleTimeout', 3_600_000],
  ['--eviction-hard=memory.available<1Gi', 'evictionHard', { 'memory.available': '1Gi' }],
  [
    '--register-with-taints=a=b:NoSchedule,c:NoExecute',
    'registerWithTaints',
    [
      { key: 'a', value: 'b', effect: 'NoSchedule' },
      { key: 'c', effect: 'NoExecute' },
    ],
  ],
  ['--kube-reserved=cpu=1', 'kubeReserved', { cpu: '1' }],
  ['--pod-manifest-path=/x', 'staticPodPath', '/x'],
  ['--manifest-url-header=a:b,a: c,d:e:f', 'staticPodURLHeader', { a: ['b', 'c'], d: ['e:f'] }],
])('%s', (argument, field, want) => {
  const config: Readonly<Record<string, unknown>> = { ...load(argument).options.config };
  expect(config[field]).toEqual(want);
});

test.each([
  ['portt: 1\n', 'field "portt": unknown field, did you mean "port"?'],
  ['port: x\n', 'field "port": got "x", want a whole number from 0 to 65535'],
  [
    'authentication: {x509: {clientCaFile: x}}\n',
    'field "authentication.x509.clientCaFile": unknown field, did you mean "clientCAFile"?',
  ],
  ['cgroupDriver: none\n', 'field "cgroupDriver": got "none", want one of "cgroupfs", "systemd"'],
  ['systemReserved: {cpu: lots}\n', 'field "systemReserved.cpu": got "lots"'],
  [
    'imageGCHighThresholdPercent: 80\n',
    'field "imageGCLowThresholdPercent": got 80, want less than imageGCHighThresholdPercent (80)',
  ],
  ['imageMaximumGCAge: 1m\n', 'field "imageMaximumGCAge": got 1m0s, want more than imageMinimumGCAge (2m0s)'],
  ['cpuCFSQuotaPeriod: 2s\n', 'field "cpuCFSQuotaPeriod": got "2s", want a duration from 1ms to 1s'],
  ['iptablesDropBit: 32\n', 'want a whole number from 0 to 31'],
  ['topologyManagerPolicy: all\n', 'want one of "none", "best-effort", "restricted", "single-numa-node"'],
  [
    'enforceNodeAllocatable: [all]\n',
    'field "enforceNodeAllocatable[0]": got "all", want one of "none", "pods"',
  ],
  ['enforceNodeAllocatable: [none, pods]\n', 'holds "none", want nothing beside it'],
  ['enforceNodeAllocatable: [pods, pods]\n', 'holds "pods" twice'],
  [
    'enforceNodeAllocatable: [system-reserved]\n',
    'holds "system-reserved", want systemReservedCgroup with it',
  ],
  [
    'enforceNodeAllocatable: [kube-reserved-compressible]\n',
    'holds "kube-reserved-compressible", want kubeReservedCgroup with it',
  ],
  [
    'enforceNodeAllocatable: [kube-reserved, kube-reserved-compressible]\nkubeReservedCgroup: /k\n',
    'holds both "kube-reserved" and "kube-reserved-compressible", want one of them',
  ],
  [
    'cgroupsPerQOS: false\n',
    'field "cgroupsPerQOS": got false, want true while enforceNodeAllocatable contains',
  ],
  ['systemCgroups: /s\n', 'field "systemCgroups": was specified and cgroupRoot was not'],
  [
    'reservedSystemCPUs: "0"\nsystemReservedCgroup: /s\n',
    'cannot be used together with systemReservedCgroup',
  ],
  ['reservedSystemCPUs: a\n', 'field "reservedSystemCPUs": got "a", want CPU numbers and ranges like 0-1,4'],
  ['kubeReserved: {gpu: "1"}\n', 'field "kubeReserved.gpu": cannot reserve "gpu" resource, want one of cpu'],
  ['systemReserved: {cpu: "-1"}\n', 'field "systemReserved.cpu": got "-1", which cannot be negative'],
  ['memoryThrottlingFactor: 0\n', 'got 0, want a number above 0, at most 1'],
  ['crashLoopBackOff: {maxContainerRestartPeriod: 400s}\n', 'got "400s", want a duration from 1s to 300s'],
  ['hairpinMode: veth\n', 'want one of "none", "hairpin-veth", "promiscuous-bridge"'],
  ['enableSystemLogHandler: false\nenableSystemLogQuery: true\n', 'requires enableSystemLogHandler'],
  ['registerWithTaints: [{key: a b, effect: NoSchedule}]\n', 'field "registerWithTaints[0].key": got "a b"'],
  ['registerWithTaints: [{key: a, value: b c, effect: NoSchedule}]\n', 'got "b c", want a label value'],
  ['podLogsDir: /a/../b\n', 'field "podLogsDir": got "/a/../b", want a normalized path'],
  ['tracing: {samplingRatePerMillion: 2000000}\n', 'want a whole number from 0 to 1000000'],
  ['runOnce: true\n', 'field "runOnce": got true, want false'],
  ['containerLogMonitorInterval: 1s\n', 'field "containerLogMonitorInterval": got 1s, want at least 3s'],
  ['shutdownGracePeriod: 500ms\n', 'field "shutdownGracePeriod": got 500ms, want 0 or at least 1s'],
  ['tlsCertFile: /x\n', 'tlsCertFile and tlsPrivateKeyFile are given together or not at all'],
  [
    'containerRuntimeEndpoint: tcp://x\n',
    'field "containerRuntimeEndpoint": got "tcp://x", want unix:///path/to/socket',
  ],
  [
    'maxParallelImagePulls: 3\nserializeImagePulls: true\n',
    'field "maxParallelImagePulls": got 3, want 1 while serializeImagePulls is true',
  ],
  [
    'imagePullCredentialsVerificationPolicy: Sometimes\n',
    'field "imagePullCredentialsVerificationPolicy": got "Sometimes", want one of "NeverVerify"',
  ],
  [
    'preloadedImagesVerificationAllowlist: [r.example/a]\n',
    'is for the imagePullCredentialsVerificationPolicy "NeverVerifyAllowlistedImages"',
  ],
  [
    'imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages\npreloadedImagesVerificationAllowlist: ["r.example/a:1"]\n',
    'got "r.example/a:1", want an image without tag and digest',
  ],
])('K29: %j is refused', (text, message) => expect(() => load(`--config=${file(text)}`)).toThrow(message));

test.each([
  ['', 1],
  ['maxParallelImagePulls: 3\n', 3],
  ['serializeImagePulls: false\n', undefined],
])('pulls at once by %j: %s', (text, want) => {
  expect(load(`--config=${file(text)}`).options.config.maxParallelImagePulls).toBe(want);
});

test.each([
  [
    '--node-labels=kubernetes.io/a=1,x.k8s.io/b=2',
    "'k8s.io' labels specified with --node-labels: [kubernetes.io/a x.k8s.io/b]",
  ],
  ['--node-labels=node-role.kubernetes.io/worker=', '[node-role.kubernetes.io/worker]'],
  ['--node-labels=a b=c', 'invalid node labels: "a b=c"'],
  ['--node-labels=a=-', 'invalid node labels: "a=-"'],
  ['--node-labels=a/b/c=d', 'invalid node labels: "a/b/c=d"'],
  ['--exit-on-lock-contention', 'want --lock-file with it'],
  ['--runonce', 'field "runOnce": got true, want false'],
  ['--manifest-url-header=a', 'got "a", want name:value'],
  ['--node-ip=here', 'field "--node-ip": got "here", want IP addresses'],
  ['--node-ip=1.2.3.4,5.6.7.8', 'must contain either a single IP or a dual-stack pair of IPs'],
  ['--node-ip=1.2.3.4,::1,::2', 'must contain either a single IP or a dual-stack pair of IPs'],
])('K29: %s is refused', (flag, message) => expect(() => load(flag)).toThrow(message));

test.each([
  'topology.kubernetes.io/zone=a',
  'node.kubernetes.io/pool=b',
  'x.kubelet.kubernetes.io/y=z',
  'example.com/a=b.c_d',
  'plain=',
])('K29: a node may be labelled %s', (label) => {
  expect(Object.keys(load(`--node-labels=${label}`).options.flags.nodeLabels)).toEqual([label.split('=')[0]]);
});

test.each<[string, string, string[], string[]]>([
  [
    'memoryReservationPolicy',
    'memoryReservationPolicy: TieredReservation\n',
    [],
    ['memoryReservationPolicy'],
  ],
  ['memoryReservationPolicy', 'memoryReservationPolicy: TieredReservation\n', ['MemoryQoS'], []],
  [
    'maxContainerRestartPeriod',
    'crashLoopBackOff: {maxContainerRestartPeriod: 20s}\n',
    [],
    ['crashLoopBackOff.maxContainerRestartPeriod'],
  ],
  [
    'maxContainerRestartPeriod',
    'crashLoopBackOff: {maxContainerRestartPeriod: 20s}\n',
    ['KubeletCrashLoopBackOffMax'],
    [],
  ],
  ['maxContainerRestartPeriod, left out,', 'crashLoopBackOff: {}\n', [], []],
  ['serverTLSBootstrap', 'serverTLSBootstrap: true\n', [], ['serverTLSBootstrap']],
  ['serverTLSBootstrap', 'serverTLSBootstrap: true\n', ['RotateKubeletServerCertificate'], []],
])('K29: %s needs its gate', (_, text, on, want) => {
  const { config } = load(`--config=${file(text)}`).options;
  expect(gateProblems(config, { enabled: (name) => on.includes(name) }).map(({ path }) => path)).toEqual(
    want,
  );
});

test('K29: a flag that does nothing is named', () => {
  expect(load('--experimental-mounter-path=/x', '--lock-file=/run/x').warnings).toEqual([
    '--experimental-mounter-path does not act: the mount program of the machine is used',
  ]);
});

test('K29: every flag that stands for a field reaches it, and every other acts or is named', () => {
  const sources = [
    '../config/options.ts',
    '../assembly/base.ts',
    '../../component/logging_config.ts',
    '../../component/information_flags.ts',
  ].map((name) => readFileSync(join(__dirname, name), 'utf8'));
  // Those of cAdvisor come with a warning of their own: they are deprecated.
  const isCadvisor = (name: string): boolean =>
    /^(application-metrics|boot-id|container-hints|containerd|enable-load|event-storage|global-house|housekeeping|log-cadvisor|machine-id|storage-driver)/.test(
      name,
    );
  const silent = Object.keys(kubeletFlags).filter(
    (name) =>
      !isCadvisor(name) &&
      !sources.some(
        (text) => text.includes(`'${name}'`) || new RegExp(`\\b${name}[:\\b]|\\.${name}\\b`).test(text),
      ),
  );
  expect(silent).toEqual([]);
});

test('K29: a cloud provider of old is named', () => {
  expect(load('--cloud-provider=aws').warnings).toEqual([
    expect.stringContaining('--cloud-provider=aws does not act'),
  ]);
  expect(load('--cloud-provider=external').warnings).toEqual([]);
});

test('the configuration of credential plugins is of no use without their folder', () => {
  expect(() => load('--image-credential-provider-config=/x')).toThrow(
    'is given together with --image-credential-provider-bin-dir or not at all',
  );
});

test('reservedSystemCPUs overrules what is reserved of CPU elsewhere', () => {
  const text = 'reservedSystemCPUs: 0-1,4\nkubeReserved: {cpu: 500m, memory: 1Gi}\n';
  const { config } = load(`--config=${file(text)}`).options;
  expect([config.systemReserved, config.kubeReserved]).toEqual([{ cpu: '3' }, { memory: '1Gi' }]);
});

test('what does not act yet is named', () => {
  const { warnings } = load(`--config=${file('cpuManagerPolicy: static\nreadOnlyPort: 0\n')}`);
  expect(warnings).toEqual([
    'configuration field "cpuManagerPolicy" does not act yet: containers share all CPUs',
  ]);
});

test('the table of what does not act names fields that exist', () => {
  const unknown = Object.keys(NOT_ACTING).filter(
    (name) => !(kubeletConfigurationSchema.fields ?? []).includes(name),
  );
  expect(unknown).toEqual([]);
});

/** Only looked at to be refused. */
const REFUSED = ['runOnce'];

test('K29: every field acts, is refused, or is named as one that does not', () => {
  const sources = globSync('**/*.ts', { cwd: join(__dirname, '..') })
    .filter(
      (name) =>
        !/\.test\.ts$|^config\/(schema|kubelet_config|validation)\.ts$|^flags\.ts$|^config\/flag_fields/.test(
          name,
        ),
    )
    .map((name) =>
      readFileSync(join(__dirname, '..', name), 'utf8').replaceAll(/('[\w-]+'|runonce): '\w+'/g, ''),
    )
    .join('\n');
  const acts = (field: string): boolean => new RegExp(`\\b${field}\\b`).test(sources);
  const fields = kubeletConfigurationSchema.fields ?? [];
  const named = new Set(Object.keys(NOT_ACTING));
  expect(fields.filter((field) => !acts(field) && !named.has(field))).toEqual(REFUSED);
  expect(fields.filter((field) => acts(field) && named.has(field))).toEqual([]);
});

test('the effective configuration decodes to itself', () => {
  const { document } = load('--max-pods=7');
  writeFileSync(join(dir, 'again.yaml'), JSON.stringify(document));
  expect(load(`--config=${join(dir, 'again.yaml')}`).document).toEqual(document);
});
