/** Real packets through real rules, in network namespaces of the test's own. */
import { cleanup } from './iptables/cleanup.ts';
import { IptablesPrograms } from './iptables/iptables_programs.ts';
import { cleanup as cleanupNftables } from './nftables/cleanup.ts';
import { canonical, parseTable } from './nftables/dump.ts';
import { NftProgram } from './nftables/nft_program.ts';
import { service, slice, endpoint } from './testing/objects.ts';
import { ProxyUnderTest } from './testing/proxy_under_test.ts';
import { CLIENT, FAR, NODE, POD1, POD2, TestBed } from './testing/test_bed.ts';

jest.setTimeout(60_000);

let bed: TestBed;
let proxy: ProxyUnderTest;

type Mode = 'iptables' | 'nftables';
let mode: Mode;

const start = (): ProxyUnderTest =>
  new ProxyUnderTest({
    ...(mode === 'iptables'
      ? { netfilter: new IptablesPrograms({ family: 'IPv4', run: bed.runInNode }) }
      : { nft: new NftProgram({ family: 'IPv4', run: bed.runInNode }) }),
    run: bed.runInNode,
    nodeAddresses: [NODE, '10.66.0.1', '10.66.1.1', '127.0.0.1'],
  });

/** More than are told apart by a rule each. */
const MANY = 40;
const FIRST_OF_MANY = 9000;
/** How many requests each endpoint gets, on average. */
const SHARE = 50;
/** A slice with one of many endpoints: a port of pod1. */
const oneOfMany = (n: number): ReturnType<typeof slice> =>
  slice(`a/many-${n}`, 'many', [`${POD1}@n1`], [{ name: 'p', port: FIRST_OF_MANY + n, protocol: 'TCP' }]);

const UDP_PORT = [{ name: 'p', port: 8080, protocol: 'UDP' }] as const;
const VIP = '10.96.0.10';

beforeAll(async () => {
  bed = await TestBed.create('tskpp');
  await bed.serve('node', 8080);
  for (let n = 0; n < MANY; n++) await bed.serve('pod1', FIRST_OF_MANY + n, `e${n}`);
});
afterAll(() => bed.close());
afterEach(async () => {
  // An empty proxy removes what the test left, by difference.
  await start().sync();
});

/** Rules of the mode are there during the tests of the block, and none of it after. */
function inMode(wanted: Mode): void {
  beforeAll(() => {
    mode = wanted;
    bed.exec('node', ['conntrack', '-F']);
  });
  beforeEach(() => {
    proxy = start();
  });
  afterAll(async () => {
    await cleanup(new IptablesPrograms({ family: 'IPv4', run: bed.runInNode }));
    await cleanupNftables(new NftProgram({ family: 'IPv4', run: bed.runInNode }));
    expect(bed.exec('node', ['nft', 'list', 'ruleset'])).not.toMatch(/KUBE-(?!FIREWALL)|kube-proxy/);
  });
}

const answers = async (
  n: number,
  ask: () => Promise<{ by: string | undefined }>,
): Promise<Set<string | undefined>> => {
  const seen = new Set<string | undefined>();
  for (let i = 0; i < n; i++) seen.add((await ask()).by);
  return seen;
};

