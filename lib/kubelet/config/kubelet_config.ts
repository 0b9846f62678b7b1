/**
 * `KubeletConfiguration` (kubelet.config.k8s.io/v1beta1) with defaults applied and values parsed: field names are the
 * API's, durations are milliseconds, quantities are bytes where the name says so. Immutable for the life of the process.
 */
import type { Taint } from '../../api/types.ts';
import type { LoggingConfiguration } from '../../component/logging_config.ts';
import type { DeadContainerLimits } from '../runtime/dead_containers.ts';
import type { VerificationPolicy } from '../images/pull_verification.ts';

export interface KubeletConfig {
  readonly enableServer: boolean;
  readonly runOnce: boolean;
  /** Empty: no static pods from files. */
  readonly staticPodPath: string;
  readonly staticPodURL: string;
  readonly staticPodURLHeader: Readonly<Record<string, readonly string[]>>;
  readonly podLogsDir: string;
  readonly syncFrequency: number;
  readonly fileCheckFrequency: number;
  readonly httpCheckFrequency: number;
  readonly address: string;
  readonly port: number;
  readonly readOnlyPort: number;
  readonly tlsCertFile: string;
  readonly tlsPrivateKeyFile: string;
  readonly tlsCipherSuites: readonly string[];
  readonly tlsMinVersion: string;
  readonly tlsCurvePreferences: readonly number[];
  readonly rotateCertificates: boolean;
  readonly serverTLSBootstrap: boolean;
  readonly authentication: {
    readonly x509: { readonly clientCAFile: string };
    readonly webhook: { readonly enabled: boolean; readonly cacheTTL: number };
    readonly anonymous: { readonly enabled: boolean };
  };
  readonly authorization: {
    readonly mode: 'AlwaysAllow' | 'Webhook';
    readonly webhook: { readonly cacheAuthorizedTTL: number; readonly cacheUnauthorizedTTL: number };
  };
  readonly registryPullQPS: number;
  readonly registryBurst: number;
  readonly eventRecordQPS: number;
  readonly eventBurst: number;
  readonly enableDebuggingHandlers: boolean;
  readonly enableContentionProfiling: boolean;
  readonly healthzPort: number;
  readonly healthzBindAddress: string;
  readonly oomScoreAdj: number;
  readonly clusterDomain: string;
  readonly clusterDNS: readonly string[];
  readonly streamingConnectionIdleTimeout: number;
  readonly nodeStatusUpdateFrequency: number;
  readonly nodeStatusReportFrequency: number;
  readonly nodeLeaseDurationSeconds: number;
  readonly imageMinimumGCAge: number;
  readonly imageMaximumGCAge: number;
  readonly imageGCHighThresholdPercent: number;
  readonly imageGCLowThresholdPercent: number;
  readonly volumeStatsAggPeriod: number;
  readonly kubeletCgroups: string;
  readonly systemCgroups: string;
  readonly cgroupRoot: string;
  readonly cgroupsPerQOS: boolean;
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly runtimeRequestTimeout: number;
  readonly hairpinMode: string;
  readonly maxPods: number;
  readonly podsPerCore: number;
  readonly podCIDR: string;
  readonly podPidsLimit: number;
  readonly resolvConf: string;
  readonly cpuCFSQuota: boolean;
  readonly cpuCFSQuotaPeriod: number;
  readonly nodeStatusMaxImages: number;
  readonly maxOpenFiles: number;
  readonly kubeAPIQPS: number;
  readonly kubeAPIBurst: number;
  readonly serializeImagePulls: boolean;
  /** `undefined`: 1 when serialized, else no limit. */
  readonly maxParallelImagePulls: number | undefined;
  readonly imagePullCredentialsVerificationPolicy: VerificationPolicy['policy'];
  readonly preloadedImagesVerificationAllowlist: readonly string[];
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly evictionSoft: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod: Readonly<Record<string, string>>;
  readonly evictionMinimumReclaim: Readonly<Record<string, string>>;
  readonly evictionPressureTransitionPeriod: number;
  readonly evictionMaxPodGracePeriod: number;
  readonly kernelMemcgNotification: boolean;
  readonly enableControllerAttachDetach: boolean;
  readonly protectKernelDefaults: boolean;
  readonly makeIPTablesUtilChains: boolean;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly failSwapOn: boolean;
  readonly failCgroupV1: boolean;
  /** `undefined`: as cgroup v2 has it, the container is killed as a whole. */
  readonly singleProcessOOMKill: boolean | undefined;
  readonly memorySwap: { readonly swapBehavior: string };
  readonly containerLogMaxSizeBytes: number;
  readonly containerLogMaxFiles: number;
  readonly containerLogMaxWorkers: number;
  readonly containerLogMonitorInterval: number;
  readonly configMapAndSecretChangeDetectionStrategy: 'Get' | 'Cache' | 'Watch';
  /** Resource name to quantity text, as given. */
  readonly systemReserved: Readonly<Record<string, string>>;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly reservedSystemCPUs: string;
  readonly systemReservedCgroup: string;
  readonly kubeReservedCgroup: string;
  readonly enforceNodeAllocatable: readonly string[];
  readonly allowedUnsafeSysctls: readonly string[];
  readonly volumePluginDir: string;
  readonly providerID: string;
  readonly logging: LoggingConfiguration;
  readonly showHiddenMetricsForVersion: string;
  readonly enableSystemLogHandler: boolean;
  readonly enableSystemLogQuery: boolean;
  readonly shutdownGracePeriod: number;
  readonly shutdownGracePeriodCriticalPods: number;
  readonly shutdownGracePeriodByPodPriority: readonly {
    readonly priority: number;
    readonly shutdownGracePeriodSeconds: number;
  }[];
  readonly crashLoopBackOff: { readonly maxContainerRestartPeriod?: number | undefined };
  readonly enableProfilingHandler: boolean;
  readonly enableDebugFlagsHandler: boolean;
  readonly seccompDefault: boolean;
  readonly memoryThrottlingFactor: number;
  readonly memoryReservationPolicy: string;
  readonly registerWithTaints: readonly Taint[];
  readonly registerNode: boolean;
  readonly localStorageCapacityIsolation: boolean;
  readonly containerRuntimeEndpoint: string;
  /** Same as the runtime's endpoint unless set. */
  readonly imageServiceEndpoint: string;
  readonly userNamespaces: { readonly idsPerPod: number };
}

/** What stock takes only by flag. */
export interface KubeletFlags {
  /** Empty: standalone, no apiserver. */
  readonly kubeconfig: string;
  readonly bootstrapKubeconfig: string;
  readonly hostnameOverride: string;
  /** Requested node addresses, at most one of each family; empty: found out. */
  readonly nodeIPs: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly rootDir: string;
  readonly certDir: string;
  readonly cloudProvider: string;
  readonly runtimeCgroups: string;
  readonly imageCredentialProviderConfig: string;
  readonly imageCredentialProviderBinDir: string;
  readonly exitOnLockContention: boolean;
  readonly lockFile: string;
  readonly deadContainers: DeadContainerLimits;
}

/** All that a kubelet is started with. */
export interface KubeletOptions {
  readonly config: KubeletConfig;
  readonly flags: KubeletFlags;
  /** `--hostname-override` or the machine's host name, lower case. */
  readonly nodeName: string;
}
