import { overlap, parseRange, parseRoutes } from './routes.ts';

const TABLE = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
tsk1\t0000650A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
lo\t0100007F\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
`;

test('the kernel table, without the default route', () => {
  expect(parseRoutes(TABLE)).toEqual([
    { ...parseRange('10.101.0.0/24'), device: 'tsk1' },
    { ...parseRange('10.0.0.0/8'), device: 'tun0' },
    { ...parseRange('127.0.0.1/32'), device: 'lo' },
  ]);
});

test.each([
  ['10.100.0.0/16', '10.100.64.0/24', true],
  ['10.100.64.0/24', '10.100.0.0/16', true],
  ['10.100.0.0/16', '10.101.0.0/16', false],
  ['10.0.0.0/8', '10.199.0.0/16', true],
  ['192.168.0.0/16', '10.100.0.0/16', false],
  ['10.100.0.1/32', '10.100.0.1/32', true],
])('%s and %s overlap: %p', (a, b, want) => {
  expect(overlap(parseRange(a), parseRange(b))).toBe(want);
});
