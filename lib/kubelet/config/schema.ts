/** `KubeletConfiguration` of kubelet.config.k8s.io/v1beta1: every field, its default, what is allowed. */
import {
  boolean,
  choice,
  defaulted,
  duration,
  integer,
  list,
  map,
  number,
  object,
  optional,
  quantity,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import type { Infer } from '../../component/config/schema.ts';
import { loggingConfiguration } from '../../component/logging_config.ts';
import { labelKeyProblem, labelValueProblem } from '../../api/label_syntax.ts';
import { VERIFICATION_POLICIES } from '../images/pull_verification.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
// In the API type these are no pointers: zero and empty are absent, and stand for the default. kubeadm writes them so.
const text = (value = '') => defaulted(string(), value);
const time = (value: number) => defaulted(duration({ min: 0 }), value);
const whole = (value: number, min?: number) => defaulted(integer(min === undefined ? {} : { min }), value);
const oneOf = <const C extends string>(choices: readonly C[], value: NoInfer<C>) =>
  defaulted<C>(choice(choices), value);
// And these are pointers: what is written stands.
const pointed = (value: number, limits: { readonly min?: number; readonly max?: number } = {}) =>
  withDefault(integer(limits), value);
const percent = (value: number) => pointed(value, { min: 0, max: 100 });
const port = { min: 0, max: 65_535 };
const bit = { min: 0, max: 31 };
const flag = (value: boolean) => withDefault(boolean(), value);
const names = () => withDefault(list(string()), []);
const texts = () => withDefault(map(string()), {});

/** What `enforceNodeAllocatable` may hold. */
export const ENFORCEMENTS = [
  'none',
  'pods',
  'system-reserved',
  'system-reserved-compressible',
  'kube-reserved',
  'kube-reserved-compressible',
] as const;

const restartPeriod = refine(
  duration(),
  'a duration from 1s to 300s',
  (ms) => ms >= SECOND && ms <= 300 * SECOND,
);

const tracing = object({
  endpoint: optional(string()),
  samplingRatePerMillion: optional(integer({ min: 0, max: 1_000_000 })),
});

const taint = object({
  key: refine(string(), 'a label key', (text) => labelKeyProblem(text) === undefined),
  value: optional(refine(string(), 'a label value', (text) => labelValueProblem(text) === undefined)),
  effect: string({ oneOf: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] }),
  timeAdded: optional(string()),
});

