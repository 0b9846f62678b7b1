import { FakeNetfilter } from './iptables/fake_netfilter.ts';
import { FakeNft } from './nftables/fake_nft.ts';
import { service, slice } from './testing/objects.ts';
import { ProxyUnderTest } from './testing/proxy_under_test.ts';

/** Rules of a Service with a named and a numbered port of one protocol, in both modes. */
async function rules(protocol: string): Promise<{ iptables: string; nftables: string }> {
  const ports = [
    { name: 'a', port: 80, nodePort: 30080, targetPort: 'web', protocol },
    { name: 'b', port: 81, targetPort: 9090, protocol },
  ];
  const explained = [];
  for (const proxy of [
    new ProxyUnderTest({ netfilter: new FakeNetfilter() }),
    new ProxyUnderTest({ nft: new FakeNft() }),
  ]) {
    proxy.tracker.setService(service('x/s', '10.96.0.1', { type: 'NodePort', ports }));
    proxy.tracker.setSlice(
      slice(
        'x/s-1',
        's',
        ['10.66.0.1@n1'],
        [
          { name: 'a', port: 8080, protocol },
          { name: 'b', port: 9090, protocol },
        ],
      ),
    );
    expect((await proxy.sync()).rejected).toEqual([]);
    explained.push(['x/s:a', 'x/s:b'].map((id) => JSON.stringify(proxy.backend.explain(id))).join('\n'));
  }
  return { iptables: explained[0] ?? '', nftables: explained[1] ?? '' };
}

// The kernels of many test machines have no SCTP: that its rules are as those of TCP is shown here.
test.each(['TCP', 'UDP', 'SCTP'])(
  'P1: %s: several ports, named and numbered, in both modes',
  async (protocol) => {
    const { iptables, nftables } = await rules(protocol);
    const word = protocol.toLowerCase();
    for (const [port, endpoint] of [
      [80, '10.66.0.1:8080'],
      [81, '10.66.0.1:9090'],
    ] as const) {
      expect(iptables).toMatch(new RegExp(`-d 10.96.0.1/32 -p ${word} [^,]*-m ${word} --dport ${port} `));
      expect(iptables).toMatch(new RegExp(`-p ${word} [^,]*-m ${word} -j DNAT --to-destination ${endpoint}`));
      expect(nftables).toMatch(new RegExp(`10.96.0.1 . ${word} . ${port} : goto`));
      expect(nftables).toContain(`l4proto ${word} dnat to ${endpoint}`);
    }
    expect(iptables).toMatch(new RegExp(`KUBE-NODEPORTS -p ${word} .*--dport 30080`));
    expect(nftables).toMatch(new RegExp(`${word} . 30080 : goto`));
  },
);

test('P1: one protocol is not taken for another', async () => {
  const sctp = await rules('SCTP');
  expect(sctp.iptables + sctp.nftables).not.toMatch(/\b(tcp|udp)\b/);
});
