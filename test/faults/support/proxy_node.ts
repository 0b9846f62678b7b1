/** A node in namespaces of its own with a proxy on it, packets that pass it all along, and what its packet filter has. */
import { FAMILIES } from '../../../lib/proxy/model/address.ts';
import { canonical, parseTable } from '../../../lib/proxy/nftables/dump.ts';
import type { LoadResult } from '../../../lib/proxy/testing/peer_agent.ts';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { cleanNode } from '../../../lib/proxy/testing/proxies.ts';
import type { Mode } from '../../../lib/proxy/testing/situations.ts';
import type { HeldConnection } from '../../../lib/proxy/testing/test_bed.ts';
import { POD1, POD2, TestBed } from '../../../lib/proxy/testing/test_bed.ts';
import type { ProxyProcess } from '../../../lib/proxy/testing/watched_node.ts';
import { WatchedNode } from '../../../lib/proxy/testing/watched_node.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { RuleChanges } from './rule_changes.ts';
import { stockBinary } from '../../fixtures/stock_binaries.ts';

export const OURS = ['dist/ts-kube-proxy'] as const;
export const STOCK = [stockBinary('kube-proxy')] as const;
export const MODES: readonly Mode[] = ['iptables', 'nftables'];
/** Cluster IP of the Service that all nodes under fault have, with both pods of the node behind it. */
export const VIP = '10.96.0.10';

const REQUEST_EVERY_MS = 10;

/** Made before, and taken away after each test of the file. */
export class ProxyNode {
  #bed: TestBed | undefined;
  #node: WatchedNode | undefined;

  static forTests(): ProxyNode {
    const it = new ProxyNode();
    beforeAll(async () => {
      it.#bed = await TestBed.create('tskpf');
    });
    afterAll(() => it.#bed?.close());
    beforeEach(async () => {
      it.#node = await WatchedNode.start(it.bed);
      await it.api.put('services', service('a/web', VIP));
      await it.api.put('endpointslices', slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]));
    });
    afterEach(async () => {
      await it.#node?.stop();
      await cleanNode(it.bed);
    });
    return it;
  }

  get bed(): TestBed {
    if (this.#bed === undefined) throw new Error('only in a test');
    return this.#bed;
  }

  get api(): WatchedNode {
    if (this.#node === undefined) throw new Error('only in a test');
    return this.#node;
  }

  /** Starts a proxy and waits until its rules are in force. */
  async start(
    program: readonly string[],
    mode: Mode,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<ProxyProcess> {
    const proxy = this.api.startProxy(program, mode, fields);
    await eventually('the rules are in force', async () => {
      if (!proxy.isRunning) throw new Error(`the proxy ended:\n${proxy.log().slice(-2000)}`);
      await this.answers(VIP, 80, /^pod/);
    });
    return proxy;
  }

  /** @throws Error when somebody else answers, or nobody */
  async answers(to: string, port: number, by: RegExp, from: 'far' | 'client' = 'far'): Promise<void> {
    const answer = await this.bed.ask(from, 'tcp', to, port, 1000);
    if (answer.by === undefined || !by.test(answer.by))
      throw new Error(`${to}:${port} is answered by ${answer.by ?? answer.error}, want ${String(by)}`);
  }

  /** A connection that is held, and 100 requests a second, until the end of `during`; none of them may fail. */
  async underTraffic(during: () => Promise<void>): Promise<LoadResult> {
    const changes = new RuleChanges(this.bed);
    const held: HeldConnection = await this.bed.hold('far', VIP, 80);
    const end = await this.bed.load('far', VIP, 80, REQUEST_EVERY_MS);
    let result: LoadResult | undefined;
    try {
      await during();
      await held.echo('still there');
    } finally {
      result = await end();
      held.close();
    }
    const changed = changes.stop(result.errors.map(({ at }) => at));
    if (result.errors.length > 0) console.log(this.#evidence(result, changed));
    expect(result.errors).toEqual([]);
    expect(result.requests).toBeGreaterThan(10);
    return result;
  }

  /** Whose doing failed requests were: what the proxy says, who changed which rules, and what is tracked of each. */
  #evidence({ errors }: LoadResult, changed: readonly string[]): string {
    const tracked = this.bed
      .exec('node', ['conntrack', '-L', '-p', 'tcp', '--orig-dst', VIP])
      .split('\n')
      .filter((flow) => errors.some(({ fromPort }) => flow.includes(` sport=${fromPort} dport=80 `)));
    const parts = { log: [this.api.logs()], 'changes of rules': changed, 'tracked flows': tracked };
    return Object.entries(parts)
      .map(([what, lines]) => `${what}:\n${lines.join('\n')}`)
      .join('\n\n');
  }

  /** Everything that proxies have in the packet filter, in an order that does not depend on history. */
  rules(mode: Mode): string {
    return FAMILIES.map((family) => {
      const ip = family === 'IPv4' ? 'ip' : 'ip6';
      if (mode === 'nftables')
        return canonical(parseTable(this.bed.exec('node', ['nft', 'list', 'table', ip, 'kube-proxy'])));
      const saved = this.bed.exec('node', [`${ip === 'ip' ? 'iptables' : 'ip6tables'}-save`]);
      const lines = saved.split('\n').filter((line) => !line.startsWith('#'));
      return lines
        .map((line) => line.replace(/\[\d+:\d+\]$/, ''))
        .toSorted()
        .join('\n');
    }).join('\n');
  }
}
