import { FakeNetfilter } from '../iptables/fake_netfilter.ts';
import type { Frontend } from '../model/frontends.ts';
import { FakeNft } from '../nftables/fake_nft.ts';
import { service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { rulesMet } from './rules_met.ts';

const LOAD_BALANCER = '198.51.100.7';
const web = service(
  'a/web',
  '10.96.0.1',
  {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    loadBalancerSourceRanges: ['203.0.113.0/24'],
    ports: [{ name: 'p', port: 80, nodePort: 30080 }],
  },
  { status: { loadBalancer: { ingress: [{ ip: LOAD_BALANCER, ipMode: 'VIP' }] } } },
);

function met(mode: 'iptables' | 'nftables', frontend: Frontend): { dispatch: string; chains: string } {
  const proxy = new ProxyUnderTest(
    mode === 'iptables' ? { netfilter: new FakeNetfilter() } : { nft: new FakeNft() },
  );
  proxy.tracker.setService(web);
  proxy.tracker.setSlice(slice('a/1', 'web', ['10.66.0.1@n1', '10.66.0.2@n2']));
  proxy.backend.apply(proxy.planner.update(proxy.tracker.take().services));
  const [plan] = proxy.planner.plans.values();
  const { dispatch, chains } = rulesMet(proxy.backend.explain('a/web:p'), frontend, plan?.frontends ?? []);
  return { dispatch: dispatch.join('\n'), chains: Object.keys(chains).join(' ') };
}

test.each([
  ['iptables', /KUBE-SVC-\w+ .*KUBE-SEP-/, /KUBE-(EXT|FW|SVL)/],
  ['nftables', /service-/, /external-|firewall-|local-/],
] as const)('P14: %s: a packet to the cluster IP meets no rules for others', (mode, wanted, others) => {
  const { dispatch, chains } = met(mode, { kind: 'cluster', ip: '10.96.0.1', port: 80 });
  expect(dispatch).toContain('10.96.0.1');
  expect(dispatch).not.toMatch(/198\.51\.100\.7|30080/);
  expect(chains).toMatch(wanted);
  expect(chains).not.toMatch(others);
});

test.each([
  ['iptables', /KUBE-FW-/],
  ['nftables', /firewall-/],
] as const)('P14: %s: one to the load balancer meets the source ranges', (mode, wanted) => {
  const { dispatch, chains } = met(mode, { kind: 'loadBalancer', ip: LOAD_BALANCER, port: 80 });
  expect(dispatch).not.toContain('10.96.0.1');
  expect(chains).toMatch(wanted);
});

test.each(['iptables', 'nftables'] as const)('P14: %s: one to the node port does not', (mode) => {
  const { dispatch, chains } = met(mode, { kind: 'node', port: 30080 });
  expect(dispatch).toContain('30080');
  expect(dispatch).not.toMatch(/10\.96\.0\.1|198\.51\.100\.7/);
  expect(chains).not.toMatch(/KUBE-FW|firewall/);
});
