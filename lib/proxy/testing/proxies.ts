/** Proxies, ours and stock, on the node of a test bed with a given configuration and given objects. */
import type { EndpointSlice, Service } from '../../api/types.ts';
import { decodeConfig } from '../../component/config/document.ts';
import { withModeDefaults } from '../config/mode_settings.ts';
import { PROXY_CONFIG_KIND } from '../config/proxy_config.ts';
import { cleanup } from '../iptables/cleanup.ts';
import { IptablesPrograms } from '../iptables/iptables_programs.ts';
import type { Family, IPAddress } from '../model/address.ts';
import { FAMILIES, parseAddress } from '../model/address.ts';
import { familyPolicy, nodeState } from '../node_state.ts';
import { cleanup as cleanupNftables } from '../nftables/cleanup.ts';
import { NftProgram } from '../nftables/nft_program.ts';
import { BED_NODE } from './bed_node.ts';
import { ProxyUnderTest } from './proxy_under_test.ts';
import type { Mode } from './situations.ts';
import type { TestBed } from './test_bed.ts';
import { WatchedNode } from './watched_node.ts';
import { HOSTS6, NODE, NODE_AT_FAR, NODE_AT_PODS } from './test_bed.ts';

export interface Objects {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

/** A running proxy; its rules for the objects are in force. */
export interface RunningProxy {
  /** Ends it. Rules stay. */
  stop(): Promise<void>;
}

const MACHINE: readonly IPAddress[] = [
  '127.0.0.1',
  '::1',
  NODE,
  NODE_AT_PODS,
  NODE_AT_FAR,
  HOSTS6.node,
  HOSTS6.nodeAtPods,
  HOSTS6.nodeAtFar,
].flatMap((text) => parseAddress(text) ?? []);

/** Our proxy, in this process, without the daemon around it. */
export async function startOurs(
  bed: TestBed,
  mode: Mode,
  fields: Readonly<Record<string, unknown>>,
  objects: Objects,
): Promise<RunningProxy> {
  const { apiVersion, kind } = PROXY_CONFIG_KIND;
  const config = withModeDefaults(
    decodeConfig({ apiVersion, kind, mode, ...fields }, 'test', [PROXY_CONFIG_KIND]),
  );
  for (const family of FAMILIES) {
    const support = { randomFully: true, routeLocalnet: true };
    const proxy = new ProxyUnderTest({
      ...programs(bed, mode, family),
      run: bed.runInNode,
      nodeAddresses: MACHINE.map((address) => address.ip),
      policy: familyPolicy(family, config, nodeState(BED_NODE), MACHINE, support),
    });
    proxy.planner.setZone('za');
    for (const service of objects.services) proxy.tracker.setService(service);
    for (const slice of objects.slices) proxy.tracker.setSlice(slice);
    const { rejected } = await proxy.sync();
    for (const { error } of rejected) throw error;
  }
  return { stop: () => Promise.resolve() };
}

function programs(
  bed: TestBed,
  mode: Mode,
  family: Family,
): { netfilter: IptablesPrograms } | { nft: NftProgram } {
  const options = { family, run: bed.runInNode };
  return mode === 'iptables'
    ? { netfilter: new IptablesPrograms(options) }
    : { nft: new NftProgram(options) };
}

/** The stock kube-proxy at `program`, fed by a watch server on the node. @throws Error with its log when its rules do not come */
export async function startStock(
  program: string,
  bed: TestBed,
  mode: Mode,
  fields: Readonly<Record<string, unknown>>,
  objects: Objects,
): Promise<RunningProxy> {
  const node = await WatchedNode.start(bed);
  for (const service of objects.services) await node.put('services', service);
  for (const slice of objects.slices) await node.put('endpointslices', slice);
  const proxy = node.startProxy([program], mode, fields);
  for (const deadline = Date.now() + 20_000; !(await hasSynced(bed));) {
    if (Date.now() > deadline || !proxy.isRunning) {
      const said = proxy.log().split('\n').slice(-20).join('\n');
      await node.stop();
      throw new Error(`stock kube-proxy wrote no rules:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return node;
}

// Nothing that reads a URL is on every machine but Node itself.
const READ_METRICS =
  "fetch('http://127.0.0.1:10249/metrics').then((answer) => answer.text()).then((text) => process.stdout.write(text), () => {})";

// The metric is set after the first sync of a family.
async function hasSynced(bed: TestBed): Promise<boolean> {
  const { stdout } = await bed.runInNode([process.execPath, '-e', READ_METRICS], { timeoutMs: 5000 });
  return FAMILIES.every((family) =>
    new RegExp(`kubeproxy_sync_proxy_rules_last_timestamp_seconds\\{ip_family="${family}"\\} [1-9]`).test(
      stdout,
    ),
  );
}

/** Takes everything of every proxy out of the node, connections too. */
export async function cleanNode(bed: TestBed): Promise<void> {
  for (const family of FAMILIES) {
    await cleanup(new IptablesPrograms({ family, run: bed.runInNode }));
    await cleanupNftables(new NftProgram({ family, run: bed.runInNode }));
  }
  for (const family of ['ipv4', 'ipv6']) bed.exec('node', ['conntrack', '-F', '-f', family]);
}
