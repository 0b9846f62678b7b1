import { service } from '../testing/objects.ts';
import { servicePortsOf } from './service_ports.ts';

const VIP = '10.96.0.10';
const spec = (s: Parameters<typeof service>[2], extra?: Parameters<typeof service>[3]) =>
  servicePortsOf(service('ns/web', VIP, s, extra));

test('a port without name has the Service as id, a named one its name after a colon', () => {
  expect(spec({ ports: [{ port: 80 }] }).ports).toMatchObject([
    { id: 'ns/web', protocol: 'TCP', port: 80, nodePort: 0 },
  ]);
  expect(spec({ ports: [{ name: 'http', port: 80 }] }).ports).toMatchObject([{ id: 'ns/web:http' }]);
});

test.each([
  ['headless', { clusterIP: 'None' }, {}],
  ['ExternalName', { type: 'ExternalName' }, {}],
  ['no cluster IP yet', { clusterIP: '' }, {}],
  ['of another proxy', {}, { 'service.kubernetes.io/service-proxy-name': '' }],
])('%s: no ports and no complaint', (_name, s, labels) => {
  const result = spec(s, { metadata: { namespace: 'ns', name: 'web', labels } });
  expect(result).toEqual({ ports: [], problems: [] });
});

test('P1: dual stack: each family has its cluster IP and the external addresses of its family', () => {
  const { ports } = spec({
    clusterIPs: [VIP, 'fd00:0::0010'],
    externalIPs: ['192.0.2.1', '2001:db8::1', '192.0.2.1'],
  });
  expect(ports).toMatchObject([
    { family: 'IPv4', clusterIP: VIP, externalIPs: ['192.0.2.1'] },
    { family: 'IPv6', clusterIP: 'fd00::10', externalIPs: ['2001:db8::1'] },
  ]);
});

test('P1: load balancer addresses count only for type LoadBalancer and mode VIP', () => {
  const status = {
    loadBalancer: { ingress: [{ ip: '192.0.2.7' }, { ip: '192.0.2.8', ipMode: 'Proxy' }, { hostname: 'x' }] },
  };
  expect(spec({ type: 'LoadBalancer' }, { status }).ports[0]?.loadBalancerIPs).toEqual(['192.0.2.7']);
  expect(spec({ type: 'ClusterIP' }, { status }).ports[0]?.loadBalancerIPs).toEqual([]);
});

test('P3: node ports and health check ports count only where they mean something', () => {
  const ports = [{ port: 80, nodePort: 30080 }];
  expect(spec({ ports }).ports[0]?.nodePort).toBe(0);
  expect(spec({ type: 'NodePort', ports }).ports[0]?.nodePort).toBe(30080);
  const local = { type: 'LoadBalancer', ports, healthCheckNodePort: 32000 };
  expect(spec(local).ports[0]?.healthCheckNodePort).toBe(0);
  expect(spec({ ...local, externalTrafficPolicy: 'Local' }).ports[0]?.healthCheckNodePort).toBe(32000);
});

test('P3: source ranges: of the family; one that covers everything lifts the restriction', () => {
  const ranges = (list: string[]) =>
    spec({ loadBalancerSourceRanges: list }).ports[0]?.loadBalancerSourceRanges.map(String);
  expect(ranges(['10.1.2.3/8', ' 192.0.2.0/24', '2001:db8::/32'])).toEqual(['10.0.0.0/8', '192.0.2.0/24']);
  expect(ranges(['192.0.2.0/24', '0.0.0.0/0'])).toEqual([]);
});

test('P2: session affinity: timeout of the Service, three hours without', () => {
  const seconds = (timeoutSeconds?: number) =>
    spec({
      sessionAffinity: 'ClientIP',
      ...(timeoutSeconds === undefined ? {} : { sessionAffinityConfig: { clientIP: { timeoutSeconds } } }),
    });
  expect(seconds(60).ports[0]?.affinitySeconds).toBe(60);
  expect(seconds().ports[0]?.affinitySeconds).toBe(10_800);
  expect(seconds(1e9).problems[0]?.message).toContain('want a number from 1 to 86400');
});

// Beyond what the apiserver lets through: nothing of it may become a rule or an option.
test.each([
  ['metadata.namespace', service('NS"; x/web', VIP)],
  ['metadata.name', service('ns/-j ACCEPT', VIP)],
  ['metadata.name', service(`ns/${'x'.repeat(64)}`, VIP)],
  ['spec.clusterIPs[0]', service('ns/web', '10.96.0.10 -j ACCEPT')],
  ['spec.clusterIPs[0]', service('ns/web', '127.0.0.1')],
  ['spec.clusterIPs[0]', service('ns/web', '169.254.1.1')],
  ['spec.clusterIPs[0]', service('ns/web', '224.0.0.1')],
  ['spec.ports[0]', service('ns/web', VIP, { ports: [{ name: 'a b', port: 80 }] })],
  ['spec.ports[0]', service('ns/web', VIP, { ports: [{ port: 0 }] })],
  ['spec.ports[0]', service('ns/web', VIP, { ports: [{ port: 80.5 }] })],
  ['spec.ports[0]', service('ns/web', VIP, { ports: [{ port: 80, protocol: 'ICMP' }] })],
])('%s: refused with a sentence that names it', (field, object) => {
  const { ports, problems } = servicePortsOf(object);
  expect(ports).toEqual([]);
  expect(problems).toMatchObject([{ field }]);
  expect(problems[0]?.message).toContain('want ');
});

test('one unusable external IP is left out and the rest of the Service works', () => {
  const { ports, problems } = spec({
    externalIPs: ['::ffff:10.0.0.1', '010.0.0.1', 'fe80::1%eth0', '192.0.2.1'],
  });
  expect(ports[0]?.externalIPs).toEqual(['192.0.2.1']);
  expect(problems.map((p) => p.field)).toEqual([
    'spec.externalIPs[0]',
    'spec.externalIPs[1]',
    'spec.externalIPs[2]',
  ]);
});
