/** From flags and files to the options that the kubelet runs with. Flags win over drop-ins, drop-ins over the file. */
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseQuantity } from '../../api/quantity.ts';
import { formatDuration } from '../../base/duration.ts';
import {
  ConfigError,
  decodeConfig,
  encodeConfig,
  parseDocument,
  readConfigFile,
} from '../../component/config/document.ts';
import { isObject } from '../../component/config/schema.ts';
import type { ParsedFlags } from '../../component/flags.ts';
import type { kubeletFlags } from '../flags.ts';
import type { KubeletConfig, KubeletFlags, KubeletOptions } from './kubelet_config.ts';
import {
  DEFAULT_EVICTION_HARD,
  KUBELET_CONFIGURATION,
  kubeletConfigurationSchema,
  type KubeletConfiguration,
  NOT_ACTING,
} from './schema.ts';
import { configProblems } from './validation.ts';

type Flags = ParsedFlags<typeof kubeletFlags>;
type FlagName = keyof typeof kubeletFlags;
type Json = Record<string, unknown>;

/** Flags that stand for a field of the configuration; the field's path where the name does not follow from the flag's. */
const FIELD_OF: Partial<Record<FlagName, string>> = {
  address: 'address',
  'allowed-unsafe-sysctls': 'allowedUnsafeSysctls',
  'anonymous-auth': 'authentication.anonymous.enabled',
  'authentication-token-webhook': 'authentication.webhook.enabled',
  'authentication-token-webhook-cache-ttl': 'authentication.webhook.cacheTTL',
  'authorization-mode': 'authorization.mode',
  'authorization-webhook-cache-authorized-ttl': 'authorization.webhook.cacheAuthorizedTTL',
  'authorization-webhook-cache-unauthorized-ttl': 'authorization.webhook.cacheUnauthorizedTTL',
  'cgroup-driver': 'cgroupDriver',
  'cgroup-root': 'cgroupRoot',
  'cgroups-per-qos': 'cgroupsPerQOS',
  'client-ca-file': 'authentication.x509.clientCAFile',
  'cluster-dns': 'clusterDNS',
  'cluster-domain': 'clusterDomain',
  'container-log-max-files': 'containerLogMaxFiles',
  'container-log-max-size': 'containerLogMaxSize',
  'container-runtime-endpoint': 'containerRuntimeEndpoint',
  'contention-profiling': 'enableContentionProfiling',
  'cpu-cfs-quota': 'cpuCFSQuota',
  'cpu-cfs-quota-period': 'cpuCFSQuotaPeriod',
  'cpu-manager-policy': 'cpuManagerPolicy',
  'cpu-manager-policy-options': 'cpuManagerPolicyOptions',
  'cpu-manager-reconcile-period': 'cpuManagerReconcilePeriod',
  'enable-controller-attach-detach': 'enableControllerAttachDetach',
  'enable-debugging-handlers': 'enableDebuggingHandlers',
  'enable-server': 'enableServer',
  'enforce-node-allocatable': 'enforceNodeAllocatable',
  'event-burst': 'eventBurst',
  'event-qps': 'eventRecordQPS',
  'eviction-hard': 'evictionHard',
  'eviction-max-pod-grace-period': 'evictionMaxPodGracePeriod',
  'eviction-minimum-reclaim': 'evictionMinimumReclaim',
  'eviction-pressure-transition-period': 'evictionPressureTransitionPeriod',
  'eviction-soft': 'evictionSoft',
  'eviction-soft-grace-period': 'evictionSoftGracePeriod',
  'fail-cgroupv1': 'failCgroupV1',
  'fail-swap-on': 'failSwapOn',
  'feature-gates': 'featureGates',
  'file-check-frequency': 'fileCheckFrequency',
  'hairpin-mode': 'hairpinMode',
  'healthz-bind-address': 'healthzBindAddress',
  'healthz-port': 'healthzPort',
  'http-check-frequency': 'httpCheckFrequency',
  'image-gc-high-threshold': 'imageGCHighThresholdPercent',
  'image-gc-low-threshold': 'imageGCLowThresholdPercent',
  'image-service-endpoint': 'imageServiceEndpoint',
  'kernel-memcg-notification': 'kernelMemcgNotification',
  'kube-api-burst': 'kubeAPIBurst',
  'kube-api-content-type': 'contentType',
  'kube-api-qps': 'kubeAPIQPS',
  'kube-reserved': 'kubeReserved',
  'kube-reserved-cgroup': 'kubeReservedCgroup',
  'kubelet-cgroups': 'kubeletCgroups',
  'local-storage-capacity-isolation': 'localStorageCapacityIsolation',
  'make-iptables-util-chains': 'makeIPTablesUtilChains',
  'manifest-url': 'staticPodURL',
  'manifest-url-header': 'staticPodURLHeader',
  'max-open-files': 'maxOpenFiles',
  'max-pods': 'maxPods',
  'memory-manager-policy': 'memoryManagerPolicy',
  'minimum-image-ttl-duration': 'imageMinimumGCAge',
  'node-status-max-images': 'nodeStatusMaxImages',
  'node-status-update-frequency': 'nodeStatusUpdateFrequency',
  'oom-score-adj': 'oomScoreAdj',
  'pod-cidr': 'podCIDR',
  'pod-manifest-path': 'staticPodPath',
  'pod-max-pids': 'podPidsLimit',
  'pods-per-core': 'podsPerCore',
  port: 'port',
  'protect-kernel-defaults': 'protectKernelDefaults',
  'provider-id': 'providerID',
  'qos-reserved': 'qosReserved',
  'read-only-port': 'readOnlyPort',
  'register-node': 'registerNode',
  'register-with-taints': 'registerWithTaints',
  'registry-burst': 'registryBurst',
  'registry-qps': 'registryPullQPS',
  'reserved-cpus': 'reservedSystemCPUs',
  'resolv-conf': 'resolvConf',
  'rotate-certificates': 'rotateCertificates',
  'rotate-server-certificates': 'serverTLSBootstrap',
  runonce: 'runOnce',
  'runtime-request-timeout': 'runtimeRequestTimeout',
  'seccomp-default': 'seccompDefault',
  'serialize-image-pulls': 'serializeImagePulls',
  'streaming-connection-idle-timeout': 'streamingConnectionIdleTimeout',
  'sync-frequency': 'syncFrequency',
  'system-cgroups': 'systemCgroups',
  'system-reserved': 'systemReserved',
  'system-reserved-cgroup': 'systemReservedCgroup',
  'tls-cert-file': 'tlsCertFile',
  'tls-cipher-suites': 'tlsCipherSuites',
  'tls-min-version': 'tlsMinVersion',
  'tls-private-key-file': 'tlsPrivateKeyFile',
  'topology-manager-policy': 'topologyManagerPolicy',
  'topology-manager-policy-options': 'topologyManagerPolicyOptions',
  'topology-manager-scope': 'topologyManagerScope',
  'volume-plugin-dir': 'volumePluginDir',
  'volume-stats-agg-period': 'volumeStatsAggPeriod',
};

