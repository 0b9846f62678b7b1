import { Metrics } from './metrics.ts';
import { parseAddressSpace, parseNetworkBytes } from './process_metrics.ts';

test.each([
  [
    'TcpExt: a b\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 120 34\n',
    { received: 120, sent: 34 },
  ],
  ['IpExt: InNoRoutes\nIpExt: 0\n', undefined],
  ['', undefined],
])('bytes of the network', (text, want) => {
  expect(parseNetworkBytes(text)).toEqual(want);
});

test.each([
  [
    'Limit   Soft Limit\nMax address space         unlimited            unlimited            bytes\n',
    2 ** 64,
  ],
  ['Max address space         4096                 unlimited            bytes\n', 4096],
  ['', undefined],
])('room for addresses', (text, want) => {
  expect(parseAddressSpace(text)).toBe(want);
});

test('each component has the process figures that dashboards ask of stock', async () => {
  const metrics = new Metrics();
  metrics.addProcessMetrics();
  const page = await metrics.registry.metrics();
  for (const name of [
    'process_cpu_seconds_total',
    'process_max_fds',
    'process_network_receive_bytes_total',
    'process_network_transmit_bytes_total',
    'process_open_fds',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'process_virtual_memory_bytes',
    'process_virtual_memory_max_bytes',
  ])
    expect(page).toMatch(
      new RegExp(`^# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}\n${name} [0-9.e+]+$`, 'm'),
    );
});