describe.each<Mode>(['iptables', 'nftables'])('%s', (wanted) => {
  inMode(wanted);

  test('P2: a cluster IP is answered by all endpoints, from pod, node and (routed) client', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]));
    await proxy.sync();
    expect(await answers(20, () => bed.ask('far', 'tcp', VIP, 80))).toEqual(new Set(['pod1', 'pod2']));
    expect((await bed.ask('node', 'tcp', VIP, 80)).by).toMatch(/^pod/);
    expect((await bed.ask('client', 'tcp', VIP, 80)).by).toMatch(/^pod/);
  });

  test('P5: pods keep their source address; clients outside are masqueraded at cluster and node port', async () => {
    proxy.tracker.setService(
      service('a/web', VIP, { type: 'NodePort', ports: [{ name: 'p', port: 80, nodePort: 30080 }] }),
    );
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect(await bed.ask('far', 'tcp', VIP, 80)).toEqual({ by: 'pod1', source: FAR });
    expect(await bed.ask('client', 'tcp', VIP, 80)).toEqual({ by: 'pod1', source: '10.66.0.1' });
    expect(await bed.ask('client', 'tcp', NODE, 30080)).toEqual({ by: 'pod1', source: '10.66.0.1' });
    expect((await bed.ask('node', 'tcp', NODE, 30080)).by).toBe('pod1');
    // Only iptables can send packets for loopback addresses elsewhere.
    const loopback = mode === 'iptables' ? 'pod1' : undefined;
    expect((await bed.ask('node', 'tcp', '127.0.0.1', 30080)).by).toBe(loopback);
  });

  test('P5: hairpin: a pod reaches itself through its Service, masqueraded', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect(await bed.ask('pod1', 'tcp', VIP, 80)).toEqual({ by: 'pod1', source: '10.66.0.1' });
  });

  test('P6: UDP: answered, and a flow follows when its endpoint goes; other flows are left alone', async () => {
    const udp = { ports: [{ name: 'p', port: 53, protocol: 'UDP' }] };
    proxy.tracker.setService(service('a/dns', VIP, udp));
    proxy.tracker.setSlice(slice('a/dns-1', 'dns', [`${POD1}@n1`], [...UDP_PORT]));
    proxy.tracker.setService(service('a/other', '10.96.0.11', udp));
    proxy.tracker.setSlice(slice('a/other-1', 'other', [`${POD2}@n1`], [...UDP_PORT]));
    await proxy.sync();
    expect((await bed.ask('far', 'udp', VIP, 53, 1500, 4000)).by).toBe('pod1');
    expect((await bed.ask('far', 'udp', '10.96.0.11', 53, 1500, 4001)).by).toBe('pod2');
    proxy.tracker.setSlice(slice('a/dns-1', 'dns', [`${POD2}@n1`], [...UDP_PORT]));
    expect((await proxy.sync()).flowsRemoved).toBe(1);
    expect((await bed.ask('far', 'udp', VIP, 53, 1500, 4000)).by).toBe('pod2');
    expect(bed.exec('node', ['conntrack', '-L', '-p', 'udp'])).toContain('dport=53');
  });

  test('P6: UDP: a flow that was refused works as soon as the Service has its first endpoint', async () => {
    proxy.tracker.setService(service('a/dns', VIP, { ports: [{ name: 'p', port: 53, protocol: 'UDP' }] }));
    await proxy.sync();
    expect((await bed.ask('far', 'udp', VIP, 53, 1500, 4100)).by).toBeUndefined();
    proxy.tracker.setSlice(slice('a/dns-1', 'dns', [`${POD1}@n1`], [...UDP_PORT]));
    await proxy.sync();
    expect((await bed.ask('far', 'udp', VIP, 53, 1500, 4100)).by).toBe('pod1');
  });

  test('P2: session affinity keeps a client with one endpoint', async () => {
    proxy.tracker.setService(service('a/web', VIP, { sessionAffinity: 'ClientIP' }));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]));
    await proxy.sync();
    expect((await answers(12, () => bed.ask('far', 'tcp', VIP, 80))).size).toBe(1);
    expect((await answers(12, () => bed.ask('client', 'tcp', VIP, 80))).size).toBe(1);
  });

  test('P1: an external IP and an endpoint may be addresses of the node itself', async () => {
    proxy.tracker.setService(service('a/web', VIP, { externalIPs: [NODE] }));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect((await bed.ask('client', 'tcp', NODE, 80)).by).toBe('pod1');
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${NODE}@n1`]));
    await proxy.sync();
    expect((await bed.ask('client', 'tcp', NODE, 80)).by).toBe('node');
    expect((await bed.ask('far', 'tcp', VIP, 80)).by).toBe('node');
  });

  test('P2: endpoints get equal shares, few as well as many', async () => {
    for (const count of [3, MANY]) {
      for (let n = 0; n < count; n++) proxy.tracker.setSlice(oneOfMany(n));
      proxy.tracker.setService(service('a/many', VIP));
      await proxy.sync();
      const shares = new Map<string | undefined, number>();
      for (let i = 0; i < SHARE * count; i++) {
        const { by } = await bed.ask('far', 'tcp', VIP, 80);
        shares.set(by, (shares.get(by) ?? 0) + 1);
      }
      // Give or take six times what chance makes of it.
      expect(shares.size).toBe(count);
      for (const share of shares.values()) expect(Math.abs(share - SHARE)).toBeLessThan(6 * Math.sqrt(SHARE));
    }
  });

  test('P2: session affinity ends when a client stays away for as long as its timeout', async () => {
    const sessionAffinityConfig = { clientIP: { timeoutSeconds: 2 } };
    proxy.tracker.setService(service('a/many', VIP, { sessionAffinity: 'ClientIP', sessionAffinityConfig }));
    for (let n = 0; n < MANY; n++) proxy.tracker.setSlice(oneOfMany(n));
    await proxy.sync();
    const seen = new Set<string | undefined>();
    for (let i = 0; i < 4; i++) {
      const during = await answers(3, () => bed.ask('far', 'tcp', VIP, 80));
      expect(during.size).toBe(1);
      for (const by of during) seen.add(by);
      await new Promise((resolve) => setTimeout(resolve, 2600));
    }
    // The same of forty by chance four times: once in 64,000 runs.
    expect(seen.size).toBeGreaterThan(1);
  });

  test('P4: without endpoints connections are refused at once: cluster IP and node port', async () => {
    proxy.tracker.setService(
      service('a/web', VIP, { type: 'NodePort', ports: [{ name: 'p', port: 80, nodePort: 30080 }] }),
    );
    await proxy.sync();
    expect(await bed.ask('far', 'tcp', VIP, 80)).toEqual({ by: undefined, error: 'ECONNREFUSED' });
    expect(await bed.ask('node', 'tcp', VIP, 80)).toEqual({ by: undefined, error: 'ECONNREFUSED' });
    expect(await bed.ask('client', 'tcp', NODE, 30080)).toEqual({ by: undefined, error: 'ECONNREFUSED' });
  });

  test('P3: external policy Local: source address kept, only local endpoints; without one dropped, but not for pods', async () => {
    const spec = {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ name: 'p', port: 80, nodePort: 30080 }],
    };
    proxy.tracker.setService(service('a/web', VIP, spec));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${FAR}@n2`]));
    await proxy.sync();
    expect(await bed.ask('client', 'tcp', NODE, 30080)).toEqual({ by: 'pod1', source: CLIENT });
    expect(await answers(8, () => bed.ask('client', 'tcp', NODE, 30080))).toEqual(new Set(['pod1']));
    expect(await answers(16, () => bed.ask('pod2', 'tcp', NODE, 30080))).toEqual(new Set(['pod1', 'far']));

    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${FAR}@n2`]));
    await proxy.sync();
    expect(await bed.ask('client', 'tcp', NODE, 30080, 800)).toEqual({ by: undefined, error: 'timeout' });
    expect((await bed.ask('pod2', 'tcp', NODE, 30080)).by).toBe('far');
  });

  test('P3: internal policy Local: local endpoints only, dropped without one', async () => {
    proxy.tracker.setService(service('a/web', VIP, { internalTrafficPolicy: 'Local' }));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${FAR}@n2`]));
    await proxy.sync();
    expect(await answers(8, () => bed.ask('pod2', 'tcp', VIP, 80))).toEqual(new Set(['pod1']));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${FAR}@n2`]));
    await proxy.sync();
    expect(await bed.ask('pod2', 'tcp', VIP, 80, 800)).toEqual({ by: undefined, error: 'timeout' });
  });

  test('P2: terminating endpoints serve only while nothing is ready', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    const draining = endpoint(`${POD1}@n1`, { ready: false, serving: true, terminating: true });
    proxy.tracker.setSlice(slice('a/web-1', 'web', [draining]));
    await proxy.sync();
    expect((await bed.ask('far', 'tcp', VIP, 80)).by).toBe('pod1');
    proxy.tracker.setSlice(slice('a/web-1', 'web', [draining, `${POD2}@n1`]));
    await proxy.sync();
    expect(await answers(8, () => bed.ask('far', 'tcp', VIP, 80))).toEqual(new Set(['pod2']));
  });

  test('P3: load balancer source ranges: the address answers those named and drops others', async () => {
    const spec = { type: 'LoadBalancer', loadBalancerSourceRanges: ['198.51.100.0/24'] };
    const status = { status: { loadBalancer: { ingress: [{ ip: '203.0.113.5' }] } } };
    proxy.tracker.setService(service('a/web', VIP, spec, status));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect((await bed.ask('client', 'tcp', '203.0.113.5', 80)).by).toBe('pod1');
    expect(await bed.ask('far', 'tcp', '203.0.113.5', 80, 800)).toEqual({ by: undefined, error: 'timeout' });
  });
});

describe('iptables only', () => {
  inMode('iptables');

  test('P17: a new start changes nothing: no rule is sent, a held connection stays', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    const endpoints = slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]);
    proxy.tracker.setSlice(endpoints);
    await proxy.sync();
    const held = await bed.hold('far', VIP, 80);
    const before = bed.exec('node', ['iptables-save']).replaceAll(/^#.*$/gm, '');
    const again = start();
    again.tracker.setService(service('a/web', VIP));
    again.tracker.setSlice(endpoints);
    const result = await again.sync();
    expect(result).toMatchObject({ full: true, repaired: false, sent: { nat: 0, filter: 0 } });
    expect(bed.exec('node', ['iptables-save']).replaceAll(/^#.*$/gm, '')).toBe(before);
    await held.echo('still there');
    held.close();
  });

  test('P8: a large cluster: endpoints of other nodes without chains, hairpin and masquerading as ever', async () => {
    for (let n = 0; n < 4; n++) {
      const hosts = Array.from({ length: 300 }, (_, i) => `10.120.${n}.${i % 250}@n2`);
      proxy.tracker.setService(service(`b/s${n}`, `10.97.0.${n + 1}`));
      for (let k = 0; k < 300; k += 100)
        proxy.tracker.setSlice(
          slice(
            `b/s${n}-${k}`,
            `s${n}`,
            hosts.slice(k, k + 100).map((host, i) => host.replace(/\.\d+@/, `.${(k + i) % 250}@`)),
            [{ name: 'p', port: 8080 + k, protocol: 'TCP' }],
          ),
        );
    }
    const ports = [{ name: 'p', port: 80, nodePort: 30080, protocol: 'TCP' }];
    proxy.tracker.setService(service('a/web', VIP, { type: 'NodePort', ports }));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${FAR}@n2`]));
    await proxy.sync();
    const saved = bed.exec('node', ['iptables-save', '-t', 'nat']);
    expect(saved.match(/^:KUBE-SEP-/gm)).toHaveLength(1);
    expect(saved).toContain(`-j DNAT --to-destination ${FAR}:8080`);
    expect(await answers(20, () => bed.ask('pod2', 'tcp', VIP, 80))).toEqual(new Set(['pod1', 'far']));
    expect(await answers(20, () => bed.ask('pod1', 'tcp', VIP, 80))).toEqual(new Set(['pod1', 'far']));
    for (let i = 0; i < 8; i++) {
      const answer = await bed.ask('client', 'tcp', NODE, 30080);
      expect(answer).toEqual(
        answer.by === 'far' ? { by: 'far', source: '10.66.1.1' } : { by: 'pod1', source: '10.66.0.1' },
      );
    }
    for (let n = 0; n < 4; n++) proxy.tracker.deleteService(service(`b/s${n}`, `10.97.0.${n + 1}`));
    await proxy.sync();
    expect(bed.exec('node', ['iptables-save', '-t', 'nat']).match(/^:KUBE-SEP-/gm)).toHaveLength(2);
    expect(await answers(20, () => bed.ask('pod2', 'tcp', VIP, 80))).toEqual(new Set(['pod1', 'far']));
  });

  test('P8: rules and chains of others survive every kind of sync', async () => {
    const foreign =
      '*nat\n:CNI-MINE - [0:0]\n-A CNI-MINE -s 10.9.9.9/32 -j RETURN\n-A POSTROUTING -s 10.9.9.0/24 -j CNI-MINE\nCOMMIT\n';
    bed.exec('node', ['iptables-restore', '--noflush'], foreign);
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    proxy.tracker.deleteService(service('a/web', VIP));
    await proxy.sync();
    proxy.backend.requestFullSync();
    await proxy.sync();
    const nat = bed.exec('node', ['iptables-save', '-t', 'nat']);
    expect(nat).toContain('-A CNI-MINE -s 10.9.9.9/32 -j RETURN');
    expect(nat).toContain('-A POSTROUTING -s 10.9.9.0/24 -j CNI-MINE');
    expect(nat).not.toContain('KUBE-SVC-');
  });

  test('P8: a flush by another program is noticed and repaired', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect(await proxy.backend.isIntact()).toBe(true);
    bed.exec('node', ['iptables', '-t', 'nat', '-F', 'PREROUTING']);
    expect(await proxy.backend.isIntact()).toBe(false);
    proxy.backend.requestFullSync();
    expect((await proxy.sync()).repaired).toBe(true);
    bed.exec('node', ['iptables', '-t', 'mangle', '-X', 'KUBE-PROXY-CANARY']);
    expect(await proxy.backend.isIntact()).toBe(false);
    proxy.backend.requestFullSync();
    await proxy.sync();
    expect((await bed.ask('far', 'tcp', VIP, 80)).by).toBe('pod1');
  });
});