export interface LoadedOptions {
  readonly options: KubeletOptions;
  /** The effective configuration as `/configz` shows it. */
  readonly document: Readonly<Record<string, unknown>>;
  /** One sentence for each setting that is accepted and does nothing yet. */
  readonly warnings: readonly string[];
}

/** @throws ConfigError naming file, field, value and what is allowed */
export function loadOptions(flags: Flags): LoadedOptions {
  const document = configDocument(flags);
  const decoded = decodeConfig(
    document,
    flags.values.config === '' ? 'kubelet config' : flags.values.config,
    [KUBELET_CONFIGURATION],
  );
  const config = toConfig(decoded);
  const ofFlags = toFlags(flags);
  const problems = configProblems(config, ofFlags);
  if (problems.length > 0) throw new ConfigError('kubelet config', [...problems]);
  return {
    options: {
      config,
      flags: ofFlags,
      nodeName: (flags.values['hostname-override'] === '' ? hostname() : flags.values['hostname-override'])
        .trim()
        .toLowerCase(),
    },
    document: encodeConfig(decoded, KUBELET_CONFIGURATION),
    warnings: [...notActing(document, decoded), ...flagWarnings(flags)],
  };
}

function configDocument(flags: Flags): Json {
  const { apiVersion, kind } = KUBELET_CONFIGURATION;
  let document: Json = { apiVersion, kind };
  const { config: file, 'config-dir': dir } = flags.values;
  const files = [
    ...(file === '' ? [] : [file]),
    ...(dir === ''
      ? []
      : readdirSync(dir)
          .filter((name) => name.endsWith('.conf'))
          .sort()
          .map((name) => join(dir, name))),
  ];
  for (const path of files) {
    const parsed = parseDocument(readConfigFile(path), path);
    decodeConfig(parsed, path, [KUBELET_CONFIGURATION]); // errors by the file they are in
    if (isObject(parsed)) document = merge(document, parsed);
  }
  // A file that says how often the node is looked at says so of the reports as well, unless it tells them apart.
  if (isZero(document['nodeStatusReportFrequency']) && !isZero(document['nodeStatusUpdateFrequency']))
    document['nodeStatusReportFrequency'] = document['nodeStatusUpdateFrequency'];
  for (const [name, field] of Object.entries(FIELD_OF)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of FIELD_OF
    const flagName = name as FlagName;
    if (field !== undefined && flags.isSet(flagName))
      setPath(document, field, flagJson(flagName, flags.values[flagName]));
  }
  return document;
}

