import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { createPodDnsConfigurer } from './configurer.ts';

let root: string;
let events: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-dns-'));
  writeFileSync(join(root, 'resolv.conf'), 'nameserver 192.0.2.53\n');
  writeFileSync(join(root, 'hosts'), '127.0.0.1 localhost node\n');
  events = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const dns = (over: { clusterDNS?: string[]; resolvConf?: string } = {}) =>
  createPodDnsConfigurer({
    dirs: { root },
    clusterDNS: over.clusterDNS ?? ['10.96.0.10'],
    clusterDomain: 'cluster.local.',
    resolvConf: over.resolvConf ?? join(root, 'resolv.conf'),
    hostsPath: join(root, 'hosts'),
    events: { pod: (_pod, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
  });
const podOf = (spec: Partial<Pod['spec']> = {}, name = 'web-0'): Pod => ({
  metadata: { name, namespace: 'ns', uid: 'u' },
  spec: { containers: [], ...spec },
});

test.each([
  { spec: {}, want: 'web-0' },
  { spec: { hostname: 'h', subdomain: 's' }, want: 'h' },
  { spec: { subdomain: 's', setHostnameAsFQDN: true }, want: 'web-0.s.ns.svc.cluster.local' },
  { spec: { setHostnameAsFQDN: true }, want: 'web-0' },
  { spec: { hostNetwork: true }, want: '' },
  { spec: { hostnameOverride: 'a.b.c', subdomain: 's' }, want: 'a.b.c' },
])('K2: host name for $spec', ({ spec, want }) => expect(dns().hostname(podOf(spec))).toBe(want));

test('K2: a long pod name is cut to a label that may end it; a long FQDN is refused', () => {
  expect(dns().hostname(podOf({}, `${'a'.repeat(61)}-.b`))).toBe('a'.repeat(61));
  expect(() => dns().hostname(podOf({ subdomain: 's', setHostnameAsFQDN: true }, 'a'.repeat(60)))).toThrow(
    /^Failed to construct FQDN from Pod hostname and cluster domain, FQDN a+\.s\.ns\.svc\.cluster\.local is too long \(64 characters is the max, 83 characters requested\)$/,
  );
});

test('K2: the hosts file: addresses of the pod with its names, aliases; written in place', async () => {
  const pod = podOf({ subdomain: 's', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] });
  const path = await dns().writeHostsFile(pod, ['10.0.0.5', 'fd00::5']);
  expect(path).toBe(join(root, 'pods/u/etc-hosts'));
  expect(readFileSync(path, 'utf8')).toBe(
    [
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      '10.0.0.5\tweb-0.s.ns.svc.cluster.local\tweb-0',
      'fd00::5\tweb-0.s.ns.svc.cluster.local\tweb-0',
      '',
      '# Entries added by HostAliases.',
      '1.2.3.4\ta\tb',
      '',
    ].join('\n'),
  );
  const { ino, mode } = statSync(path);
  expect(mode & 0o777).toBe(0o644);
  await dns().writeHostsFile(pod, ['10.0.0.6']);
  expect(statSync(path).ino).toBe(ino); // running containers have this file mounted
  expect(readFileSync(path, 'utf8')).toContain('10.0.0.6');
});

test('K2: on the host network it is the host’s', async () => {
  const path = await dns().writeHostsFile(podOf({ hostNetwork: true }), ['192.0.2.1']);
  expect(readFileSync(path, 'utf8')).toBe(
    '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost node\n',
  );
});

test('K2: events: no cluster DNS, limits', async () => {
  expect((await dns({ clusterDNS: [] }).podDns(podOf())).servers).toEqual(['192.0.2.53']);
  expect(events[0]).toBe(
    'Warning MissingClusterDNS pod: "web-0_ns(u)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.',
  );
  events.length = 0;
  await dns().podDns(podOf({ dnsConfig: { nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'] } }));
  expect(events).toEqual([
    'Warning DNSConfigForming Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2',
  ]);
  await expect(dns({ resolvConf: join(root, 'none') }).podDns(podOf())).rejects.toThrow(/ENOENT/);
});
