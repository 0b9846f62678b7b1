/**
 * Objects as nobody should be able to make them, of any shape and with any text in any place: whatever comes of them, it is
 * rules of the few known forms in chains of ours, and never an option, a second command or a line of its own.
 */
import * as fc from 'fast-check';
import type { EndpointSlice, Service } from '../api/types.ts';
import { FakeNetfilter } from './iptables/fake_netfilter.ts';
import { FakeNft } from './nftables/fake_nft.ts';
import { ProxyUnderTest } from './testing/proxy_under_test.ts';

const nasty = fc.constantFrom(
  '-j ACCEPT',
  'x\nCOMMIT\n*filter\n-F INPUT',
  '"; drop; comment "',
  '} ; delete table ip kube-proxy ; {',
  '$(reboot)',
  '`id`',
  '--to-destination',
  '127.0.0.1',
  '169.254.169.254',
  '0.0.0.0',
  '255.255.255.255',
  '224.0.0.1',
  '::1',
  'fe80::1%eth0',
  '::ffff:10.0.0.1',
  '010.0.0.1',
  '10.0.0.1/0',
  'None',
  '',
  '../../etc',
  'a'.repeat(300),
  '\u0000',
  '10.96.0.7',
);
const text = fc.oneof(nasty, fc.string(), fc.constantFrom('web', '10.96.0.9', '10.66.0.5', 'TCP', 'UDP'));
/** What it should be, most of the time: one bad value in an object that is good otherwise gets furthest. */
const mostly = <T>(good: readonly T[], bad: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: bad });
const anyPort = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 65_536, NaN));
const port = mostly([80, 8080, 30080], anyPort);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const hostileService = fc.record({
  metadata: fc.record({
    namespace: mostly(['a'], text),
    name: mostly(['web'], text),
    creationTimestamp: maybe(text),
    annotations: fc.dictionary(text, text),
    labels: fc.dictionary(text, text),
  }),
  spec: fc.record({
    type: mostly(['ClusterIP', 'NodePort', 'LoadBalancer'], text),
    clusterIP: mostly(['10.96.0.9'], text),
    clusterIPs: maybe(fc.array(mostly(['10.96.0.9'], text), { maxLength: 3 })),
    externalIPs: maybe(fc.array(text, { maxLength: 3 })),
    loadBalancerSourceRanges: maybe(fc.array(text, { maxLength: 3 })),
    sessionAffinity: maybe(mostly(['ClientIP'], text)),
    sessionAffinityConfig: maybe(fc.record({ clientIP: fc.record({ timeoutSeconds: port }) })),
    externalTrafficPolicy: maybe(mostly(['Local'], text)),
    internalTrafficPolicy: maybe(mostly(['Local'], text)),
    healthCheckNodePort: maybe(port),
    ports: maybe(
      fc.array(
        fc.record({
          name: mostly<string | undefined>([undefined], text),
          port,
          nodePort: maybe(port),
          protocol: mostly<string | undefined>(['TCP', 'UDP'], text),
        }),
        {
          maxLength: 3,
        },
      ),
    ),
  }),
  status: maybe(
    fc.record({
      loadBalancer: fc.record({
        ingress: fc.array(fc.record({ ip: mostly(['203.0.113.7'], text), ipMode: maybe(text) }), {
          maxLength: 2,
        }),
      }),
    }),
  ),
});
const hostileSlice = fc.record({
  metadata: fc.record({
    namespace: mostly(['a'], text),
    name: text,
    labels: fc.record({ 'kubernetes.io/service-name': mostly(['web'], text) }),
  }),
  addressType: mostly(['IPv4'], text),
  endpoints: fc.array(
    fc.record({
      addresses: fc.array(mostly(['10.66.0.5', '10.66.0.6'], text), { maxLength: 2 }),
      nodeName: maybe(text),
      hints: maybe(fc.record({ forZones: fc.array(fc.record({ name: text }), { maxLength: 2 }) })),
    }),
    { maxLength: 3 },
  ),
  ports: fc.array(
    fc.record({
      name: mostly<string | undefined>([undefined], text),
      port,
      protocol: mostly<string | undefined>(['TCP', 'UDP'], text),
    }),
    { maxLength: 3 },
  ),
});

// Beginnings of all lines that our iptables mode writes, then only what tokens and quoted comments may hold.
const IPTABLES_LINE =
  /^(?:\*(?:nat|filter|mangle)|COMMIT|:[A-Z0-9-]+ - \[0:0\]|-[AID] (?:KUBE-[A-Z0-9-]+|INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING) (?:[\w.:/![\]+=,-]+|"[\w .:;,/()[\]>=-]*"| )+|-X KUBE-[A-Z0-9-]+)$/;
const NFT_LINE =
  /^(?:add|delete|flush) (?:table|chain|set|map|rule|element) ip kube-proxy(?: [\w/.-]+)?(?: (?:[\w.:/![\]+=,@&|^<>-]+|\{|\}|;|\*|"[^"\n]*"| )+)?$/;
const LOCAL = /(?<![\d.])(?:127|169\.254|224|255)\.\d/;

function feed(proxy: ProxyUnderTest, services: readonly object[], slices: readonly object[]): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrong on purpose
  for (const s of services) proxy.tracker.setService(s as Service);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrong on purpose
  for (const s of slices) proxy.tracker.setSlice(s as EndpointSlice);
}

test('P18: hostile objects never become an option, a command or a loopback or link-local address', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(hostileService, { maxLength: 4 }),
      fc.array(hostileSlice, { maxLength: 4 }),
      async (services, slices) => {
        const netfilter = new FakeNetfilter();
        const nft = new FakeNft();
        for (const proxy of [
          new ProxyUnderTest({ netfilter, policy: { guardLocalnet: false } }),
          new ProxyUnderTest({ nft }),
        ]) {
          await proxy.sync();
          feed(proxy, services, slices);
          expect((await proxy.sync()).rejected).toEqual([]);
        }
        const lines = (transactions: readonly string[]): string[] =>
          transactions.slice(1).flatMap((t) => t.split('\n').filter((line) => line !== ''));
        for (const line of lines(netfilter.transactions)) {
          expect(line).toMatch(IPTABLES_LINE);
          expect(line.replace(/--mask \S+/, '')).not.toMatch(LOCAL);
        }
        for (const line of lines(nft.transactions)) {
          expect(line).toMatch(NFT_LINE);
          expect(line).not.toMatch(LOCAL);
        }
      },
    ),
    { numRuns: 400 },
  );
});
