import { FakeNetfilter } from '../iptables/fake_netfilter.ts';
import { endpoint, service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { findServices, totalsOf } from './ui_data.ts';

function sources() {
  const proxy = new ProxyUnderTest({ netfilter: new FakeNetfilter() });
  const ports = [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }];
  proxy.tracker.setService(
    service('shop/web', '10.96.0.1', { type: 'NodePort', ports, externalTrafficPolicy: 'Local' }),
  );
  const gone = endpoint('10.66.9.2@n2', { ready: false });
  const webPorts = [{ name: 'http', port: 8080, protocol: 'TCP' }];
  proxy.tracker.setSlice(slice('shop/1', 'web', ['10.66.1.1@n2', gone], webPorts));
  proxy.tracker.setService(service('shop/db', '10.96.0.2'));
  const dns = { ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] };
  proxy.tracker.setService(service('kube-system/dns', '10.96.0.10', dns));
  proxy.tracker.setSlice(slice('kube-system/1', 'dns', ['10.66.0.1@n1'], [{ ...dns.ports[0], port: 5353 }]));
  proxy.tracker.setService(service('other/thief', '10.96.0.3', { externalIPs: ['10.96.0.2'] }));
  proxy.tracker.setSlice(slice('other/1', 'thief', ['10.66.0.9@n1']));
  proxy.planner.update(proxy.tracker.take().services);
  return [{ family: 'IPv4' as const, planner: proxy.planner, backend: proxy.backend }];
}

test('all of them, with what is unusual', () => {
  const { rows, found } = findServices(sources(), '');
  expect([found, totalsOf(sources())]).toEqual([
    4,
    { services: 4, ports: 4, endpoints: 3, withoutEndpoints: 1 },
  ]);
  expect(rows[0]).toEqual({
    service: 'shop/web',
    port: 'http',
    family: 'IPv4',
    protocol: 'TCP',
    places: ['10.96.0.1:80', 'node port 30080'],
    endpoints: 1,
    local: 0,
    leftOut: 1,
    note: 'from outside: dropped, no endpoint on this node (policy Local)',
  });
  expect(rows.map((row) => row.note).slice(1)).toEqual([
    'no endpoints: refused',
    '',
    '10.96.0.2:80 belongs to shop/db:p',
  ]);
});

test.each([
  ['shop', ['shop/web', 'shop/db']],
  ['SHOP web', ['shop/web']],
  ['udp', ['kube-system/dns']],
  ['30080', ['shop/web']],
  ['10.96.0.2', ['shop/db']],
  ['10.66.0.9', ['other/thief']],
  ['10.66.9.2', ['shop/web']],
  ['shop udp', []],
])('search %s', (search, want) => {
  expect(findServices(sources(), search).rows.map((row) => row.service)).toEqual(want);
});

test('of very many the first ones, and how many there are', () => {
  const proxy = new ProxyUnderTest({ netfilter: new FakeNetfilter() });
  for (let n = 0; n < 300; n++) proxy.tracker.setService(service(`b/s${n}`, `10.97.${n >> 8}.${n & 255}`));
  proxy.planner.update(proxy.tracker.take().services);
  const page = findServices([{ family: 'IPv4', planner: proxy.planner, backend: proxy.backend }], 'b/');
  expect([page.rows.length, page.found]).toEqual([200, 300]);
});
