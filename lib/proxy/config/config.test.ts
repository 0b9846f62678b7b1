import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeConfig, encodeConfig, parseDocument } from '../../component/config/document.ts';
import { parseFlags } from '../../component/flags.ts';
import { proxyFlags } from '../flags.ts';
import { configOf } from './from_flags.ts';
import type { ProxyConfig } from './proxy_config.ts';
import { PROXY_CONFIG_KIND, splitEndpoint } from './proxy_config.ts';
import { configProblems, fieldsWithoutEffect } from './validate.ts';

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
const decode = (yaml: string): ProxyConfig =>
  decodeConfig(parseDocument(HEAD + yaml, 'test'), 'test', [PROXY_CONFIG_KIND]);
const flags = (...argv: string[]): ProxyConfig => configOf(parseFlags(proxyFlags, argv));

test('P13: defaults are those of upstream', () => {
  expect(decode('')).toMatchObject({
    bindAddress: '0.0.0.0',
    healthzBindAddress: '0.0.0.0:10256',
    metricsBindAddress: '127.0.0.1:10249',
    mode: 'iptables',
    detectLocalMode: 'ClusterCIDR',
    oomScoreAdj: -999,
    iptables: {
      masqueradeBit: 14,
      masqueradeAll: false,
      localhostNodePorts: true,
      syncPeriod: 30_000,
      minSyncPeriod: 1000,
    },
    conntrack: {
      maxPerCore: 32_768,
      min: 131_072,
      tcpEstablishedTimeout: 86_400_000,
      tcpCloseWaitTimeout: 3_600_000,
    },
    clientConnection: { qps: 5, burst: 10 },
  });
});

