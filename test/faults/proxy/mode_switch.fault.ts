/** From one mode to the other and back, from stock to ours and back, under a held connection and 100 requests a second. */
import type { Mode } from '../../../lib/proxy/testing/situations.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { OURS, ProxyNode, STOCK } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();

const ours = (mode: Mode) => ({ name: `ours ${mode}`, program: OURS, mode });
const stock = (mode: Mode) => ({ name: `stock ${mode}`, program: STOCK, mode });

test.each(
  [
    [ours('iptables'), ours('nftables'), ours('iptables')],
    [ours('nftables'), ours('iptables'), ours('nftables')],
    [stock('iptables'), ours('iptables'), stock('iptables')],
    [stock('nftables'), ours('nftables'), stock('nftables')],
    [stock('iptables'), ours('nftables'), ours('iptables')],
  ].map((steps) => ({ name: steps.map((step) => step.name).join(', '), steps })),
)('P10: $name', async ({ steps }) => {
  const [first, ...rest] = steps;
  if (first === undefined) throw new Error('no step');
  let proxy = await node.start(first.program, first.mode);
  await node.underTraffic(async () => {
    for (const { program, mode } of rest) {
      await proxy.kill();
      proxy = node.api.startProxy(program, mode);
      await eventually('the new proxy has taken over', async () => {
        if (!proxy.isRunning) throw new Error(proxy.log().slice(-2000));
        const ruleset = node.bed.exec('node', ['nft', 'list', 'ruleset']);
        const other = mode === 'iptables' ? 'table ip kube-proxy' : 'KUBE-SVC-';
        if (!ruleset.includes(mode === 'iptables' ? 'KUBE-SVC-' : 'table ip kube-proxy'))
          throw new Error('no rules');
        if (program === OURS && ruleset.includes(other)) throw new Error('rules of the other mode are left');
      });
      // Under the rules of one alone for a while.
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  });
});
