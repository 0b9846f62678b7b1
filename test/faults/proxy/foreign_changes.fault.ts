/** Other programs in the packet filter: what they take away comes back within a second of being noticed, what they add stays. */
import { OURS, ProxyNode, VIP } from '../support/proxy_node.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';

const node = ProxyNode.forTests();
// How often the proxy looks, at the latest.
const LOOK_MS = 1000;
const fields = (mode: string): Record<string, unknown> => ({
  [mode]: { syncPeriod: `${LOOK_MS}ms`, minSyncPeriod: '100ms' },
});
const PAUSE_OF_THE_MACHINE_MS = 1500;

test.each([
  ['iptables', 'nat flushed', ['iptables', '-t', 'nat', '-F']],
  ['iptables', 'filter flushed', ['iptables', '-t', 'filter', '-F']],
  ['iptables', 'only the jump of PREROUTING', ['iptables', '-t', 'nat', '-F', 'PREROUTING']],
  ['iptables', 'everything', ['nft', 'flush', 'ruleset']],
  ['nftables', 'everything', ['nft', 'flush', 'ruleset']],
  ['nftables', 'our table', ['nft', 'delete', 'table', 'ip', 'kube-proxy']],
] as const)('P8, P9: %s: %s', async (mode, _name, flush) => {
  await node.start(OURS, mode, fields(mode));
  const before = node.rules(mode);
  node.bed.exec('node', flush);
  const at = performance.now();
  await eventually(
    'the rules are back',
    async () => {
      await node.answers(VIP, 80, /^pod/);
      if (node.rules(mode) !== before) throw new Error('not all');
    },
    { timeoutMs: 20_000, intervalMs: 50 },
  );
  expect(performance.now() - at).toBeLessThan(LOOK_MS + 1000 + PAUSE_OF_THE_MACHINE_MS);
});

test('P8: iptables: rules of others in the same chains and in ours, before and after ours, stay where they are', async () => {
  const foreign = [
    '*nat',
    ':MINE - [0:0]',
    '-A MINE -s 10.9.9.9/32 -j RETURN',
    '-I PREROUTING 1 -s 10.9.9.1/32 -j MINE',
    '-A POSTROUTING -s 10.9.9.2/32 -j MINE',
    '-A OUTPUT -s 10.9.9.3/32 -j MINE',
    'COMMIT',
    '*filter',
    '-I FORWARD 1 -s 10.9.9.4/32 -j ACCEPT',
    '-A INPUT -s 10.9.9.5/32 -j ACCEPT',
    'COMMIT',
    '',
  ];
  node.bed.exec('node', ['iptables-restore', '--noflush'], foreign.join('\n'));
  const others = (): string[] =>
    node.bed
      .exec('node', ['iptables-save'])
      .split('\n')
      .filter((line) => line.includes('10.9.9.') || line.includes(':MINE'));
  const before = others();
  expect(before).toHaveLength(7);
  const proxy = await node.start(OURS, 'iptables', fields('iptables'));
  await node.api.put('services', service('c/new', '10.96.0.99'));
  await node.api.put('endpointslices', slice('c/new-1', 'new', [`${POD1}@n1`]));
  await eventually('the new Service answers', () => node.answers('10.96.0.99', 80, /pod1/));
  expect(others().toSorted()).toEqual(before.toSorted());
  await proxy.kill();
  await node.start(OURS, 'nftables', fields('nftables'));
  await eventually('the rules of the other mode are gone', async () => {
    if (node.bed.exec('node', ['iptables-save']).includes('KUBE-SVC')) throw new Error('still there');
  });
  expect(others().toSorted()).toEqual(before.toSorted());
});
