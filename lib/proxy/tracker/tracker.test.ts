import { endpoint, service, slice } from '../testing/objects.ts';
import { ServiceTracker } from './tracker.ts';

const VIP = '10.96.0.10';
const make = () => new ServiceTracker({ nodeName: 'n1' });
const addresses = (tracker: ServiceTracker, key = 'a/web') => {
  const [port] = tracker.ports(key, 'IPv4');
  return port === undefined ? undefined : tracker.endpoints(port).map((e) => e.address);
};

test('P2: several slices of a Service make one list, each address once, in order', () => {
  const t = make();
  t.setService(service('a/web', VIP));
  t.setSlice(slice('a/web-2', 'web', ['10.0.0.3', '10.0.0.1']));
  t.setSlice(slice('a/web-1', 'web', ['10.0.0.2', '10.0.0.3']));
  expect(addresses(t)).toEqual(['10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080']);
});

type Conditions = NonNullable<Parameters<typeof endpoint>[1]>;

test.each<[string, Conditions, Conditions]>([
  ['ready before terminating', { ready: true }, { ready: false, serving: true, terminating: true }],
  ['serving before not serving', { ready: false, serving: true }, { ready: false, serving: false }],
])('an endpoint in two slices: %s', (_name, better, worse) => {
  for (const [first, second] of [
    [better, worse],
    [worse, better],
  ]) {
    const t = make();
    t.setService(service('a/web', VIP));
    t.setSlice(slice('a/1', 'web', [endpoint('10.0.0.1', first)]));
    t.setSlice(slice('a/2', 'web', [endpoint('10.0.0.1', second)]));
    const [port] = t.ports('a/web', 'IPv4');
    expect(port && t.endpoints(port)).toMatchObject([
      { ready: better.ready, serving: better.serving ?? true },
    ]);
  }
});

test('absent conditions mean ready and serving, as the API has it', () => {
  const t = make();
  t.setService(service('a/web', VIP));
  t.setSlice(slice('a/1', 'web', [{ addresses: ['10.0.0.1'] }]));
  const [port] = t.ports('a/web', 'IPv4');
  expect(port && t.endpoints(port)).toMatchObject([{ ready: true, serving: true, terminating: false }]);
});

test.each<[string, Partial<Parameters<ServiceTracker['setSlice']>[0]>]>([
  ['another port name', { ports: [{ name: 'other', port: 8080 }] }],
  ['another protocol', { ports: [{ name: 'p', port: 8080, protocol: 'UDP' }] }],
  ['no port number', { ports: [{ name: 'p' }] }],
  ['another family', { addressType: 'IPv6' }],
  ['FQDN', { addressType: 'FQDN' }],
  [
    'of another proxy',
    { metadata: { name: '1', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } },
  ],
])('a slice of %s gives no endpoints', (_name, extra) => {
  const t = make();
  t.setService(service('a/web', VIP));
  const base = slice('a/1', 'web', ['10.0.0.1']);
  t.setSlice({ ...base, ...extra, metadata: { ...base.metadata, ...extra.metadata, namespace: 'a' } });
  expect(addresses(t)).toEqual([]);
});

test('P18: hostile endpoints are left out and reported', () => {
  const problems: string[] = [];
  const t = new ServiceTracker({
    nodeName: 'n1',
    onProblems: (_o, list) => problems.push(...list.map((p) => p.field)),
  });
  t.setService(service('a/web', VIP));
  t.setSlice(
    slice('a/1', 'web', ['127.0.0.1', '169.254.169.254', '10.0.0.1 -j ACCEPT', 'fd00::1', '10.0.0.2']),
  );
  expect(addresses(t)).toEqual(['10.0.0.2:8080']);
  expect(problems).toEqual([0, 1, 2, 3].map((i) => `endpoints[${i}].addresses[0]`));
});

test('changes: what is taken is gone, and names every Service touched', () => {
  const t = make();
  t.setService(service('a/web', VIP));
  t.setSlice(slice('a/1', 'web', ['10.0.0.1']));
  t.setSlice(slice('b/1', 'later', ['10.0.0.1']));
  expect(t.pendingEndpointChanges).toBe(2);
  expect(t.take()).toMatchObject({
    services: new Set(['a/web', 'b/later']),
    serviceChanges: 1,
    endpointChanges: 2,
  });
  expect(t.take()).toMatchObject({ services: new Set(), serviceChanges: 0, endpointChanges: 0 });
});

test('a slice that changes its Service leaves the old one', () => {
  const t = make();
  t.setService(service('a/web', VIP));
  t.setService(service('a/new', '10.96.0.11'));
  t.setSlice(slice('a/1', 'web', ['10.0.0.1']));
  t.take();
  t.setSlice(slice('a/1', 'new', ['10.0.0.1']));
  expect(t.take().services).toEqual(new Set(['a/web', 'a/new']));
  expect([addresses(t, 'a/web'), addresses(t, 'a/new')]).toEqual([[], ['10.0.0.1:8080']]);
});

test('slices may come before their Service and outlive it; nothing stays when both are gone', () => {
  const t = make();
  const s = service('a/web', VIP);
  const e = slice('a/1', 'web', ['10.0.0.1']);
  t.setSlice(e);
  t.setService(s);
  expect(addresses(t)).toEqual(['10.0.0.1:8080']);
  t.deleteService(s);
  expect(addresses(t)).toBeUndefined();
  t.setService(s);
  expect(addresses(t)).toEqual(['10.0.0.1:8080']);
  t.deleteService(s);
  t.deleteSlice(e);
  expect([...t.services()]).toEqual([]);
});

test('P7: a Service that becomes headless loses its ports', () => {
  const t = make();
  t.setService(service('a/web', VIP));
  t.take();
  t.setService(service('a/web', 'None'));
  expect(t.take().services).toEqual(new Set(['a/web']));
  expect(t.ports('a/web', 'IPv4')).toEqual([]);
});
