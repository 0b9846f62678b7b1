import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from '../../component/flags.ts';
import { kubeletFlags } from '../flags.ts';
import { loadOptions } from './options.ts';
import { kubeletConfigurationSchema, NOT_ACTING } from './schema.ts';

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
    crashLoopBackOff: { maxContainerRestartPeriod: 300_000 },
    containerLogMaxSizeBytes: 10 * 2 ** 20,
    evictionHard: { 'memory.available': '100Mi' },
    imageServiceEndpoint: 'unix:///run/containerd/containerd.sock',
  });
  expect(warnings).toEqual([]);
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
    'imageGCHighThresholdPercent: 10\n',
    'field "imageGCLowThresholdPercent": got 80, want at most imageGCHighThresholdPercent (10)',
  ],
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
])('%j is refused', (text, message) => expect(() => load(`--config=${file(text)}`)).toThrow(message));

test.each([
  ['', 1],
  ['maxParallelImagePulls: 3\n', 3],
  ['serializeImagePulls: false\n', undefined],
])('pulls at once by %j: %s', (text, want) => {
  expect(load(`--config=${file(text)}`).options.config.maxParallelImagePulls).toBe(want);
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

test('every field acts, or is named as one that does not', () => {
  const sources = globSync('**/*.ts', { cwd: join(__dirname, '..') })
    .filter(
      (name) =>
        !/\.test\.ts$|^config\/(schema|kubelet_config)\.ts$|^flags\.ts$|^config\/flag_fields/.test(name),
    )
    .map((name) => readFileSync(join(__dirname, '..', name), 'utf8').replaceAll(/'[\w-]+': '\w+'/g, ''))
    .join('\n');
  const acts = (field: string): boolean => new RegExp(`\\b${field}\\b`).test(sources);
  const fields = kubeletConfigurationSchema.fields ?? [];
  const named = new Set(Object.keys(NOT_ACTING));
  expect(fields.filter((field) => !acts(field) && !named.has(field))).toEqual([]);
  expect(fields.filter((field) => acts(field) && named.has(field))).toEqual([]);
});

test('the effective configuration decodes to itself', () => {
  const { document } = load('--max-pods=7');
  writeFileSync(join(dir, 'again.yaml'), JSON.stringify(document));
  expect(load(`--config=${join(dir, 'again.yaml')}`).document).toEqual(document);
});