/** Absent, or the zero that tools write for it. */
function isZero(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === '0s' || value === '0';
}

/** Later files win field by field; lists are replaced. */
function merge(base: Json, over: Readonly<Record<string, unknown>>): Json {
  const merged: Json = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isObject(value) && isObject(before) ? merge({ ...before }, value) : value;
  }
  return merged;
}

function setPath(document: Json, path: string, value: unknown): void {
  const [head = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    const before = document[head];
    // Maps given by flag add to those of the file, as in stock for feature gates.
    document[head] =
      head === 'featureGates' && isObject(before) && isObject(value) ? { ...before, ...value } : value;
    return;
  }
  const inner: Json = isObject(document[head]) ? { ...document[head] } : {};
  document[head] = inner;
  setPath(inner, rest.join('.'), value);
}

const DURATION_FLAGS = /-(frequency|ttl|period|timeout|duration)$/;

function flagJson(name: FlagName, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value);
  if (name === 'manifest-url-header' && Array.isArray(value)) return parseHeaders(value.map(String));
  if (name === 'register-with-taints' && Array.isArray(value))
    return value.map((taint) => parseTaint(String(taint)));
  const isDuration =
    typeof value === 'number' && (DURATION_FLAGS.test(name) || name.endsWith('-cache-authorized-ttl'));
  if (isDuration && name !== 'eviction-max-pod-grace-period') return formatDuration(value);
  return value;
}

/** `name:value` each; of the same name several. */
function parseHeaders(entries: readonly string[]): Json {
  const headers: Record<string, string[]> = {};
  for (const entry of entries.flatMap((text) => text.split(','))) {
    const colon = entry.indexOf(':');
    if (colon < 1)
      throw new ConfigError('--manifest-url-header', [
        { path: '', message: `got ${JSON.stringify(entry)}, want name:value` },
      ]);
    (headers[entry.slice(0, colon).trim()] ??= []).push(entry.slice(colon + 1).trim());
  }
  return headers;
}

/** `key=value:effect` or `key:effect`. */
function parseTaint(text: string): Json {
  const match = /^([^=:]+)(?:=([^:]*))?:([A-Za-z]+)$/.exec(text);
  if (match === null) {
    throw new ConfigError('--register-with-taints', [
      { path: '', message: `got ${JSON.stringify(text)}, want key=value:effect` },
    ]);
  }
  const [, key, value, effect] = match;
  return { key, ...(value === undefined || value === '' ? {} : { value }), effect };
}

