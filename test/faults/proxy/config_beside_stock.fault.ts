/** Config files and flags: ours takes what stock takes and refuses what stock refuses, and both make the same of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { runProgram } from '../../../lib/proxy/program.ts';
import { OURS, STOCK } from '../support/proxy_node.ts';

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-proxy-beside-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The configuration as the program writes it, or that it ends with an error. */
async function made([program]: readonly [string], args: readonly string[]): Promise<unknown> {
  const file = join(dir, 'written.yaml');
  rmSync(file, { force: true });
  const { exitCode } = await runProgram([program, ...args, `--write-config-to=${file}`], {
    timeoutMs: 30_000,
  });
  return exitCode === 0 ? parse(readFileSync(file, 'utf8')) : 'refused';
}

/** What stock writes and ours has otherwise. Zeros and nulls of stock stand for "not of this mode" or "none"; it forgets portRange. */
function differences(stock: unknown, ours: unknown, path = ''): string[] {
  if (Array.isArray(stock) || typeof stock !== 'object' || stock === null) {
    const isUnset = stock === null || stock === '0s' || path === '.portRange';
    return isUnset || JSON.stringify(stock) === JSON.stringify(ours)
      ? []
      : [`${path}: stock ${JSON.stringify(stock)}, ours ${JSON.stringify(ours)}`];
  }
  const mine = new Map<string, unknown>(
    typeof ours === 'object' && ours !== null ? Object.entries(ours) : [],
  );
  return Object.entries(stock).flatMap(([key, value]) => differences(value, mine.get(key), `${path}.${key}`));
}

async function compare(args: readonly string[]): Promise<void> {
  const [stock, ours] = [await made(STOCK, args), await made(OURS, args)];
  if (stock === 'refused' || ours === 'refused') expect(ours).toBe(stock);
  else expect(differences(stock, ours)).toEqual([]);
}

test.each([
  'mode: ""',
  'mode: iptables',
  'mode: nftables',
  'mode: kernelspace',
  'clusterCIDR: "10.0.0.0/8"',
  'clusterCIDR: "10.0.0.1/8,fd00::/8"',
  'clusterCIDR: "10.0.0.0/8,11.0.0.0/8"',
  'clusterCIDR: "10.0.0.0"',
  'bindAddress: "::"',
  'bindAddress: localhost',
  'healthzBindAddress: "0.0.0.0"',
  'healthzBindAddress: ":10256"',
  'healthzBindAddress: "0.0.0.0:0"',
  'metricsBindAddress: "[::]:10249"',
  'metricsBindAddress: "localhost:10249"',
  'metricsBindAddress: "0.0.0.0:99999"',
  'conntrack: {maxPerCore: -1}',
  'conntrack: {min: -1}',
  'conntrack: {maxPerCore: 0, min: 0, tcpCloseWaitTimeout: 0s, udpTimeout: 10s, tcpBeLiberal: true}',
  'conntrack: {tcpEstablishedTimeout: -1s}',
  'configSyncPeriod: -1s',
  'oomScoreAdj: 0',
  'oomScoreAdj: 1001',
  'iptables: {masqueradeBit: 32}',
  'iptables: {masqueradeBit: 0, masqueradeAll: true, localhostNodePorts: false}',
  'iptables: {localhostNodePorts: "no"}',
  'iptables: {syncPeriod: 0s}',
  'iptables: {syncPeriod: -1s}',
  'iptables: {minSyncPeriod: 60s}',
  'mode: nftables\nnftables: {masqueradeBit: 32}',
  'mode: nftables\nnftables: {masqueradeBit: 3, syncPeriod: 1m, minSyncPeriod: 2s}',
  'mode: nftables\nnftables: {minSyncPeriod: 60s}',
  'mode: iptables\nnftables: {minSyncPeriod: 60s, syncPeriod: 1s}',
  'nodePortAddresses: [10.0.0.0/8, "fd00::/8"]',
  'nodePortAddresses: [10.0.0.1]',
  'nodePortAddresses: [primary]',
  'nodePortAddresses: [primary, 10.0.0.0/8]',
  'mode: nftables\nnodePortAddresses: [127.0.0.0/8]',
  'detectLocalMode: NodeCIDR',
  'detectLocalMode: nodeCIDR',
  'detectLocalMode: BridgeInterface',
  'detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}',
  'detectLocalMode: InterfaceNamePrefix',
  'detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}',
  'hostnameOverride: node-a',
  'logging: {format: json, verbosity: 3}',
  'logging: {format: yaml}',
  'featureGates: {NoSuchGate: true}',
  'featureGates: {AllAlpha: true}',
  'portRange: "100-200"',
  'winkernel: {networkName: a}',
  'showHiddenMetricsForVersion: "1.35"',
  'showHiddenMetricsForVersion: "1.30"',
  'clientConnection: {burst: -1}',
  'clientConnection: {kubeconfig: /none, qps: 50, burst: 100}',
  'enableProfiling: true\nbindAddressHardFail: true',
  'unknownField: 1',
  'udpIdleTimeout: 250ms\nresourceContainer: /x',
])('P13: %j', async (fields) => {
  const file = join(dir, 'config.yaml');
  writeFileSync(file, `${HEAD}${fields}\n`);
  await compare([`--config=${file}`]);
});

test.each([
  '--proxy-mode=nftables --masquerade-all',
  '--proxy-mode=nftables --iptables-sync-period=5s --iptables-masquerade-bit=5',
  '--iptables-min-sync-period=0',
  '--iptables-sync-period=0',
  '--cluster-cidr=10.0.0.0/8 --nodeport-addresses=10.0.0.0/8,192.168.0.0/16',
  '--conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-udp-timeout=30s',
  '--oom-score-adj=-500 --bind-address-hard-fail --profiling',
  '--detect-local-mode=BridgeInterface --pod-bridge-interface=cni0',
  '--kube-api-qps=50 --kube-api-burst=100 --kubeconfig=/x',
  '--config-sync-period=0',
  '--no-such-flag',
])('P13: %s', (flags) => compare(flags.split(' ')));
