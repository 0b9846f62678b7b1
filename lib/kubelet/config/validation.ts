/** What concerns several fields of the configuration at once, or fields and flags. Pure. */
import { isIP } from 'node:net';
import { parseQuantity } from '../../api/quantity.ts';
import { formatDuration } from '../../base/duration.ts';
import type { Problem } from '../../component/config/schema.ts';
import { parseThresholds, ThresholdError } from '../eviction/thresholds.ts';
import { shutdownProblem } from '../shutdown/groups.ts';
import type { KubeletConfig, KubeletFlags } from './kubelet_config.ts';
import { nodeLabelsProblem } from './node_labels.ts';

/** Everything that does not go together. */
export function configProblems(config: KubeletConfig, flags: KubeletFlags): readonly Problem[] {
  const problems = [
    ...images(config),
    ...allocatable(config),
    ...logs(config),
    ...eviction(config),
    ...endpoints(config),
    ...given(flags),
  ];
  const shutdown = shutdownProblem(config);
  if (shutdown !== undefined) problems.push({ path: shutdown.field, message: shutdown.message });
  if (config.runOnce)
    problems.push({ path: 'runOnce', message: 'got true, want false: there is no such mode' });
  return problems;
}

/** Fields that need a feature gate. */
export function gateProblems(
  config: Pick<KubeletConfig, 'crashLoopBackOff' | 'memoryReservationPolicy' | 'serverTLSBootstrap'>,
  gates: { enabled(name: string): boolean },
): readonly Problem[] {
  const problems: Problem[] = [];
  if (config.memoryReservationPolicy === 'TieredReservation' && !gates.enabled('MemoryQoS'))
    problems.push({
      path: 'memoryReservationPolicy',
      message: 'got "TieredReservation", which requires MemoryQoS feature gate to be enabled',
    });
  if (
    config.crashLoopBackOff.maxContainerRestartPeriod !== undefined &&
    !gates.enabled('KubeletCrashLoopBackOffMax')
  )
    problems.push({
      path: 'crashLoopBackOff.maxContainerRestartPeriod',
      message:
        'FeatureGate KubeletCrashLoopBackOffMax not enabled, CrashLoopBackOff.MaxContainerRestartPeriod must not be set',
    });
  if (config.serverTLSBootstrap && !gates.enabled('RotateKubeletServerCertificate'))
    problems.push({
      path: 'serverTLSBootstrap',
      message: 'got true, which requires feature gate RotateKubeletServerCertificate',
    });
  return problems;
}

function images(config: KubeletConfig): Problem[] {
  const problems: Problem[] = [];
  const { imageGCHighThresholdPercent: high, imageGCLowThresholdPercent: low } = config;
  if (low >= high)
    problems.push({
      path: 'imageGCLowThresholdPercent',
      message: `got ${low}, want less than imageGCHighThresholdPercent (${high})`,
    });
  const { imageMaximumGCAge: maxAge, imageMinimumGCAge: minAge } = config;
  if (maxAge > 0 && maxAge <= minAge)
    problems.push({
      path: 'imageMaximumGCAge',
      message: `got ${formatDuration(maxAge)}, want more than imageMinimumGCAge (${formatDuration(minAge)})`,
    });
  const { maxParallelImagePulls, serializeImagePulls } = config;
  if (maxParallelImagePulls !== undefined && maxParallelImagePulls > 1 && serializeImagePulls)
    problems.push({
      path: 'maxParallelImagePulls',
      message: `got ${maxParallelImagePulls}, want 1 while serializeImagePulls is true`,
    });
  const { preloadedImagesVerificationAllowlist: allowlist } = config;
  const path = 'preloadedImagesVerificationAllowlist';
  if (
    allowlist.length > 0 &&
    config.imagePullCredentialsVerificationPolicy !== 'NeverVerifyAllowlistedImages'
  )
    problems.push({
      path,
      message: 'is for the imagePullCredentialsVerificationPolicy "NeverVerifyAllowlistedImages"',
    });
  const isAllowable = (entry: string): boolean => /^[^\s@*]+(\/\*)?$/.test(entry) && !/:[^/]*$/.test(entry);
  const strange = allowlist.find((entry) => !isAllowable(entry));
  if (strange !== undefined)
    problems.push({
      path,
      message: `got "${strange}", want an image without tag and digest, or all below one: registry.example/team/*`,
    });
  return problems;
}

/** What of the machine can be kept for the system and for Kubernetes. */
const RESERVABLE = ['cpu', 'memory', 'ephemeral-storage', 'pid'];

