/**
 * The packet table with real packets: our iptables mode and our nftables mode under every configuration, the stock
 * kube-proxy in both modes under the default one. `TSK_PACKETS=full`: all of them under every one, and IPv6 everywhere.
 */
import { FAMILIES } from './model/address.ts';
import { casesOf, objectsOf } from './testing/packet_cases.ts';
import { mismatches } from './testing/packet_run.ts';
import { stockBinary } from '../../test/fixtures/stock_binaries.ts';
import type { Objects } from './testing/proxies.ts';
import { cleanNode, startOurs, startStock } from './testing/proxies.ts';
import type { Configuration, Mode } from './testing/situations.ts';
import { CONFIGURATIONS } from './testing/situations.ts';
import { TestBed } from './testing/test_bed.ts';

jest.setTimeout(120_000);

let bed: TestBed;
beforeAll(async () => {
  bed = await TestBed.create('tskpt');
  // Every packet is answered or refused, however many there are a second.
  const settings = [
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv4.icmp_msgs_per_sec=100000',
    'net.ipv4.icmp_msgs_burst=10000',
    'net.ipv6.icmp.ratelimit=0',
  ];
  for (const host of ['node', 'client', 'pod1', 'pod2', 'far'] as const)
    bed.exec(host, ['busybox', 'sysctl', '-qw', ...settings]);
});
afterAll(() => bed.close());
afterEach(() => cleanNode(bed));

const full = process.env['TSK_PACKETS'] === 'full';
const rows: Array<[proxy: 'ours' | 'stock', mode: Mode, name: string, configuration: Configuration]> = [];
for (const proxy of ['ours', 'stock'] as const) {
  for (const mode of ['iptables', 'nftables'] as const) {
    for (const configuration of CONFIGURATIONS) {
      if (proxy === 'stock' && !full && configuration.name !== 'default') continue;
      rows.push([proxy, mode, configuration.name, configuration]);
    }
  }
}

test.each(rows)('P1-P7: %s, %s mode, %s', async (proxy, mode, name, { config, situations }) => {
  const all = situations(mode);
  const families = full || (proxy === 'ours' && name === 'default') ? FAMILIES : (['IPv4'] as const);
  const objects: Objects = {
    services: families.flatMap((family) => objectsOf(all, family).services),
    slices: families.flatMap((family) => objectsOf(all, family).slices),
  };
  const running = await (proxy === 'ours'
    ? startOurs(bed, mode, config(mode), objects)
    : startStock(stockBinary('kube-proxy'), bed, mode, config(mode), objects));
  try {
    const cases = families.flatMap((family) => casesOf(all, family));
    expect(cases.length).toBeGreaterThan(80);
    expect(await mismatches(bed, cases)).toEqual([]);
  } finally {
    await running.stop();
  }
});
