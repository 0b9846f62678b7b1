import type { Pod } from '../../api/types.ts';
import { podDns, type DnsSettings } from './pod_dns.ts';
import { parseResolvConf, withinLimits } from './resolv_conf.ts';

const settings: DnsSettings = {
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  host: { servers: ['192.0.2.53'], searches: ['example.org'], options: ['timeout:1'] },
};
const podOf = (spec: Partial<Pod['spec']>): Pod => ({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [], ...spec },
});

const CLUSTER = {
  servers: ['10.96.0.10'],
  searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.org'],
  options: ['ndots:5'],
};

test.each([
  { spec: {}, want: CLUSTER },
  { spec: { dnsPolicy: 'ClusterFirst' }, want: CLUSTER },
  { spec: { dnsPolicy: 'ClusterFirst', hostNetwork: true }, want: settings.host },
  { spec: { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }, want: CLUSTER },
  { spec: { dnsPolicy: 'Default' }, want: settings.host },
  { spec: { dnsPolicy: 'None' }, want: { servers: [], searches: [], options: [] } },
  {
    spec: {
      dnsPolicy: 'None',
      dnsConfig: {
        nameservers: ['1.1.1.1'],
        searches: ['a'],
        options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
      },
    },
    want: { servers: ['1.1.1.1'], searches: ['a'], options: ['ndots:2', 'edns0'] },
  },
  {
    spec: {
      dnsConfig: {
        nameservers: ['10.96.0.10', '1.1.1.1'],
        searches: ['cluster.local', 'b'],
        options: [{ name: 'ndots', value: '1' }],
      },
    },
    want: {
      servers: ['10.96.0.10', '1.1.1.1'],
      searches: [...CLUSTER.searches, 'b'],
      options: ['ndots:1'],
    },
  },
])('K2: $spec', ({ spec, want }) => {
  expect(podDns(podOf(spec), settings)).toEqual({ dns: want, missingClusterDns: false });
});

test('K2: without cluster DNS the policy falls back to the host and says so', () => {
  const none = { ...settings, clusterDns: [] };
  expect(podDns(podOf({}), none)).toEqual({ dns: settings.host, missingClusterDns: true });
  expect(podDns(podOf({ dnsPolicy: 'Default' }), none).missingClusterDns).toBe(false);
});

test('K2: without the host’s resolv.conf nothing of it is inherited', () => {
  const { host: _host, ...rest } = settings;
  const off = { ...rest, host: undefined };
  expect(podDns(podOf({ dnsPolicy: 'Default' }), off).dns).toEqual({
    servers: ['127.0.0.1'],
    searches: ['.'],
    options: [],
  });
  expect(podDns(podOf({}), off).dns.searches).toEqual(CLUSTER.searches.slice(0, 3));
});

test('K2: limits cut, and say what is left', () => {
  const many = Array.from({ length: 33 }, (_x, i) => `d${i}`);
  const cut = withinLimits({ servers: ['1', '2', '3', '4'], searches: many, options: [] });
  expect(cut.dns.servers).toEqual(['1', '2', '3']);
  expect(cut.dns.searches).toEqual(many.slice(0, 32));
  expect(cut.cuts[0]).toBe(
    'Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1 2 3',
  );
  expect(cut.cuts[1]).toMatch(
    /^Search Line limits were exceeded, some search paths have been omitted, the applied search line is: d0 /,
  );
  const long = ['a'.repeat(1023), 'b'.repeat(1024)]; // 2048 with the space
  expect(withinLimits({ servers: [], searches: long, options: [] }).cuts).toEqual([]);
  const longer = ['a'.repeat(1024), 'b'.repeat(1024)];
  expect(withinLimits({ servers: [], searches: longer, options: [] }).dns.searches).toEqual([longer[0]]);
});

test('K2: resolv.conf: comments, the last search line, trailing dots, options', () => {
  const text = [
    '# comment',
    'nameserver 1.1.1.1 ; tail',
    ' nameserver\tfe80::1%eth0',
    'nameserver',
    'search old',
    'search a.example. b .',
    'options ndots:2 rotate',
    'sortlist 1.2.3.4',
  ].join('\n');
  expect(parseResolvConf(text)).toEqual({
    servers: ['1.1.1.1', 'fe80::1%eth0'],
    searches: ['a.example', 'b', '.'],
    options: ['ndots:2', 'rotate'],
  });
});