function toConfig(decoded: KubeletConfiguration): KubeletConfig {
  const evictionHard = decoded.evictionHard ?? DEFAULT_EVICTION_HARD;
  // Who says how many at once need not say that it is more than one.
  const serializeImagePulls = decoded.serializeImagePulls ?? (decoded.maxParallelImagePulls ?? 1) < 2;
  return {
    ...decoded,
    registerWithTaints: decoded.registerWithTaints.map(({ key, value, effect }) => ({
      key,
      effect,
      ...(value === undefined ? {} : { value }),
    })),
    ...reservedByCpus(decoded),
    evictionHard: decoded.mergeDefaultEvictionSettings
      ? { ...DEFAULT_EVICTION_HARD, ...evictionHard }
      : evictionHard,
    containerLogMaxSizeBytes: Number(parseQuantity(decoded.containerLogMaxSize).value()),
    serializeImagePulls,
    maxParallelImagePulls: decoded.maxParallelImagePulls ?? (serializeImagePulls ? 1 : undefined),
    imageServiceEndpoint:
      decoded.imageServiceEndpoint === '' ? decoded.containerRuntimeEndpoint : decoded.imageServiceEndpoint,
  };
}

/** `reservedSystemCPUs` says which CPUs are kept for the system, and so how many: whatever else says that is overruled. */
function reservedByCpus({
  reservedSystemCPUs,
  systemReserved,
  kubeReserved,
}: KubeletConfiguration): Pick<KubeletConfig, 'systemReserved' | 'kubeReserved'> {
  if (reservedSystemCPUs === '') return { systemReserved, kubeReserved };
  const cpus = parseCpuSet(reservedSystemCPUs);
  if (cpus === undefined)
    throw new ConfigError('kubelet config', [
      {
        path: 'reservedSystemCPUs',
        message: `got ${JSON.stringify(reservedSystemCPUs)}, want CPU numbers and ranges like 0-1,4`,
      },
    ]);
  const { cpu: _cpu, ...others } = kubeReserved;
  return { systemReserved: { ...systemReserved, cpu: String(cpus.size) }, kubeReserved: others };
}

/** `0-2,7`; undefined when the text is none. */
function parseCpuSet(text: string): ReadonlySet<number> | undefined {
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > MAX_CPU) return undefined;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return cpus;
}

const MAX_CPU = 8191;

function toFlags(flags: Flags): KubeletFlags {
  const v = flags.values;
  return {
    kubeconfig: v.kubeconfig,
    bootstrapKubeconfig: v['bootstrap-kubeconfig'],
    hostnameOverride: v['hostname-override'],
    nodeIPs: v['node-ip'].split(',').filter((ip) => ip !== ''),
    nodeLabels: Object.fromEntries(v['node-labels']),
    rootDir: v['root-dir'],
    certDir: v['cert-dir'],
    cloudProvider: v['cloud-provider'],
    runtimeCgroups: v['runtime-cgroups'],
    imageCredentialProviderConfig: v['image-credential-provider-config'],
    imageCredentialProviderBinDir: v['image-credential-provider-bin-dir'],
    exitOnLockContention: v['exit-on-lock-contention'],
    lockFile: v['lock-file'],
    deadContainers: {
      perContainer: v['maximum-dead-containers-per-container'],
      total: v['maximum-dead-containers'],
      minAgeMs: v['minimum-container-ttl-duration'],
    },
  };
}

/** Flags without a field that are accepted and do nothing, and what that means. */
const FLAGS_NOT_ACTING: Partial<Record<FlagName, string>> = {
  'experimental-allocatable-ignore-eviction': 'hard eviction thresholds are always subtracted',
  'experimental-mounter-path': 'the mount program of the machine is used',
  'reserved-memory': 'memory is not pinned',
};

function flagWarnings(flags: Flags): string[] {
  const warnings = Object.entries(FLAGS_NOT_ACTING).flatMap(([name, effect]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of FLAGS_NOT_ACTING
    return flags.isSet(name as FlagName) ? [`--${name} does not act: ${effect}`] : [];
  });
  const provider = flags.values['cloud-provider'];
  if (!['', 'external'].includes(provider))
    warnings.push(
      `--cloud-provider=${provider} does not act: want "external", there are no cloud providers in here`,
    );
  return warnings;
}

function notActing(document: Json, decoded: KubeletConfiguration): string[] {
  const defaults = kubeletConfigurationSchema.decode({}, '', []);
  return Object.entries(NOT_ACTING).flatMap(([field, effect]) => {
    if (document[field] === undefined) return [];
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of NOT_ACTING
    const key = field as keyof KubeletConfiguration;
    const same = JSON.stringify(decoded[key]) === JSON.stringify(defaults[key]);
    return same ? [] : [`configuration field "${field}" does not act yet: ${effect}`];
  });
}