test('P13: the file that kubeadm writes: zeros and nulls are defaults', () => {
  const config = decode(`
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection: {acceptContentTypes: "", burst: 0, contentType: "", kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 0}
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null, udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: "", strictARP: false, syncPeriod: 0s, tcpFinTimeout: 0s, tcpTimeout: 0s, udpTimeout: 0s}
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
metricsBindAddress: ""
mode: ""
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "", sourceVip: ""}
`);
  expect(configProblems(config)).toEqual([]);
  expect(config).toEqual({
    ...decode(''),
    clusterCIDR: '10.244.0.0/16',
    clientConnection: { ...decode('').clientConnection, kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
    logging: { ...decode('').logging, flushFrequency: 0, options: config.logging.options },
  });
});

test.each([
  ['bogus: 1', /bogus/],
  ['iptables: {masqueradeBits: 1}', /iptables\.masqueradeBits/],
  ['iptables: {masqueradeBit: 32}', /iptables\.masqueradeBit/],
  ['iptables: {syncPeriod: 5}', /iptables\.syncPeriod/],
  ['mode: userspace', /mode/],
  ['metricsBindAddress: localhost:10249', /metricsBindAddress/],
  ['metricsBindAddress: "1.2.3.4:70000"', /metricsBindAddress/],
  ['bindAddress: x', /bindAddress/],
  ['detectLocalMode: Foo', /detectLocalMode/],
  ['conntrack: {min: -1}', /conntrack\.min/],
  ['oomScoreAdj: 2000', /oomScoreAdj/],
  ['nodePortAddresses: 10.0.0.0/8', /nodePortAddresses/],
])('P13: %s is refused by name', (yaml, message) => {
  expect(() => decode(yaml)).toThrow(message);
});

test.each([
  ['mode: ipvs', 'mode'],
  ['iptables: {syncPeriod: 1s, minSyncPeriod: 5s}', 'iptables.syncPeriod'],
  ['mode: nftables\nnftables: {syncPeriod: 1s, minSyncPeriod: 5s}', 'nftables.syncPeriod'],
  ['clusterCIDR: x', 'clusterCIDR'],
  ['clusterCIDR: 10.0.0.0/8,11.0.0.0/8', 'clusterCIDR'],
  ['detectLocalMode: BridgeInterface', 'detectLocal.bridgeInterface'],
  [
    '{detectLocalMode: BridgeInterface, detectLocal: {bridgeInterface: "a -j ACCEPT"}}',
    'detectLocal.bridgeInterface',
  ],
  ['detectLocalMode: InterfaceNamePrefix', 'detectLocal.interfaceNamePrefix'],
  ['nodePortAddresses: [primary, 10.0.0.0/8]', 'nodePortAddresses'],
  ['nodePortAddresses: [10.0.0.0/8, x]', 'nodePortAddresses[1]'],
  ['healthzBindAddress: 0.0.0.0:0', 'healthzBindAddress'],
  ['metricsBindAddress: "[::]:0"', 'metricsBindAddress'],
])('P13: %s cannot be used: %s', (yaml, path) => {
  const text = yaml.startsWith('{') ? yaml.slice(1, -1).replace(', detectLocal', '\ndetectLocal') : yaml;
  expect(configProblems(decode(text)).map((p) => p.path)).toEqual([path]);
});

test.each([
  ['ipvs: {scheduler: rr}', 'ipvs.scheduler'],
  ['ipvs: {excludeCIDRs: [10.0.0.0/8]}', 'ipvs.excludeCIDRs'],
  ['ipvs: {syncPeriod: 30s}', 'ipvs.syncPeriod'],
  ['ipvs: {strictARP: true}', 'ipvs.strictARP'],
  ['enableProfiling: true', 'enableProfiling'],
  ['portRange: 1000-2000', 'portRange'],
  ['winkernel: {networkName: x}', 'winkernel.networkName'],
  ['windowsRunAsService: true', 'windowsRunAsService'],
])('P13: %s has no effect, and that is said: %s', (yaml, field) => {
  expect(fieldsWithoutEffect(decode(yaml)).map((f) => f.field)).toEqual([field]);
});

test.each([
  ['--iptables-sync-period=0 --iptables-min-sync-period=0', 'iptables.syncPeriod'],
  ['--proxy-mode=nftables --iptables-sync-period=0 --iptables-min-sync-period=0', 'nftables.syncPeriod'],
  ['--config-sync-period=0', 'configSyncPeriod'],
])('P13: %s is refused', (argv, path) => {
  expect(configProblems(flags(...argv.split(' '))).map((p) => p.path)).toEqual([path]);
});

test('P13: beside a file the name of the node is taken from the flag, nothing else is', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-config-'));
  try {
    const path = join(dir, 'config.yaml');
    writeFileSync(path, `${HEAD}hostnameOverride: of-file\nmode: nftables\n`);
    const config = flags(`--config=${path}`, '--hostname-override=of-flag', '--proxy-mode=iptables');
    expect(config).toMatchObject({ hostnameOverride: 'of-flag', mode: 'nftables' });
    expect(flags(`--config=${path}`).hostnameOverride).toBe('of-file');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('P13: fields that no version knows, or none any more, are left out and named, as with stock', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-config-'));
  try {
    const path = join(dir, 'config.yaml');
    writeFileSync(path, `${HEAD}mode: nftables\nudpIdleTimeout: 250ms\niptables: {masqueradeBits: 1}\n`);
    const left: string[] = [];
    const config = configOf(parseFlags(proxyFlags, [`--config=${path}`]), (p) =>
      left.push(`${p.path}: ${p.message}`),
    );
    expect(config.mode).toBe('nftables');
    expect(left).toEqual([
      expect.stringContaining('udpIdleTimeout: unknown field'),
      'iptables.masqueradeBits: unknown field, did you mean "masqueradeBit"?',
    ]);
    writeFileSync(path, `${HEAD}mode: nftables\nudpIdleTimeout: 250ms\niptables: {masqueradeBit: x}\n`);
    expect(() => configOf(parseFlags(proxyFlags, [`--config=${path}`]))).toThrow('iptables.masqueradeBit');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('P13: what kubeadm writes has nothing without effect', () => {
  const yaml =
    'ipvs: {excludeCIDRs: null, minSyncPeriod: 0s, scheduler: "", strictARP: false, syncPeriod: 0s}\nenableProfiling: false';
  expect(fieldsWithoutEffect(decode(yaml))).toEqual([]);
});

test.each([
  ['', '0.0.0.0:10256', '127.0.0.1:10249'],
  ['bindAddress: "::"', '[::]:10256', '[::1]:10249'],
  ['bindAddress: 192.0.2.1', '0.0.0.0:10256', '127.0.0.1:10249'],
  ['healthzBindAddress: 192.0.2.1\nmetricsBindAddress: "fd00::1"', '192.0.2.1:10256', '[fd00::1]:10249'],
  ['bindAddress: "::"\nhealthzBindAddress: 192.0.2.1:1', '192.0.2.1:1', '[::1]:10249'],
])('P13: where servers listen with %j: %s and %s', (yaml, healthz, metrics) => {
  expect(decode(yaml)).toMatchObject({ healthzBindAddress: healthz, metricsBindAddress: metrics });
});

test('P13: what is written decodes to the same', () => {
  const config = decode(
    'clusterCIDR: 10.0.0.0/8\niptables: {minSyncPeriod: 2s}\nnodePortAddresses: [primary]\n',
  );
  expect(decodeConfig(encodeConfig(config, PROXY_CONFIG_KIND), 'again', [PROXY_CONFIG_KIND])).toEqual(config);
});

test('P13: flags give the same configuration as a file', () => {
  expect(flags()).toEqual({ ...decode(''), logging: decode('').logging });
  expect(
    flags(
      '--cluster-cidr=10.0.0.0/8',
      '--masquerade-all',
      '--iptables-min-sync-period=0',
      '--nodeport-addresses=10.0.0.0/8,fd00::/8',
    ),
  ).toMatchObject({
    clusterCIDR: '10.0.0.0/8',
    iptables: { masqueradeAll: true, minSyncPeriod: 0 },
    nodePortAddresses: ['10.0.0.0/8', 'fd00::/8'],
  });
  expect(flags('--metrics-bind-address=').metricsBindAddress).toBe('');
  expect(flags('--metrics-port=0').metricsBindAddress).toBe('');
  expect(() => flags('--proxy-mode=userspace')).toThrow(/mode/);
});

test.each([
  ['0.0.0.0:10256', { address: '0.0.0.0', port: 10256 }],
  ['[::]:1', { address: '::', port: 1 }],
  ['10.0.0.1', { address: '10.0.0.1', port: 99 }],
  ['::1', { address: '::1', port: 99 }],
  ['', undefined],
  ['host:1', undefined],
])('endpoint %j', (text, expected) => expect(splitEndpoint(text, 99)).toEqual(expected));