/** Reservations, the groups that they are enforced on, and the groups of pods. */
function allocatable(config: KubeletConfig): Problem[] {
  const { cgroupsPerQOS, enforceNodeAllocatable: enforced } = config;
  const problems: Problem[] = [];
  const wrong = (message: string): void => {
    problems.push({ path: 'enforceNodeAllocatable', message });
  };
  const twice = enforced.find((one, i) => enforced.indexOf(one) !== i);
  if (twice !== undefined) wrong(`holds "${twice}" twice`);
  if (enforced.includes('none') && enforced.length > 1) wrong('holds "none", want nothing beside it');
  for (const [key, field] of [
    ['system-reserved', 'systemReservedCgroup'],
    ['kube-reserved', 'kubeReservedCgroup'],
  ] as const) {
    const named = [key, `${key}-compressible`].filter((one) => enforced.includes(one));
    if (named.length > 1) wrong(`holds both "${key}" and "${key}-compressible", want one of them`);
    const [first] = named;
    if (first !== undefined && config[field] === '') wrong(`holds "${first}", want ${field} with it`);
  }
  for (const field of ['systemReserved', 'kubeReserved'] as const) {
    for (const [name, text] of Object.entries(config[field])) {
      if (!RESERVABLE.includes(name))
        problems.push({
          path: `${field}.${name}`,
          message: `cannot reserve "${name}" resource, want one of ${RESERVABLE.join(', ')}`,
        });
      else if (parseQuantity(text).sign < 0)
        problems.push({ path: `${field}.${name}`, message: `got "${text}", which cannot be negative` });
    }
  }
  if (!cgroupsPerQOS && enforced.includes('pods'))
    problems.push({
      path: 'cgroupsPerQOS',
      message: 'got false, want true while enforceNodeAllocatable contains "pods"',
    });
  if (config.systemCgroups !== '' && config.cgroupRoot === '')
    problems.push({ path: 'systemCgroups', message: 'was specified and cgroupRoot was not' });
  if (config.reservedSystemCPUs !== '' && config.systemReservedCgroup + config.kubeReservedCgroup !== '')
    problems.push({
      path: 'reservedSystemCPUs',
      message: 'cannot be used together with systemReservedCgroup or kubeReservedCgroup',
    });
  return problems;
}

function logs(config: KubeletConfig): Problem[] {
  const problems: Problem[] = [];
  const { containerLogMonitorInterval: interval, podLogsDir } = config;
  if (interval < 3000)
    problems.push({
      path: 'containerLogMonitorInterval',
      message: `got ${formatDuration(interval)}, want at least 3s`,
    });
  // Runtimes split log paths at these; a path that leaves its folder is none to give away.
  const isPlain = /^[ -~]+$/.test(podLogsDir) && !/(^|\/)\.{1,2}(\/|$)|\/\//.test(podLogsDir);
  if (!isPlain)
    problems.push({
      path: 'podLogsDir',
      message: `got ${JSON.stringify(podLogsDir)}, want a normalized path of ASCII characters`,
    });
  if (config.enableSystemLogQuery && !config.enableSystemLogHandler)
    problems.push({
      path: 'enableSystemLogQuery',
      message: 'got true, which requires enableSystemLogHandler',
    });
  return problems;
}

function eviction(config: KubeletConfig): Problem[] {
  try {
    parseThresholds(config);
    return [];
  } catch (error) {
    if (!(error instanceof ThresholdError)) throw error;
    return [{ path: error.field, message: error.message }];
  }
}

function endpoints(config: KubeletConfig): Problem[] {
  const problems: Problem[] = [];
  if ((config.tlsCertFile === '') !== (config.tlsPrivateKeyFile === ''))
    problems.push({
      path: 'tlsCertFile',
      message: 'tlsCertFile and tlsPrivateKeyFile are given together or not at all',
    });
  if (!/^unix:|^\//.test(config.containerRuntimeEndpoint))
    problems.push({
      path: 'containerRuntimeEndpoint',
      message: `got "${config.containerRuntimeEndpoint}", want unix:///path/to/socket`,
    });
  return problems;
}

function given(flags: KubeletFlags): Problem[] {
  const problems: Problem[] = [];
  const plugins = [flags.imageCredentialProviderConfig, flags.imageCredentialProviderBinDir];
  if (plugins.filter((path) => path !== '').length === 1)
    problems.push({
      path: '--image-credential-provider-config',
      message: 'is given together with --image-credential-provider-bin-dir or not at all',
    });
  const [first = '', second, ...more] = flags.nodeIPs;
  const families = [first, second].map((ip) => isIP(ip ?? ''));
  if (first !== '' && (families[0] === 0 || (second !== undefined && families[1] === 0)))
    problems.push({ path: '--node-ip', message: `got "${flags.nodeIPs.join(',')}", want IP addresses` });
  else if (second !== undefined && (families[0] === families[1] || more.length > 0))
    problems.push({
      path: '--node-ip',
      message: `got "${flags.nodeIPs.join(',')}", must contain either a single IP or a dual-stack pair of IPs`,
    });
  const labels = nodeLabelsProblem(flags.nodeLabels);
  if (labels !== undefined) problems.push({ path: '--node-labels', message: labels });
  if (flags.exitOnLockContention && flags.lockFile === '')
    problems.push({ path: '--exit-on-lock-contention', message: 'is given, want --lock-file with it' });
  return problems;
}
