/** `KubeletConfiguration` of kubelet.config.k8s.io/v1beta1: every field, its default, what is allowed. */
import {
  boolean,
  choice,
  duration,
  integer,
  json,
  list,
  map,
  number,
  object,
  optional,
  quantity,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import type { Infer } from '../../component/config/schema.ts';
import { loggingConfiguration } from '../../component/logging_config.ts';
import { VERIFICATION_POLICIES } from '../images/pull_verification.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const port = (value: number) => withDefault(integer({ min: 0, max: 65_535 }), value);
const percent = (value: number) => withDefault(integer({ min: 0, max: 100 }), value);
const text = (value = '') => withDefault(string(), value);
const flag = (value: boolean) => withDefault(boolean(), value);
const time = (value: number) => withDefault(duration({ min: 0 }), value);
const whole = (value: number, min?: number) => withDefault(integer(min === undefined ? {} : { min }), value);
const names = () => withDefault(list(string()), []);
const texts = () => withDefault(map(string()), {});

const taint = object({
  key: string(),
  value: optional(string()),
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
  port: port(10_250),
  readOnlyPort: port(0),
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
    mode: withDefault(choice(['AlwaysAllow', 'Webhook']), 'Webhook'),
    webhook: object({ cacheAuthorizedTTL: time(5 * MINUTE), cacheUnauthorizedTTL: time(30 * SECOND) }),
  }),
  registryPullQPS: whole(5, 0),
  registryBurst: whole(10, 0),
  imagePullCredentialsVerificationPolicy: withDefault(
    choice(VERIFICATION_POLICIES),
    'NeverVerifyPreloadedImages',
  ),
  preloadedImagesVerificationAllowlist: names(),
  eventRecordQPS: whole(50, 0),
  eventBurst: whole(100, 0),
  enableDebuggingHandlers: flag(true),
  enableContentionProfiling: flag(false),
  healthzPort: port(10_248),
  healthzBindAddress: text('127.0.0.1'),
  oomScoreAdj: withDefault(integer({ min: -1000, max: 1000 }), -999),
  clusterDomain: text(),
  clusterDNS: names(),
  streamingConnectionIdleTimeout: time(4 * 60 * MINUTE),
  nodeStatusUpdateFrequency: time(10 * SECOND),
  nodeStatusReportFrequency: optional(duration({ min: 0 })),
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
  cgroupDriver: withDefault(choice(['cgroupfs', 'systemd']), 'cgroupfs'),
  cpuManagerPolicy: text('none'),
  singleProcessOOMKill: optional(boolean()),
  cpuManagerPolicyOptions: texts(),
  cpuManagerReconcilePeriod: time(10 * SECOND),
  memoryManagerPolicy: text('None'),
  topologyManagerPolicy: text('none'),
  topologyManagerScope: text('container'),
  topologyManagerPolicyOptions: texts(),
  qosReserved: texts(),
  runtimeRequestTimeout: time(2 * MINUTE),
  hairpinMode: text('promiscuous-bridge'),
  maxPods: whole(110, 0),
  podCIDR: text(),
  podPidsLimit: whole(-1, -1),
  resolvConf: text('/etc/resolv.conf'),
  runOnce: flag(false),
  cpuCFSQuota: flag(true),
  cpuCFSQuotaPeriod: withDefault(duration({ min: 1 }), 100),
  nodeStatusMaxImages: whole(50, -1),
  maxOpenFiles: whole(1_000_000, 0),
  contentType: text('application/vnd.kubernetes.protobuf'),
  kubeAPIQPS: whole(50, 0),
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
  iptablesMasqueradeBit: whole(14, 0),
  iptablesDropBit: whole(15, 0),
  featureGates: withDefault(map(boolean()), {}),
  failSwapOn: flag(true),
  memorySwap: object({ swapBehavior: text() }),
  containerLogMaxSize: withDefault(quantity(), '10Mi'),
  containerLogMaxFiles: whole(5, 2),
  containerLogMaxWorkers: whole(1, 1),
  containerLogMonitorInterval: time(10 * SECOND),
  configMapAndSecretChangeDetectionStrategy: withDefault(choice(['Get', 'Cache', 'Watch']), 'Watch'),
  systemReserved: withDefault(map(quantity()), {}),
  kubeReserved: withDefault(map(quantity()), {}),
  reservedSystemCPUs: text(),
  showHiddenMetricsForVersion: text(),
  systemReservedCgroup: text(),
  kubeReservedCgroup: text(),
  enforceNodeAllocatable: withDefault(list(string()), ['pods']),
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
  crashLoopBackOff: object({ maxContainerRestartPeriod: optional(duration({ min: 1000 })) }),
  reservedMemory: withDefault(list(object({ numaNode: integer({ min: 0 }), limits: map(quantity()) })), []),
  enableProfilingHandler: flag(true),
  enableDebugFlagsHandler: flag(true),
  seccompDefault: flag(false),
  memoryThrottlingFactor: withDefault(number(), 0.9),
  memoryReservationPolicy: text(),
  registerWithTaints: withDefault(list(taint), []),
  registerNode: flag(true),
  tracing: optional(json()),
  localStorageCapacityIsolation: flag(true),
  containerRuntimeEndpoint: text('unix:///run/containerd/containerd.sock'),
  imageServiceEndpoint: text(),
  failCgroupV1: flag(true),
  userNamespaces: object({ idsPerPod: whole(65_536, 65_536) }),
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
 * Fields that are accepted and do nothing yet, and what that means. A value other than the default is named in a
 * warning at start, so that nobody relies on what is not there.
 */
export const NOT_ACTING: Readonly<Partial<Record<keyof KubeletConfiguration, string>>> = {
  tlsCurvePreferences: "the JavaScript runtime's curves are offered",
  registryPullQPS: 'pulls are not limited by rate',
  enableContentionProfiling: 'there is nothing to profile',
  kubeletCgroups: 'the kubelet stays in its group',
  systemCgroups: 'other processes stay in their groups',
  cpuManagerPolicy: 'containers share all CPUs',
  singleProcessOOMKill: 'a container is killed as a whole under cgroup v2',
  memoryManagerPolicy: 'memory is not pinned',
  topologyManagerPolicy: 'no NUMA alignment',
  qosReserved: 'nothing is reserved by QoS class',
  runOnce: 'refused by stock as well',
  protectKernelDefaults: 'kernel settings are not checked',
  kernelMemcgNotification: 'there are no evictions to notify of',
  enableSystemLogQuery: 'node logs are served as files only',
  reservedMemory: 'memory is not pinned',
  memoryReservationPolicy: 'memory.min is not set',
  tracing: 'no traces are sent',
};
