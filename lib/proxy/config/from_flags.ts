/** The configuration that the command line gives: the config file when there is one, the flags otherwise. */

import type { OnUnknownField } from '../../component/config/document.ts';
import { decodeConfig, loadConfigFile } from '../../component/config/document.ts';
import type { ParsedFlags } from '../../component/flags.ts';
import { effectiveLogging } from '../../component/logging_config.ts';
import type { proxyFlags } from '../flags.ts';
import { withModeDefaults } from './mode_settings.ts';
import type { ProxyConfig } from './proxy_config.ts';
import { PROXY_CONFIG_KIND } from './proxy_config.ts';

type Flags = ParsedFlags<typeof proxyFlags>;

/** Flags that count beside a config file too. */
const OVERRIDES = ['hostname-override'] as const;

/**
 * @param onUnknownField told of each field of the file that is not known: files outlive fields (`udpIdleTimeout` in those of
 *   older clusters), and stock goes on without them
 * @throws ConfigError naming the field or file
 */
export function configOf(flags: Flags, onUnknownField: OnUnknownField = () => undefined): ProxyConfig {
  const { values } = flags;
  if (values.config !== '') {
    const config = loadConfigFile(values.config, [PROXY_CONFIG_KIND], onUnknownField);
    const host = OVERRIDES.some((name) => flags.isSet(name))
      ? values['hostname-override']
      : config.hostnameOverride;
    return withModeDefaults({
      ...config,
      hostnameOverride: host,
      logging: effectiveLogging(flags, config.logging),
    });
  }
  const base = decodeConfig(fileForm(flags), 'command line', [PROXY_CONFIG_KIND]);
  // In a file zero means the default; on the command line it means zero, and empty means disabled.
  const periods = {
    minSyncPeriod: values['iptables-min-sync-period'],
    syncPeriod: values['iptables-sync-period'],
  };
  return withModeDefaults({
    ...base,
    logging: effectiveLogging(flags),
    configSyncPeriod: values['config-sync-period'],
    healthzBindAddress: endpoint(flags, 'healthz-bind-address', 'healthz-port'),
    metricsBindAddress: endpoint(flags, 'metrics-bind-address', 'metrics-port'),
    // Named after iptables, but meant for whichever mode there is.
    iptables: { ...base.iptables, ...periods },
    nftables: { ...base.nftables, ...periods },
  });
}

function endpoint(
  flags: Flags,
  name: 'healthz-bind-address' | 'metrics-bind-address',
  portName: 'healthz-port' | 'metrics-port',
): string {
  const { values } = flags;
  if (!flags.isSet(portName) || flags.isSet(name)) return values[name];
  const host = name === 'healthz-bind-address' ? '0.0.0.0' : '127.0.0.1';
  return values[portName] === 0 ? '' : `${host}:${values[portName]}`;
}

function fileForm({ values }: Flags): unknown {
  const inNftables = values['proxy-mode'] === 'nftables';
  return {
    apiVersion: PROXY_CONFIG_KIND.apiVersion,
    kind: PROXY_CONFIG_KIND.kind,
    featureGates: Object.fromEntries(values['feature-gates']),
    clientConnection: {
      kubeconfig: values.kubeconfig,
      contentType: values['kube-api-content-type'],
      qps: values['kube-api-qps'],
      burst: values['kube-api-burst'],
    },
    hostnameOverride: values['hostname-override'],
    bindAddress: values['bind-address'],
    bindAddressHardFail: values['bind-address-hard-fail'],
    enableProfiling: values.profiling,
    showHiddenMetricsForVersion: values['show-hidden-metrics-for-version'],
    mode: values['proxy-mode'],
    iptables: {
      masqueradeBit: values['iptables-masquerade-bit'],
      masqueradeAll: !inNftables && values['masquerade-all'],
      localhostNodePorts: values['iptables-localhost-nodeports'],
    },
    nftables: { masqueradeAll: inNftables && values['masquerade-all'] },
    detectLocalMode: values['detect-local-mode'],
    detectLocal: {
      bridgeInterface: values['pod-bridge-interface'],
      interfaceNamePrefix: values['pod-interface-name-prefix'],
    },
    clusterCIDR: values['cluster-cidr'],
    nodePortAddresses: values['nodeport-addresses'],
    oomScoreAdj: values['oom-score-adj'],
    conntrack: {
      maxPerCore: values['conntrack-max-per-core'],
      min: values['conntrack-min'],
      tcpBeLiberal: values['conntrack-tcp-be-liberal'],
      tcpCloseWaitTimeout: duration(values['conntrack-tcp-timeout-close-wait']),
      tcpEstablishedTimeout: duration(values['conntrack-tcp-timeout-established']),
      udpTimeout: duration(values['conntrack-udp-timeout']),
      udpStreamTimeout: duration(values['conntrack-udp-timeout-stream']),
    },
  };
}

function duration(ms: number): string {
  return `${ms}ms`;
}