export const kubeletConfigurationSchema = object({
  enableServer: flag(true),
  staticPodPath: text(),
  podLogsDir: text('/var/log/pods'),
  syncFrequency: time(MINUTE),
  fileCheckFrequency: time(20 * SECOND),
  httpCheckFrequency: time(20 * SECOND),
  staticPodURL: text(),
  staticPodURLHeader: withDefault(map(list(string())), {}),
  address: text('0.0.0.0'),
  port: defaulted(integer(port), 10_250),
  readOnlyPort: pointed(0, port),
  tlsCertFile: text(),
  tlsPrivateKeyFile: text(),
  tlsCipherSuites: names(),
  tlsCurvePreferences: withDefault(list(integer()), []),
  tlsMinVersion: text(),
  rotateCertificates: flag(false),
  serverTLSBootstrap: flag(false),
  authentication: object({
    x509: object({ clientCAFile: text() }),
    webhook: object({ enabled: flag(true), cacheTTL: time(2 * MINUTE) }),
    anonymous: object({ enabled: flag(false) }),
  }),
  authorization: object({
    mode: oneOf(['AlwaysAllow', 'Webhook'], 'Webhook'),
    webhook: object({ cacheAuthorizedTTL: time(5 * MINUTE), cacheUnauthorizedTTL: time(30 * SECOND) }),
  }),
  registryPullQPS: pointed(5, { min: 0 }),
  registryBurst: whole(10, 0),
  imagePullCredentialsVerificationPolicy: oneOf(VERIFICATION_POLICIES, 'NeverVerifyPreloadedImages'),
  preloadedImagesVerificationAllowlist: names(),
  eventRecordQPS: pointed(50, { min: 0 }),
  eventBurst: whole(100, 0),
  enableDebuggingHandlers: flag(true),
  enableContentionProfiling: flag(false),
  healthzPort: pointed(10_248, port),
  healthzBindAddress: text('127.0.0.1'),
  oomScoreAdj: withDefault(integer({ min: -1000, max: 1000 }), -999),
  clusterDomain: text(),
  clusterDNS: names(),
  streamingConnectionIdleTimeout: time(4 * 60 * MINUTE),
  nodeStatusUpdateFrequency: time(10 * SECOND),
  nodeStatusReportFrequency: time(5 * MINUTE),
  nodeLeaseDurationSeconds: whole(40, 1),
  imageMinimumGCAge: time(2 * MINUTE),
  imageMaximumGCAge: time(0),
  imageGCHighThresholdPercent: percent(85),
  imageGCLowThresholdPercent: percent(80),
  volumeStatsAggPeriod: time(MINUTE),
  kubeletCgroups: text(),
  systemCgroups: text(),
  cgroupRoot: text(),
  cgroupsPerQOS: flag(true),
  cgroupDriver: oneOf(['cgroupfs', 'systemd'], 'cgroupfs'),
  cpuManagerPolicy: oneOf(['none', 'static'], 'none'),
  singleProcessOOMKill: optional(boolean()),
  cpuManagerPolicyOptions: texts(),
  cpuManagerReconcilePeriod: time(10 * SECOND),
  memoryManagerPolicy: oneOf(['None', 'Static'], 'None'),
  topologyManagerPolicy: oneOf(['none', 'best-effort', 'restricted', 'single-numa-node'], 'none'),
  topologyManagerScope: oneOf(['container', 'pod'], 'container'),
  topologyManagerPolicyOptions: texts(),
  qosReserved: texts(),
  runtimeRequestTimeout: time(2 * MINUTE),
  hairpinMode: oneOf(['none', 'hairpin-veth', 'promiscuous-bridge'], 'promiscuous-bridge'),
  maxPods: whole(110, 0),
  podCIDR: text(),
  podPidsLimit: pointed(-1, { min: -1 }),
  resolvConf: withDefault(string(), '/etc/resolv.conf'),
  runOnce: flag(false),
  cpuCFSQuota: flag(true),
  cpuCFSQuotaPeriod: withDefault(
    refine(duration(), 'a duration from 1ms to 1s', (ms) => ms >= 1 && ms <= SECOND),
    100,
  ),
  nodeStatusMaxImages: pointed(50, { min: -1 }),
  maxOpenFiles: whole(1_000_000, 0),
  contentType: text('application/vnd.kubernetes.protobuf'),
  kubeAPIQPS: pointed(50, { min: 0 }),
  kubeAPIBurst: whole(100, 0),
  serializeImagePulls: optional(boolean()),
  maxParallelImagePulls: optional(integer({ min: 1 })),
  evictionHard: optional(map(string())),
  evictionSoft: texts(),
  evictionSoftGracePeriod: texts(),
  evictionPressureTransitionPeriod: time(5 * MINUTE),
  evictionMaxPodGracePeriod: whole(0),
  evictionMinimumReclaim: texts(),
  mergeDefaultEvictionSettings: flag(false),
  podsPerCore: whole(0, 0),
  enableControllerAttachDetach: flag(true),
  protectKernelDefaults: flag(false),
  makeIPTablesUtilChains: flag(true),
  iptablesMasqueradeBit: pointed(14, bit),
  iptablesDropBit: pointed(15, bit),
  featureGates: withDefault(map(boolean()), {}),
  failSwapOn: flag(true),
  memorySwap: object({ swapBehavior: oneOf(['', 'NoSwap', 'LimitedSwap'], '') }),
  containerLogMaxSize: defaulted(quantity(), '10Mi'),
  containerLogMaxFiles: pointed(5, { min: 2 }),
  containerLogMaxWorkers: pointed(1, { min: 1 }),
  containerLogMonitorInterval: withDefault(duration(), 10 * SECOND),
  configMapAndSecretChangeDetectionStrategy: oneOf(['Get', 'Cache', 'Watch'], 'Watch'),
  systemReserved: withDefault(map(quantity()), {}),
  kubeReserved: withDefault(map(quantity()), {}),
  reservedSystemCPUs: text(),
  showHiddenMetricsForVersion: text(),
  systemReservedCgroup: text(),
  kubeReservedCgroup: text(),
  enforceNodeAllocatable: withDefault(list(choice(ENFORCEMENTS)), ['pods']),
  allowedUnsafeSysctls: names(),
  volumePluginDir: text('/usr/libexec/kubernetes/kubelet-plugins/volume/exec/'),
  providerID: text(),
  kernelMemcgNotification: flag(false),
  logging: loggingConfiguration,
  enableSystemLogHandler: flag(true),
  enableSystemLogQuery: flag(false),
  shutdownGracePeriod: time(0),
  shutdownGracePeriodCriticalPods: time(0),
  shutdownGracePeriodByPodPriority: withDefault(
    list(object({ priority: integer(), shutdownGracePeriodSeconds: integer({ min: 0 }) })),
    [],
  ),
  crashLoopBackOff: object({ maxContainerRestartPeriod: optional(restartPeriod) }),
  reservedMemory: withDefault(list(object({ numaNode: integer({ min: 0 }), limits: map(quantity()) })), []),
  enableProfilingHandler: flag(true),
  enableDebugFlagsHandler: flag(true),
  seccompDefault: flag(false),
  memoryThrottlingFactor: withDefault(
    refine(number(), 'a number above 0, at most 1', (factor) => factor > 0 && factor <= 1),
    0.9,
  ),
  memoryReservationPolicy: oneOf(['None', 'TieredReservation'], 'None'),
  registerWithTaints: withDefault(list(taint), []),
  registerNode: flag(true),
  tracing: optional(tracing),
  localStorageCapacityIsolation: flag(true),
  containerRuntimeEndpoint: text('unix:///run/containerd/containerd.sock'),
  imageServiceEndpoint: text(),
  failCgroupV1: flag(true),
  userNamespaces: object({ idsPerPod: pointed(65_536, { min: 65_536 }) }),
});

