import { FakeNetfilter } from '../iptables/fake_netfilter.ts';
import { endpoint, service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { explainDestination, explainService, parseDestination } from './explain.ts';

async function source() {
  const proxy = new ProxyUnderTest({ netfilter: new FakeNetfilter() });
  const ports = [{ name: 'p', port: 80, nodePort: 30080 }];
  proxy.tracker.setService(service('a/web', '10.96.0.1', { type: 'NodePort', ports }));
  const gone = endpoint('10.66.0.2@n2', { ready: false });
  proxy.tracker.setSlice(slice('a/1', 'web', ['10.66.0.1@n1', gone]));
  await proxy.sync();
  return [{ family: 'IPv4' as const, planner: proxy.planner, backend: proxy.backend }];
}
const isNode = (ip: string): boolean => ip === '192.0.2.1';

test.each([
  ['cluster IP', '10.96.0.1', 80, 'cluster', 'KUBE-SERVICES -d 10.96.0.1/32'],
  ['node port', '192.0.2.1', 30080, 'node', 'KUBE-NODEPORTS -p tcp'],
])(
  '%s: the Service, its rules, its endpoints, and who is left out why',
  async (_name, ip, port, kind, rule) => {
    expect(explainDestination(await source(), { ip, port, protocol: 'TCP' }, isNode)).toMatchObject({
      matched: { kind, port },
      servicePort: 'a/web:p',
      verdict: 'cluster',
      candidates: { cluster: ['10.66.0.1:8080'] },
      leftOut: [{ endpoint: '10.66.0.2:8080', node: 'n2', reason: 'not ready' }],
      rules: {
        dispatch: expect.arrayContaining([expect.stringContaining(rule)]) as unknown,
      },
    });
  },
);

test.each([
  ['another port', '10.96.0.1', 81, 'TCP'],
  ['another protocol', '10.96.0.1', 80, 'UDP'],
  ['a node port elsewhere', '198.51.100.1', 30080, 'TCP'],
] as const)('%s is no Service', async (_name, ip, port, protocol) => {
  expect(explainDestination(await source(), { ip, port, protocol }, isNode)).toMatchObject({
    verdict: expect.stringContaining('no Service') as unknown,
  });
});

test('P14: with a source: what becomes of its packets', async () => {
  const destination = { ip: '192.0.2.1', port: 30080, protocol: 'TCP', source: '198.51.100.9' } as const;
  expect(explainDestination(await source(), destination, isNode)).toMatchObject({
    path: { verdict: 'translated', endpoints: ['10.66.0.1:8080'] },
  });
});

test.each([
  ['10.66.0.9', { ip: '10.0.0.1', port: 80, protocol: 'TCP', source: '10.66.0.9' }],
  ['fd00::1', undefined],
  ['a-pod', undefined],
])('source %s', (text, expected) => expect(parseDestination('10.0.0.1:80', 'tcp', text)).toEqual(expected));

test('by name', async () => {
  expect(explainService(await source(), 'a/web')).toMatchObject({ ports: [{ internal: 'cluster' }] });
  expect(explainService(await source(), 'a/none')).toMatchObject({
    verdict: expect.stringContaining('no such') as unknown,
  });
});

test.each([
  ['10.0.0.1:80', 'tcp', { ip: '10.0.0.1', port: 80, protocol: 'TCP' }],
  ['[fd00::1]:53', 'UDP', { ip: 'fd00::1', port: 53, protocol: 'UDP' }],
  ['10.0.0.1', 'tcp', undefined],
  ['10.0.0.1:0', 'tcp', undefined],
  ['10.0.0.1:80', 'icmp', undefined],
  ['host:80', 'tcp', undefined],
])('destination %s %s', (text, protocol, expected) =>
  expect(parseDestination(text, protocol)).toEqual(expected),
);
