import { RecordingLog } from '../base/log.ts';
import { applySettings, conntrackSettings, ensure, growConntrackTable } from './sysctls.ts';
import type { Sysctls } from './sysctls.ts';

const CONFIG = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedTimeout: 86_400_000,
  tcpCloseWaitTimeout: 3_600_000,
  tcpBeLiberal: false,
  udpTimeout: 0,
  udpStreamTimeout: 0,
};

test.each([
  ['few cores: the minimum', {}, 2, 131_072],
  ['many cores: by core', {}, 8, 262_144],
  ['0 by core leaves the limit alone, whatever the minimum', { maxPerCore: 0 }, 8, undefined],
])('P6: limit of connections: %s', (_name, change, cores, max) => {
  expect(
    new Map(conntrackSettings({ ...CONFIG, ...change }, cores)).get('net/netfilter/nf_conntrack_max'),
  ).toBe(max);
});

test('P6: timeouts are in seconds; zero leaves one alone', () => {
  const settings = new Map(
    conntrackSettings({ ...CONFIG, tcpCloseWaitTimeout: 0, udpTimeout: 30_500, tcpBeLiberal: true }, 1),
  );
  expect([...settings.keys()].map((k) => k.replace('net/netfilter/nf_conntrack_', ''))).toEqual([
    'max',
    'tcp_timeout_established',
    'udp_timeout',
    'tcp_be_liberal',
  ]);
  expect(settings.get('net/netfilter/nf_conntrack_udp_timeout')).toBe(30);
});

function fake(values: Record<string, string>, refuse?: string): Sysctls & { written: string[] } {
  const written: string[] = [];
  return {
    written,
    get: async (name) => values[name],
    set: async (name, value) => {
      if (name === refuse) throw new Error('EROFS: read-only file system');
      written.push(`${name}=${value}`);
    },
  };
}

test('P6: what is right already is not written', async () => {
  const sysctls = fake({ a: '1' });
  expect(await ensure(sysctls, 'a', 1, new RecordingLog())).toBe(true);
  expect(sysctls.written).toEqual([]);
});

test('P6: a refusal is said once and the others are set all the same', async () => {
  const log = new RecordingLog();
  const sysctls = fake({ a: '0', b: '0' }, 'a');
  await applySettings(
    sysctls,
    [
      ['a', 1],
      ['b', 1],
    ],
    log,
  );
  expect(sysctls.written).toEqual(['b=1']);
  expect(JSON.stringify(log)).not.toBe('');
});

test.each<[what: string, max: string, buckets: string | undefined, written: readonly string[]]>([
  ['too few buckets for the limit', '2097152', '262144', ['nf_conntrack/parameters/hashsize=524288']],
  ['enough', '1048576', '262144', []],
  ['more than enough: not made smaller', '131072', '262144', []],
  ['a kernel that does not say', '2097152', undefined, []],
])('P6: the table of connections grows with its limit: %s', async (_what, max, buckets, written) => {
  const modules = fake(buckets === undefined ? {} : { 'nf_conntrack/parameters/hashsize': buckets });
  const sysctls = fake({ 'net/netfilter/nf_conntrack_max': max });
  await growConntrackTable(sysctls, modules, new RecordingLog());
  expect(modules.written).toEqual(written);
  expect(sysctls.written).toEqual([]);
});
