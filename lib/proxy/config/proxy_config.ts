/**
 * KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): every field is known; it acts, or is refused by name when
 * it asks for what this proxy cannot do. Zero values count as absent, as upstream's defaulting has it.
 */
import { isIP } from 'node:net';
import { clientConnection } from '../../component/config/client_connection.ts';
import type { ConfigKind } from '../../component/config/document.ts';
import type { Infer, Schema } from '../../component/config/schema.ts';
import {
  boolean,
  defaulted,
  duration,
  integer,
  list,
  map,
  object,
  refine,
  string,
  withDefault,
} from '../../component/config/schema.ts';
import { loggingConfiguration } from '../../component/logging_config.ts';
import { hostPort } from '../model/address.ts';

const text = (): Schema<string> => withDefault(string(), '');
const flag = (value = false): Schema<boolean> => withDefault(boolean(), value);
const seconds = (value: number): Schema<number> => withDefault(duration({ min: 0 }), value);
const maskBit = (): Schema<number> => withDefault(integer({ min: 0, max: 31 }), 14);

/** `address:port`, or an address alone, which takes the default port. */
const ENDPOINT = /^(?:\[(?<v6>[^\]]*)\]|(?<v4>[^:]*)):(?<port>\d{1,5})$/;

/** Empty when absent: the default depends on `bindAddress`. */
function endpoint(): Schema<string> {
  const wants = 'an IP address with port, such as "0.0.0.0:10256" or "[::]:10256"';
  return defaulted(
    refine(string(), wants, (given) => isIP(given) !== 0 || splitEndpoint(given, 0) !== undefined),
    '',
  );
}

/** Address and port; undefined when the text is neither `address:port` nor an address. */
export function splitEndpoint(
  given: string,
  defaultPort: number,
): { address: string; port: number } | undefined {
  if (isIP(given) !== 0) return { address: given, port: defaultPort };
  const parts = ENDPOINT.exec(given)?.groups;
  const address = parts?.['v6'] ?? parts?.['v4'] ?? '';
  const port = Number(parts?.['port'] ?? -1);
  return isIP(address) === 0 || port < 0 || port > 65_535 ? undefined : { address, port };
}

const fields = object({
  featureGates: withDefault(map(boolean()), {}),
  clientConnection: clientConnection({ qps: 5, burst: 10 }),
  logging: loggingConfiguration,
  hostnameOverride: text(),
  bindAddress: defaulted(
    refine(string(), 'an IP address', (given) => isIP(given) !== 0),
    '0.0.0.0',
  ),
  healthzBindAddress: endpoint(),
  metricsBindAddress: endpoint(),
  bindAddressHardFail: flag(),
  enableProfiling: flag(),
  showHiddenMetricsForVersion: text(),
  mode: defaulted(string({ oneOf: ['iptables', 'nftables', 'ipvs'] }), 'iptables'),
  iptables: object({
    masqueradeBit: maskBit(),
    masqueradeAll: flag(),
    localhostNodePorts: flag(true),
    syncPeriod: defaulted(duration({ min: 0 }), 30_000),
    minSyncPeriod: defaulted(duration({ min: 0 }), 1000),
  }),
  ipvs: object({
    syncPeriod: seconds(0),
    minSyncPeriod: seconds(0),
    scheduler: text(),
    excludeCIDRs: withDefault(list(string()), []),
    strictARP: flag(),
    tcpTimeout: seconds(0),
    tcpFinTimeout: seconds(0),
    udpTimeout: seconds(0),
  }),
  nftables: object({
    masqueradeBit: maskBit(),
    masqueradeAll: flag(),
    syncPeriod: defaulted(duration({ min: 0 }), 30_000),
    minSyncPeriod: defaulted(duration({ min: 0 }), 1000),
  }),
  winkernel: object({
    networkName: text(),
    sourceVip: text(),
    enableDSR: flag(),
    rootHnsEndpointName: text(),
    forwardHealthCheckVip: flag(),
  }),
  detectLocalMode: defaulted(
    string({ oneOf: ['ClusterCIDR', 'NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'] }),
    'ClusterCIDR',
  ),
  detectLocal: object({ bridgeInterface: text(), interfaceNamePrefix: text() }),
  clusterCIDR: text(),
  nodePortAddresses: withDefault(list(string()), []),
  oomScoreAdj: withDefault(integer({ min: -1000, max: 1000 }), -999),
  conntrack: object({
    maxPerCore: withDefault(integer({ min: 0 }), 32_768),
    min: withDefault(integer({ min: 0 }), 131_072),
    tcpEstablishedTimeout: seconds(86_400_000),
    tcpCloseWaitTimeout: seconds(3_600_000),
    tcpBeLiberal: flag(),
    udpTimeout: seconds(0),
    udpStreamTimeout: seconds(0),
  }),
  configSyncPeriod: defaulted(duration({ min: 0 }), 900_000),
  portRange: text(),
  windowsRunAsService: flag(),
});

/** Decoded configuration: durations in milliseconds, defaults filled in. */
export type ProxyConfig = Infer<typeof fields>;

export const HEALTHZ_PORT = 10_256;
export const METRICS_PORT = 10_249;

/** Where the servers listen: on loopback or all addresses of the family of `bindAddress`, and with a port. */
function withServerAddresses(config: ProxyConfig): ProxyConfig {
  const six = isIP(config.bindAddress) === 6;
  const complete = (given: string, address: string, port: number): string => {
    const { address: ip, port: number } = splitEndpoint(given, port) ?? { address, port };
    return hostPort(ip, number);
  };
  return {
    ...config,
    healthzBindAddress: complete(config.healthzBindAddress, six ? '::' : '0.0.0.0', HEALTHZ_PORT),
    metricsBindAddress: complete(config.metricsBindAddress, six ? '::1' : '127.0.0.1', METRICS_PORT),
  };
}

const schema: Schema<ProxyConfig> = {
  ...fields,
  decode: (value, path, problems) => withServerAddresses(fields.decode(value, path, problems)),
};

export const PROXY_CONFIG_KIND: ConfigKind<ProxyConfig> = {
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  schema,
};