export type KubeletConfiguration = Infer<typeof kubeletConfigurationSchema>;

export const KUBELET_CONFIGURATION: ConfigKind<KubeletConfiguration> = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  schema: kubeletConfigurationSchema,
};

/** Hard eviction thresholds where the configuration names none. */
export const DEFAULT_EVICTION_HARD = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

/**
 * Fields that are accepted and do nothing, and what that means. A value other than the default is named in a warning at
 * start, so that nobody relies on what is not there. Every other field acts (there is a test for that).
 */
export const NOT_ACTING: Readonly<Partial<Record<keyof KubeletConfiguration, string>>> = {
  enableContentionProfiling: 'there is nothing to profile',
  enableProfilingHandler: 'there is no /debug/pprof',
  systemCgroups: 'other processes stay in their groups',
  cpuManagerPolicy: 'containers share all CPUs',
  cpuManagerPolicyOptions: 'containers share all CPUs',
  cpuManagerReconcilePeriod: 'containers share all CPUs',
  memoryManagerPolicy: 'memory is not pinned',
  reservedMemory: 'memory is not pinned',
  topologyManagerPolicy: 'no NUMA alignment',
  topologyManagerScope: 'no NUMA alignment',
  topologyManagerPolicyOptions: 'no NUMA alignment',
  qosReserved: 'nothing is reserved by QoS class',
  tracing: 'no traces are sent',
  hairpinMode: 'the network plugin decides on that',
  podCIDR: 'the network plugin decides on that',
  maxOpenFiles: 'the limit of the process stays as the service manager set it',
  contentType: 'JSON is spoken with the API server',
  makeIPTablesUtilChains: 'iptables are left to the proxy and the network plugin',
  iptablesMasqueradeBit: 'iptables are left to the proxy and the network plugin',
  iptablesDropBit: 'iptables are left to the proxy and the network plugin',
  volumePluginDir: 'there are no flex volumes',
};
