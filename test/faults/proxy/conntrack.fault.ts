/** A table of 65,000 flows: when UDP endpoints leave, exactly the flows to them go, and no other. */
import { endpoint, service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1, POD2 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';
import { scaled } from '../support/scale.ts';

const node = ProxyNode.forTests();
const FLOWS = scaled(65_000, 5000);
const DNS = '10.96.0.53';
const OTHER = '10.96.0.54';
// Above the port that the host serves itself.
const FIRST_PORT = 8081;
const UDP_PORT = [{ name: 'p', port: 8080, protocol: 'UDP' }];

interface Count {
  /** Flows to each endpoint, by the Service's address and the endpoint's. */
  readonly [flow: string]: number;
}

function flows(): Count {
  const counts: Record<string, number> = {};
  for (const line of node.bed.exec('node', ['conntrack', '-L', '-p', 'udp']).split('\n')) {
    const [, dst = '', by = ''] = /dst=(\S+) sport=\d+ dport=53 .*?src=(\S+)/.exec(line) ?? [];
    if (dst !== '') counts[`${dst} ${by}`] = (counts[`${dst} ${by}`] ?? 0) + 1;
  }
  return counts;
}

test.each(MODES)(`P6: %s: ${FLOWS} flows`, async (mode) => {
  // Long enough for the whole test.
  for (const name of ['udp_timeout', 'udp_timeout_stream'])
    node.bed.exec('node', ['busybox', 'sysctl', '-qw', `net.netfilter.nf_conntrack_${name}=900`]);
  const udp = { ports: [{ name: 'p', port: 53, protocol: 'UDP' }] };
  for (const [name, vip] of [
    ['dns', DNS],
    ['other', OTHER],
  ] as const) {
    await node.api.put('services', service(`a/${name}`, vip, udp));
    await node.api.put('endpointslices', slice(`a/${name}-1`, name, [`${POD1}@n1`, `${POD2}@n1`], UDP_PORT));
  }
  const proxy = await node.start(OURS, mode, { [mode]: { minSyncPeriod: '100ms' } });
  const half = Math.min(FLOWS >> 1, 64_000 >> 1);
  await eventually('UDP rules are in force', async () => {
    if ((await node.bed.ask('far', 'udp', OTHER, 53, 500)).by === undefined) throw new Error('no answer');
  });
  node.bed.exec('node', ['conntrack', '-F']);
  await node.bed.spray('far', DNS, 53, FIRST_PORT, FIRST_PORT + half);
  await node.bed.spray('far', OTHER, 53, FIRST_PORT, FIRST_PORT + half);
  const before = flows();
  expect(before[`${DNS} ${POD1}`]).toBeGreaterThan(half / 3);
  expect(before[`${DNS} ${POD2}`]).toBeGreaterThan(half / 3);

  const at = performance.now();
  await node.api.put(
    'endpointslices',
    slice('a/dns-1', 'dns', [endpoint(`${POD2}@n1`)], UDP_PORT),
    'MODIFIED',
  );
  await eventually(
    'the flows to the endpoint that left are gone',
    async () => {
      if (flows()[`${DNS} ${POD1}`] !== undefined) throw new Error('still there');
    },
    { timeoutMs: 30_000, intervalMs: 100 },
  );
  const { [`${DNS} ${POD1}`]: _gone, ...kept } = before;
  expect(flows()).toEqual(kept);
  console.log(
    `${mode}: ${before[`${DNS} ${POD1}`]} of ${FLOWS} flows removed in ${Math.round(performance.now() - at)} ms`,
  );
  expect(proxy.isRunning).toBe(true);
});