describe('nftables only', () => {
  inMode('nftables');

  test('P17: a new start writes the table whole: same rules, a held connection and affinity stay', async () => {
    proxy.tracker.setService(service('a/web', VIP, { sessionAffinity: 'ClientIP' }));
    const endpoints = slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]);
    proxy.tracker.setSlice(endpoints);
    await proxy.sync();
    const held = await bed.hold('far', VIP, 80);
    const { by } = await bed.ask('far', 'tcp', VIP, 80);
    const list = () => canonical(parseTable(bed.exec('node', ['nft', 'list', 'table', 'ip', 'kube-proxy'])));
    const before = list();
    const again = start();
    again.tracker.setService(service('a/web', VIP, { sessionAffinity: 'ClientIP' }));
    again.tracker.setSlice(endpoints);
    expect(await again.sync()).toMatchObject({ full: true, repaired: false });
    expect(list()).toBe(before);
    await held.echo('still there');
    held.close();
    expect(await answers(8, () => bed.ask('far', 'tcp', VIP, 80))).toEqual(new Set([by]));
  });

  test('P9: tables of others survive every kind of sync', async () => {
    const foreign = 'table ip mine {\n\tchain c {\n\t\tip saddr 10.9.9.9 drop\n\t}\n}\n';
    bed.exec('node', ['nft', '-f', '-'], foreign);
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    proxy.backend.requestFullSync();
    await proxy.sync();
    await cleanupNftables(new NftProgram({ family: 'IPv4', run: bed.runInNode }));
    expect(bed.exec('node', ['nft', 'list', 'ruleset'])).toContain(foreign);
    bed.exec('node', ['nft', 'delete', 'table', 'ip', 'mine']);
  });

  test('P9: the ruleset flushed by another program: noticed and repaired', async () => {
    proxy.tracker.setService(service('a/web', VIP));
    proxy.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`]));
    await proxy.sync();
    expect(await proxy.backend.isIntact()).toBe(true);
    bed.exec('node', ['nft', 'flush', 'ruleset']);
    expect(await proxy.backend.isIntact()).toBe(false);
    proxy.backend.requestFullSync();
    expect((await proxy.sync()).repaired).toBe(true);
    expect((await bed.ask('far', 'tcp', VIP, 80)).by).toBe('pod1');
  });
});

test.each([
  ['iptables', 'nftables'],
  ['nftables', 'iptables'],
] as const)('from %s to %s: a held connection stays, new ones work all along', async (before, after) => {
  const programs = { family: 'IPv4', run: bed.runInNode } as const;
  const feed = (p: ProxyUnderTest): void => {
    p.tracker.setService(service('a/web', VIP));
    p.tracker.setSlice(slice('a/web-1', 'web', [`${POD1}@n1`, `${POD2}@n1`]));
  };
  mode = before;
  proxy = start();
  feed(proxy);
  await proxy.sync();
  const held = await bed.hold('far', VIP, 80);
  mode = after;
  proxy = start();
  feed(proxy);
  await proxy.sync();
  expect((await bed.ask('far', 'tcp', VIP, 80)).by).toMatch(/^pod/);
  if (before === 'iptables') await cleanup(new IptablesPrograms(programs));
  else await cleanupNftables(new NftProgram(programs));
  expect((await bed.ask('far', 'tcp', VIP, 80)).by).toMatch(/^pod/);
  await held.echo('still there');
  held.close();
  const ruleset = bed.exec('node', ['nft', 'list', 'ruleset']);
  expect(ruleset.includes('KUBE-SVC-')).toBe(after === 'iptables');
  expect(ruleset.includes('table ip kube-proxy')).toBe(after === 'nftables');
});
